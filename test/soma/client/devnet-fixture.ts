import { type Devnet, type DevnetOptions, startDevnet } from '../../../src/devnet/soma/index.js';
import { Keypair, manifestOf } from '../../../src/soma/chain/index.js';
import { SomaClient, type SomaClientSettings } from '../../../src/soma/client/index.js';
import { listen } from '../../loopback-server.js';

/** A devnet with models and money, a client of it, and a host for bytes. */
export interface Fixture {
  readonly devnet: Devnet;
  readonly client: SomaClient;
  readonly keypair: Keypair;
  /** Bytes served at `hostUrl` + path; a path that is missing gives 404. */
  readonly hosted: Map<string, Uint8Array>;
  readonly hostUrl: string;
  readonly weights: readonly Uint8Array[];
  connect(settings?: SomaClientSettings): Promise<SomaClient>;
  close(): Promise<void>;
}

const SOMA = 1_000_000_000n;

export function bytesOf(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + seed * 17 + (index >> 8)) & 255);
}

export async function startFixture(options: DevnetOptions & { coins?: readonly bigint[] } = {}): Promise<Fixture> {
  const hosted = new Map<string, Uint8Array>();
  const host = await listen((request, response) => {
    const found = hosted.get(request.url ?? '');
    response.writeHead(found === undefined ? 404 : 200).end(found);
  });
  const hostUrl = host.url;
  const keypair = Keypair.fromSecret(new Uint8Array(32).fill(7));
  const weights = [0, 1, 2].map((seed) => bytesOf(50_000, seed));
  const { coins = [100n * SOMA], ...devnetOptions } = options;
  const devnet = await startDevnet({
    seed: 1,
    auditShare: 0,
    checkpointIntervalMs: 50,
    initialDistanceThreshold: 2,
    accounts: [{ address: keypair.address, coins }],
    models: weights.map((bytes, index) => {
      hosted.set(`/weights/${index}`, bytes);
      return {
        owner: keypair.address,
        manifest: manifestOf(`${hostUrl}/weights/${index}`, bytes),
        decryptionKey: new Uint8Array(32).fill(index + 1),
        embedding: Float32Array.from({ length: 16 }, (_, i) => (i === index ? 1 : 0.01)),
        commissionRate: 1000n,
        initialStake: SOMA,
      };
    }),
    ...devnetOptions,
  });
  const connect = (settings: SomaClientSettings = {}): Promise<SomaClient> =>
    SomaClient.connect({ url: devnet.rpcUrl, faucetUrl: devnet.faucetUrl, adminUrl: devnet.adminUrl, ...settings });
  const client = await connect();
  return {
    devnet,
    client,
    keypair,
    hosted,
    hostUrl,
    weights,
    connect,
    async close() {
      client.close();
      await devnet.close();
      await host.close();
    },
  };
}
