import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MODEL_CONFIGS } from '../src/weights/model-config.js';
import { publishModel } from './fleet-model.js';
import { realCases } from './fleet-real.js';
import { scatterCases } from './fleet-scatter.js';
import { simulatedCases } from './fleet-simulated.js';
import { hasNatsServer, startNatsServer } from './nats-server.js';
import { type BenchOptions, type BenchResult, benchResult } from './result.js';

/**
 * What a fleet loses to the local pool, how it grows to a hundred scorers, what a scored sample costs on the wire, and what
 * searching the rows of many scorers takes compared with one store. Uses a real NATS server on loopback, and says so where
 * none is installed.
 */
export async function* run(options: BenchOptions = {}): AsyncIterable<BenchResult> {
  if (!hasNatsServer) {
    const note = 'skipped: nats-server is not installed (apt-get install nats-server)';
    yield benchResult({ bench: 'fleet', case: 'all', engine: 'nats', unit: 'samples/s', note });
    return;
  }
  const dir = await mkdtemp(join(tmpdir(), 'quarry-fleet-bench-'));
  const server = await startNatsServer(dir);
  try {
    const small = await publishModel(MODEL_CONFIGS.small, join(dir, 'small'), options.signal);
    yield* simulatedCases(server, small, options);
    yield* scatterCases(server, small, { ...options, dir });
    await small.close();
    const real = await publishModel(MODEL_CONFIGS.medium, join(dir, 'real'), options.signal);
    yield* realCases(server, real, { ...options, dir });
    await real.close();
  } finally {
    await server.close();
    await rm(dir, { recursive: true, force: true });
  }
}
