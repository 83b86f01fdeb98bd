import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { LoadedModel } from '../src/engine/contract.js';
import { createJsEngine } from '../src/engine/js/index.js';
import { PooledEngine } from '../src/engine/pool/pooled-engine.js';
import { FleetEngine, openFleet } from '../src/fleet/index.js';
import type { FleetModel } from './fleet-model.js';
import { sampleBytes } from './forward-model.js';
import type { NatsServer } from './nats-server.js';
import { type BenchOptions, type BenchResult, benchResult } from './result.js';

const QUARRY = fileURLToPath(new URL('../../bin/quarry.js', import.meta.url));
/** Alternating measurements of fleet and pool; the ratio is the median's. */
const ROUNDS = 3;

function spawnScorer(server: NatsServer, fleet: string, dir: string): ChildProcess {
  const engine = ['--engine', 'native', '--precision', 'f32', '--workers', '1', '--threads', '1'];
  const place = ['--nats', server.url, '--fleet', fleet, '--state-dir', dir, '--allow-loopback'];
  return spawn(process.execPath, [QUARRY, 'scorer', ...place, ...engine], { stdio: 'ignore' });
}

async function perSecond(model: LoadedModel, samples: readonly Uint8Array[]): Promise<number> {
  const startedAt = performance.now();
  await model.score(samples);
  return (samples.length * 1000) / (performance.now() - startedAt);
}

/** Pool and fleet in turns, so that whatever else the machine does meets both. */
async function compare(
  server: NatsServer,
  { manifest, weights, config }: FleetModel,
  count: number,
  { dir, quick }: { readonly dir: string; readonly quick: boolean },
): Promise<{ readonly fleet: number; readonly ratio: number }> {
  const name = `real-${count}`;
  const scorers = Array.from({ length: count }, (_, i) => spawnScorer(server, name, `${dir}/scorer-${i}`));
  const pool = new PooledEngine({ engine: { engine: 'native', precision: 'f32', threads: 1 }, workers: count });
  const connection = await openFleet({ url: server.url, fleet: name, name: 'coordinator' });
  const engine = await FleetEngine.open(
    { verifyShare: 0, onWarning: () => {} },
    { fleet: connection, local: createJsEngine() },
  );
  try {
    const file = await weights.open(manifest);
    const near = await pool.load(file, config);
    const far = await engine.load(file, config, { published: manifest });
    await file.close();
    const samples = Array.from({ length: (quick ? 16 : 80) * count }, () => sampleBytes(1024));
    await perSecond(near, samples);
    // All scorers have loaded the model and know their speed once each has answered.
    do await perSecond(far, samples);
    while (engine.stats.scorers < count);
    await perSecond(far, samples);
    const pairs: { fleet: number; ratio: number }[] = [];
    for (let round = 0; round < (quick ? 1 : ROUNDS); round++) {
      const local = await perSecond(near, samples);
      const fleet = await perSecond(far, samples);
      pairs.push({ fleet, ratio: fleet / local });
    }
    pairs.sort((a, b) => a.ratio - b.ratio);
    const middle = pairs[Math.floor(pairs.length / 2)];
    return middle ?? { fleet: Number.NaN, ratio: Number.NaN };
  } finally {
    await engine.close();
    await pool.close();
    for (const scorer of scorers) {
      if (scorer.exitCode !== null) continue;
      scorer.kill('SIGKILL');
      await once(scorer, 'exit');
    }
  }
}

/** Scorer processes of one thread each, beside as many workers of the pool in one process. */
export async function* realCases(
  server: NatsServer,
  published: FleetModel,
  { dir, quick }: BenchOptions & { readonly dir: string },
): AsyncIterable<BenchResult> {
  for (const count of quick ? [1] : [1, 2, 3, 4]) {
    const { fleet, ratio } = await compare(server, published, count, { dir, quick: quick ?? false });
    const cores = availableParallelism();
    yield benchResult({
      bench: 'fleet',
      case: `${count} scorer process${count > 1 ? 'es' : ''}, one layer 256 wide`,
      engine: 'native',
      precision: 'f32',
      threads: count,
      value: fleet,
      unit: 'samples/s',
      limit: fleet / ratio,
      ratio,
      note: `the limit is the local pool with as many workers${count > cores ? `; ${cores} cores` : ''}`,
    });
  }
}
