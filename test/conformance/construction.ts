import { createServer } from 'node:net';
import { startDevnet } from '../../src/devnet/soma/index.js';
import { SomaClient, type SomaClientOptions } from '../../src/soma/index.js';
import type { ConformanceNetwork } from './conformance-network.js';
import { startScoringServer } from './scoring-server.js';

const make = { on: 'SomaClient' };

/** How clients are made, and how they refuse to be. */
export async function construction({ compare, devnet, scoringUrl }: ConformanceNetwork): Promise<void> {
  const { rpcUrl, faucetUrl, adminUrl } = devnet;
  const made = () => ({ $opaque: 'SomaClient' });
  const all = { faucet_url: faucetUrl, admin_url: adminUrl, scoring_url: scoringUrl };
  await compare.same(
    '__new__',
    { ...make, args: [rpcUrl], kwargs: all, as: 'client', called: 'URLs' },
    made,
    'connected',
  );
  const unknown = { network: 'nowhere' } as unknown as SomaClientOptions;
  await compare.refused(
    '__new__',
    { ...make, kwargs: { chain: 'nowhere' }, called: 'unknown chain', raises: 'ValueError', code: 'UNKNOWN_NETWORK' },
    () => SomaClient.connect(unknown),
  );
  const unused = 'http://127.0.0.1:1';
  await compare.refused(
    '__new__',
    {
      ...make,
      args: [rpcUrl],
      kwargs: { scoring_url: unused },
      called: 'no scoring there',
      raises: 'RuntimeError',
      code: 'UNREACHABLE',
    },
    async () => {
      const client = await SomaClient.connect({ url: rpcUrl, scoringUrl: unused });
      return client.scoring.health().finally(() => client.close());
    },
  );

  const ports = { rpc: 9000, faucet: 9123, admin: 9125 };
  if (!(await allFree([...Object.values(ports), 9124]))) {
    console.error('not tried: chain="localnet", whose ports are in use on this machine');
    return;
  }
  const localnet = await startDevnet({ ports });
  const scoring = await startScoringServer(9124);
  try {
    await compare.same(
      '__new__',
      { ...make, kwargs: { chain: 'localnet' }, as: 'localnet', called: 'chain localnet' },
      made,
      'connected',
    );
    await compare.same('get_chain_identifier', { on: 'localnet', called: 'chain localnet' }, async () => {
      const client = await SomaClient.connect({ network: 'localnet' });
      return (await client.getServiceInfo().finally(() => client.close())).chain;
    });
  } finally {
    await scoring.close();
    await localnet.close();
  }
}

async function allFree(ports: readonly number[]): Promise<boolean> {
  const free = await Promise.all(
    ports.map(
      (port) =>
        new Promise<boolean>((resolve) => {
          const server = createServer();
          server.once('error', () => resolve(false));
          server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
        }),
    ),
  );
  return free.every(Boolean);
}
