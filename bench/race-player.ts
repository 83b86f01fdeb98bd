/**
 * One player of the race, in a process of its own. Its only argument is a {@link PlayerOptions} as JSON. Prints `ready`,
 * waits for a line, plays, prints a {@link PlayerResult} as JSON.
 */
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { chooseEngine } from '../src/engine/choose-engine.js';
import type { LoadedModel } from '../src/engine/contract.js';
import { HttpHost } from '../src/hosting/index.js';
import { createMiner } from '../src/miner/index.js';
import { HttpClient, PUBLIC_AND_LOOPBACK } from '../src/net/index.js';
import { Keypair } from '../src/soma/chain/index.js';
import { SomaClient } from '../src/soma/client/soma-client.js';
import { WeightsCache } from '../src/weights/weights-cache.js';
import { letterSamples } from './letter-samples.js';
import { runQuickstartPolicy } from './quickstart-policy.js';
import { RaceClock } from './race-clock.js';
import { RACE_CONFIG } from './race-network.js';
import type { PlayerOptions, PlayerResult } from './race-report.js';

const options = JSON.parse(process.argv[2] ?? '{}') as PlayerOptions;
const signer = Keypair.fromSecret(Buffer.from(options.secret, 'hex'));
const COMPUTE = { engine: 'auto', workers: options.workers ?? 1, threads: 1 } as const;
const SAMPLE_BYTES = RACE_CONFIG.sequenceLength;

async function go(): Promise<AbortSignal> {
  process.stdout.write('ready\n');
  const lines = createInterface({ input: process.stdin });
  await once(lines, 'line');
  lines.close();
  const stop = new AbortController();
  setTimeout(() => stop.abort(), options.durationMs);
  return stop.signal;
}

async function playQuarry(): Promise<PlayerResult> {
  const client = await SomaClient.connect({ url: options.rpcUrl });
  const assembled = await createMiner({
    network: client,
    signer,
    config: RACE_CONFIG,
    data: [options.data],
    cutting: { sampleBytes: SAMPLE_BYTES },
    stateDir: options.dir,
    engine: COMPUTE,
    distance: { engine: 'auto', threads: 1 },
    policy: options.policy ?? 'first',
    ...(options.untilSamples !== undefined && { untilSamples: options.untilSamples, dryRun: true }),
  });
  const clock = new RaceClock(client, assembled.miner);
  const warnings: string[] = [];
  assembled.miner.events.on('warning', ({ error }) => warnings.push(error.message));
  const signal = await go();
  const summary = await assembled.miner.run({ signal });
  const { accepted, lost, rejected, unknown, scored } = summary;
  const result = { samples: scored, accepted, failed: lost + rejected + unknown, warnings, ...clock.times() };
  await assembled.close();
  client.close();
  return result;
}

async function playQuickstart(): Promise<PlayerResult> {
  const client = await SomaClient.connect({ url: options.rpcUrl });
  const http = new HttpClient({ addressPolicy: PUBLIC_AND_LOOPBACK });
  const host = await HttpHost.listen({ dir: join(options.dir, 'hosted'), port: 0 });
  const { engine } = await chooseEngine({ ...COMPUTE, cacheDir: join(options.dir, 'packed') }, RACE_CONFIG);
  const cache = new WeightsCache({ dir: join(options.dir, 'weights') }, { http });
  const models = new Map<string, LoadedModel>();
  for (const { id, manifest, decryptionKey } of (await client.getSystemState()).models.values()) {
    if (manifest === undefined || decryptionKey === undefined) continue;
    const checksum = Buffer.from(manifest.checksum).toString('hex');
    const { url, size } = manifest;
    const file = await cache.open({ url, checksum, sizeBytes: Number(size), decryptionKey });
    models.set(id, await engine.load(file, RACE_CONFIG));
    await file.close();
  }
  const signal = await go();
  const account = client.account(signer);
  const result = await runQuickstartPolicy({ client, account, host, models, samples: endless() }, signal);
  await engine.close();
  await host.close();
  await http.close();
  client.close();
  return { ...result, warnings: [], arrivalToWire: [], spawnToAccepted: [] };
}

/** Samples like those of the other player, and never the same twice. */
function* endless(): Generator<Uint8Array> {
  for (let seed = 1_000; ; seed++) {
    const data = letterSamples(1_000, SAMPLE_BYTES, seed);
    for (let at = 0; at < data.length; at += SAMPLE_BYTES) yield data.subarray(at, at + SAMPLE_BYTES);
  }
}

const result = await (options.policyOf === 'quarry' ? playQuarry() : playQuickstart());
// A pipe takes a long result in parts: leaving before the last is written would cut it short.
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
