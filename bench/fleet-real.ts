import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { LoadedModel } from '../src/engine/contract.js';
import { createJsEngine } from '../src/engine/js/index.js';
import { PooledEngine } from '../src/engine/pool/pooled-engine.js';
import { FleetEngine, openFleet } from '../src/fleet/index.js';
import { breathe } from './breathe.js';
import type { FleetModel } from './fleet-model.js';
import { sampleBytes } from './forward-model.js';
import type { NatsServer } from './nats-server.js';
import { median, quantile } from './quantile.js';
import { type BenchOptions, type BenchResult, benchResult } from './result.js';

const QUARRY = fileURLToPath(new URL('../../bin/quarry.js', import.meta.url));
/** Short runs of pool and fleet in turns: what else the machine does meets both, and the middle ratio is kept. */
const PAIRS = 9;
const SECONDS = 3;
/** Linux counts the processor time of processes in hundredths of a second. */
const TICK_SECONDS = 0.01;

function spawnScorer(server: NatsServer, fleet: string, dir: string): ChildProcess {
  const engine = ['--engine', 'native', '--precision', 'f32', '--workers', '1', '--threads', '1'];
  const place = ['--nats', server.url, '--fleet', fleet, '--state-dir', dir, '--allow-loopback'];
  return spawn(process.execPath, [QUARRY, 'scorer', ...place, ...engine], { stdio: 'ignore' });
}

/** Seconds of processor that processes have spent; NaN where the system does not tell. */
async function processorSeconds(pids: readonly number[]): Promise<number> {
  let ticks = 0;
  for (const pid of pids) {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11] ?? Number.NaN) + Number(fields[12] ?? Number.NaN);
  }
  return ticks * TICK_SECONDS;
}

interface Run {
  readonly perSecond: number;
  /** Of all processes that take part. */
  readonly processorMsPerSample: number;
}

async function timed(model: LoadedModel, samples: readonly Uint8Array[], pids: readonly number[]): Promise<Run> {
  const before = await processorSeconds(pids);
  const startedAt = performance.now();
  await model.score(samples);
  const seconds = (performance.now() - startedAt) / 1000;
  const spent = (await processorSeconds(pids)) - before;
  return { perSecond: samples.length / seconds, processorMsPerSample: (1000 * spent) / samples.length };
}

interface Comparison {
  readonly fleet: number;
  readonly ratio: number;
  readonly ratios: readonly number[];
  /** What a sample costs the fleet beyond what it costs the pool, milliseconds of processor. */
  readonly extraMs: number;
  readonly poolMs: number;
}

/** Pool and fleet in turns, each first as often as second. */
async function alternate(
  pool: { readonly model: LoadedModel; readonly pids: readonly number[] },
  fleet: { readonly model: LoadedModel; readonly pids: readonly number[] },
  {
    samples,
    pairs,
    signal,
  }: { readonly samples: Uint8Array[]; readonly pairs: number; readonly signal?: AbortSignal | undefined },
): Promise<Comparison> {
  const runs: { readonly near: Run; readonly far: Run }[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    await breathe(signal);
    const first = pair % 2 === 0 ? pool : fleet;
    const one = await timed(first.model, samples, first.pids);
    const second = first === pool ? fleet : pool;
    const other = await timed(second.model, samples, second.pids);
    runs.push(first === pool ? { near: one, far: other } : { near: other, far: one });
  }
  const ratios = runs.map(({ near, far }) => far.perSecond / near.perSecond).sort((a, b) => a - b);
  return {
    fleet: median(runs.map(({ far }) => far.perSecond)),
    ratio: median(ratios),
    ratios,
    poolMs: median(runs.map(({ near }) => near.processorMsPerSample)),
    extraMs: median(runs.map(({ near, far }) => far.processorMsPerSample - near.processorMsPerSample)),
  };
}

async function compare(
  server: NatsServer,
  { manifest, weights, config }: FleetModel,
  count: number,
  { dir, quick, signal }: BenchOptions & { readonly dir: string },
): Promise<Comparison> {
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
    const some = Array.from({ length: 8 * count }, () => sampleBytes(1024));
    // All workers have loaded the model.
    await near.score(some);
    const { perSecond } = await timed(near, some, []);
    // All scorers have loaded the model and know their speed once each has answered.
    do await far.score(some);
    while (engine.stats.scorers < count);
    const each = Math.max(8 * count, Math.round(perSecond * SECONDS));
    const samples = Array.from({ length: quick ? 8 : each }, () => sampleBytes(1024));
    await far.score(samples);
    const pids = [process.pid, server.pid, ...scorers.flatMap(({ pid }) => pid ?? [])];
    return await alternate(
      { model: near, pids: [process.pid] },
      { model: far, pids },
      { samples, pairs: quick ? 1 : PAIRS, signal },
    );
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
  { dir, quick, signal }: BenchOptions & { readonly dir: string },
  counts: readonly number[] = quick ? [1] : [1, 2, 3, 4],
): AsyncIterable<BenchResult> {
  const { numLayers, embeddingDim } = published.config;
  for (const count of counts) {
    const found = await compare(server, published, count, { dir, quick, signal });
    const { fleet, ratio, ratios, poolMs, extraMs } = found;
    const percent = (value: number): string => (100 * value).toFixed(0);
    const quarter = (part: number): string => percent(quantile(ratios, part) ?? Number.NaN);
    const cores = availableParallelism();
    yield benchResult({
      bench: 'fleet',
      case: `${count} scorer process${count > 1 ? 'es' : ''}, ${numLayers} layers ${embeddingDim} wide`,
      engine: 'native',
      precision: 'f32',
      threads: count,
      value: fleet,
      unit: 'samples/s',
      limit: fleet / ratio,
      ratio,
      note:
        `the limit is the local pool with as many workers${count > cores ? ` on ${cores} cores` : ''}; ` +
        `median of ${ratios.length} pairs, half of them ${quarter(0.25)} to ${quarter(0.75)} %; ` +
        `a sample takes the pool ${poolMs.toFixed(1)} ms of processor, the fleet ${extraMs.toFixed(1)} more with its server`,
    });
  }
}
