import {
  AITBCClient,
  type AITBCClientDeps,
  type AITBCClientOptions,
  AITBCMiner,
  type AITBCMinerDeps,
  type AITBCMinerOptions,
  type DialectName,
  walletFromPrivateKey,
} from '../../src/aitbc/index.js';
import { DocumentedServer, keyIdOf, LiveServer } from '../../src/devnet/index.js';
import { type Sleep, sleep } from '../../src/net/index.js';

const SIGNER_SEED = new Uint8Array(32).fill(7);
const ATTESTER_SEED = new Uint8Array(32).fill(9);
export const CLIENT_KEY = 'client-key-for-tests';
export const MINER_KEY = 'miner-key-for-tests';
export const ADMIN_KEY = 'admin-key-for-tests';
/** Anyone's: the private key 1…1. */
export const WALLET_KEY = '11'.repeat(32);
export const PINS = { trustedSigners: [keyIdOf(SIGNER_SEED)], trustedAttesters: [keyIdOf(ATTESTER_SEED)] };

/** A coordinator of one dialect, and clients and miners for it. */
export interface World {
  readonly dialect: DialectName;
  readonly server: DocumentedServer | LiveServer;
  client(options?: AITBCClientOptions, deps?: AITBCClientDeps): AITBCClient;
  miner(deps: AITBCMinerDeps, options?: Partial<AITBCMinerOptions>): AITBCMiner;
  close(): Promise<void>;
}

export const DIALECTS: readonly DialectName[] = ['documented', 'live-key', 'live-jwt'];

export async function startWorld(
  dialect: DialectName,
  extra: {
    now?: () => number;
    jobTypes?: readonly string[];
    rateLimited?: number;
    failing?: number;
    tokenSeconds?: number;
  } = {},
): Promise<World> {
  const keys = { minerKeys: [MINER_KEY], signerSeed: SIGNER_SEED, attesterSeed: ATTESTER_SEED };
  const { jobTypes, rateLimited, failing, ...rest } = extra;
  const server =
    dialect === 'documented'
      ? await DocumentedServer.start({
          ...keys,
          clientKeys: [CLIENT_KEY],
          rateLimited,
          failing,
          ...(jobTypes !== undefined && { jobTypes }),
          ...(extra.now !== undefined && { now: extra.now }),
        })
      : await LiveServer.start({
          ...keys,
          ...rest,
          generation: dialect === 'live-key' ? 'key' : 'jwt',
          clientKeys: [CLIENT_KEY],
          adminKeys: [ADMIN_KEY],
        });
  const opened: { close(): Promise<void> }[] = [];
  return {
    dialect,
    server,
    client(options = {}, deps = {}) {
      const credentials =
        dialect === 'live-jwt' ? { wallet: walletFromPrivateKey(WALLET_KEY) } : { apiKey: CLIENT_KEY };
      const client = new AITBCClient({ baseUrl: server.url, ...credentials, ...options }, { sleep: quickly, ...deps });
      opened.push(client);
      return client;
    },
    miner(deps, options = {}) {
      const miner = new AITBCMiner(
        { baseUrl: server.url, apiKey: MINER_KEY, minerId: 'miner-ts-1', pollMs: 5, maxPollMs: 10, ...options },
        deps,
      );
      opened.push(miner);
      return miner;
    },
    async close() {
      for (const one of opened) await one.close();
      await server.close();
    },
  };
}

/** Pauses of at most 5 ms, so that retries and polls do not slow the tests. */
const quickly: Sleep = (ms, signal) => sleep(Math.min(ms, 5), signal);
