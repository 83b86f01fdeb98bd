import { setMaxListeners } from 'node:events';
import type { ScoringEngine } from '../src/engine/contract.js';
import { createJsEngine } from '../src/engine/js/index.js';
import { FleetEngine, ModelShelf, openFleet, ScorerNode } from '../src/fleet/index.js';
import { sleep } from '../src/net/index.js';
import type { FleetModel } from './fleet-model.js';
import { sampleBytes } from './forward-model.js';
import type { NatsServer } from './nats-server.js';
import { type BenchOptions, type BenchResult, benchResult } from './result.js';

/** What a sample takes a data-centre GPU. */
const SCORE_MS = 500;
const SAMPLE_BYTES = 1024;
const LIMITS = { mostSamples: 128, batchMs: 500 };

/** Scores one sample after the other, each in a set time. */
function timedEngine(scoreMs: number): ScoringEngine {
  return {
    name: 'simulated',
    device: 'timer',
    precision: 'f32',
    close: async () => {},
    load: async (_, config) => ({
      config,
      errorBound: { loss: 0, distance: 0 },
      close: async () => {},
      score: async (samples) => {
        await sleep(scoreMs * samples.length);
        return samples.map((sample) => ({
          loss: sample.length,
          embedding: new Float32Array(config.embeddingDim).fill(1),
          precision: 'f32' as const,
        }));
      },
    }),
  };
}

interface Measured {
  readonly perSecond: number;
  readonly bytesPerSample: number;
  readonly messagesPerSample: number;
  /** Of the coordinator and all scorers, which are one process here; the server's is not counted. */
  readonly cpuMsPerSample: number;
}

/** Has `count` simulated scorers score `each` samples apiece over a real server. */
async function measure(server: NatsServer, published: FleetModel, count: number, each: number): Promise<Measured> {
  const place = { url: server.url, fleet: `simulated-${count}` };
  const models = new ModelShelf(
    { most: 1 },
    { weights: published.weights, engineFor: async () => timedEngine(SCORE_MS) },
  );
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const connections = await Promise.all(
    Array.from({ length: count }, (_, i) => openFleet({ ...place, name: `scorer ${i}` })),
  );
  const scorers = connections.map((fleet) => {
    const node = new ScorerNode({ ...LIMITS, label: () => 'simulated', onWarning: () => {} }, { fleet, models });
    return node.run(stop.signal);
  });
  const coordinator = await openFleet({ ...place, name: 'coordinator' });
  const engine = await FleetEngine.open(
    { verifyShare: 0, onWarning: () => {} },
    { fleet: coordinator, local: createJsEngine() },
  );
  try {
    const { manifest, config } = published;
    const file = await published.weights.open(manifest);
    const model = await engine.load(file, config, { published: manifest });
    await file.close();
    const samples = (n: number): Uint8Array[] => Array.from({ length: n }, () => sampleBytes(SAMPLE_BYTES));
    // Each scorer learns its own speed by its first samples.
    await model.score(samples(2 * count));
    const counted = (): { bytes: number; messages: number } => {
      const all = [coordinator, ...connections].map(({ nc }) => nc.stats());
      return {
        bytes: all.reduce((sum, { inBytes, outBytes }) => sum + inBytes + outBytes, 0),
        messages: all.reduce((sum, { inMsgs, outMsgs }) => sum + inMsgs + outMsgs, 0),
      };
    };
    const before = counted();
    const cpu = process.cpuUsage();
    const startedAt = performance.now();
    const total = count * each;
    await model.score(samples(total));
    const seconds = (performance.now() - startedAt) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    const after = counted();
    return {
      perSecond: total / seconds,
      bytesPerSample: (after.bytes - before.bytes) / total,
      cpuMsPerSample: (user + system) / 1000 / total,
      messagesPerSample: (after.messages - before.messages) / total,
    };
  } finally {
    stop.abort();
    await Promise.all(scorers);
    await engine.close();
    for (const connection of connections) await connection.close();
    await models.close();
  }
}

/** Scorers that take half a second a sample, 1 to 100 of them, and what a sample costs on the wire. */
export async function* simulatedCases(
  server: NatsServer,
  published: FleetModel,
  { quick }: BenchOptions,
): AsyncIterable<BenchResult> {
  const shared = { bench: 'fleet', engine: 'simulated' };
  let one: number | undefined;
  for (const count of quick ? [1, 10] : [1, 10, 100]) {
    const measured = await measure(server, published, count, quick ? 4 : 40);
    const { perSecond, bytesPerSample, messagesPerSample, cpuMsPerSample } = measured;
    one ??= perSecond;
    const limit = one * count;
    yield benchResult({
      ...shared,
      case: `${count} simulated scorer${count > 1 ? 's' : ''}, ${SCORE_MS / 1000} s a sample`,
      value: perSecond,
      unit: 'samples/s',
      limit,
      ratio: perSecond / limit,
      note: `the limit is ${count} x one; ${cpuMsPerSample.toFixed(2)} ms of processor a sample, coordinator and scorers together`,
    });
    const per = `per sample of ${SAMPLE_BYTES} bytes, ${count} scorer${count > 1 ? 's' : ''}`;
    yield benchResult({ ...shared, case: `bytes in and out ${per}`, value: bytesPerSample, unit: 'B' });
    yield benchResult({ ...shared, case: `messages in and out ${per}`, value: messagesPerSample, unit: 'messages' });
  }
}
