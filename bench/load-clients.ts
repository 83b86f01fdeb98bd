import { once } from 'node:events';
import { SomaClient } from '../src/soma/client/soma-client.js';
import type { Measured } from './load-cases.js';
import { median } from './quantile.js';
import { type RaceModels, startRaceNetwork } from './race-network.js';

/** Calls that each client makes, one after the other. */
const CALLS = 20;

interface ClientsCase {
  readonly models: RaceModels;
  /** Clients at once, each with connections of its own. */
  readonly clients: number;
}

/** Many clients on one network, each of which follows its targets: how long a call takes, and until all know a new epoch. */
export async function* measureClients({ models, clients: count }: ClientsCase): AsyncIterable<Measured> {
  const devnet = await startRaceNetwork(models, [], { targetsPerEpoch: 20 });
  const admin = await SomaClient.connect({ url: devnet.rpcUrl, adminUrl: devnet.adminUrl });
  const stop = new AbortController();
  const { signal } = stop;
  const clients = await Promise.all(Array.from({ length: count }, () => SomaClient.connect({ url: devnet.rpcUrl })));
  const known = new EventTarget();
  const epochs = clients.map(() => ({ epoch: -1n, at: 0 }));
  const watching = clients.map(async (client, i) => {
    for await (const event of client.watchTargets({ signal })) {
      if (event.type !== 'epoch') continue;
      epochs[i] = { epoch: event.epoch, at: performance.now() };
      known.dispatchEvent(new Event('epoch'));
    }
  });
  const reached = async (epoch: bigint): Promise<void> => {
    while (epochs.some((each) => each.epoch < epoch)) await once(known, 'epoch');
  };
  try {
    await reached(0n);
    const calls = await Promise.all(clients.map(timesOfCalls));
    const sorted = calls.flat().sort((a, b) => a - b);
    yield { ...spread(sorted), case: `${count} clients on one network, ${CALLS} calls each`, measured: 'a call' };

    await admin.advanceEpoch();
    const epoch = (await admin.getServiceInfo()).epoch;
    await reached(epoch);
    const at = epochs.map((each) => each.at).sort((a, b) => a - b);
    const after = at.map((each) => each - (at[0] ?? 0));
    const measured = 'after the first of them knew the new epoch';
    yield { ...spread(after), case: `${count} clients on one network, a new epoch`, measured };
  } finally {
    stop.abort();
    await Promise.allSettled(watching);
    for (const client of [...clients, admin]) client.close();
    await devnet.close();
  }
}

async function timesOfCalls(client: SomaClient): Promise<number[]> {
  const times: number[] = [];
  for (let n = 0; n < CALLS; n++) {
    const began = performance.now();
    await client.getServiceInfo();
    times.push(performance.now() - began);
  }
  return times;
}

function spread(sorted: readonly number[]): Pick<Measured, 'p50Ms' | 'lastMs'> {
  return { p50Ms: median(sorted) || 0, lastMs: sorted.at(-1) ?? 0 };
}
