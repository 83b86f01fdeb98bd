import { availableParallelism } from 'node:os';
import { type QuarryError, toQuarryError } from '../errors/index.js';
import type { ScoringEngine } from './contract.js';
import { createScoringEngine, type EngineSpec, SCORING_ENGINES, type ScoringEngineName } from './engine-spec.js';
import type { ModelConfig } from './model-config.js';
import { PooledEngine } from './pool/pooled-engine.js';

/** What a user may say about the engine; everything else is chosen. */
export interface EngineWishes extends Omit<EngineSpec, 'engine' | 'threads'> {
  readonly engine: ScoringEngineName | 'auto';
  readonly workers?: number;
  readonly threads?: number;
}

/** Whether an engine runs here. */
export type EngineProbe =
  | { readonly name: ScoringEngineName; readonly available: true; readonly device: string; readonly precision: string }
  | { readonly name: ScoringEngineName; readonly available: false; readonly error: QuarryError };

export interface ChosenEngine {
  readonly engine: ScoringEngine;
  readonly name: ScoringEngineName;
  /** One sentence for people: why this one. */
  readonly reason: string;
  readonly workers: number;
  readonly threads: number;
}

/** Models at least this wide keep all cores busy with one sample; smaller ones are spread over workers. */
const WIDE_EMBEDDING = 512;

/** Tries every engine by building it. */
export async function probeEngines(wishes: Omit<EngineWishes, 'engine'>): Promise<EngineProbe[]> {
  const probes: EngineProbe[] = [];
  for (const name of SCORING_ENGINES) {
    try {
      const { workers: _workers, ...spec } = wishes;
      const engine = await createScoringEngine({ ...spec, engine: name });
      probes.push({ name, available: true, device: engine.device, precision: engine.precision });
      await engine.close();
    } catch (error) {
      probes.push({ name, available: false, error: toQuarryError(error, `starting the ${name} engine`) });
    }
  }
  return probes;
}

/**
 * Builds the engine to mine with, in worker threads: the one asked for, or the fastest that runs here. Native code is
 * first; onnxruntime is faster than plain TypeScript only where the model is wide enough for its threads.
 *
 * @throws QuarryError `ENGINE_UNAVAILABLE` when the one asked for does not run here
 */
export async function chooseEngine(wishes: EngineWishes, config: ModelConfig): Promise<ChosenEngine> {
  const wide = config.embeddingDim >= WIDE_EMBEDDING;
  const cores = availableParallelism();
  const workers = wishes.workers ?? (wide ? 1 : cores);
  const threads = wishes.threads ?? (wide ? Math.max(1, Math.floor(cores / workers)) : 1);
  const { workers: _workers, engine: wanted, ...rest } = wishes;
  const [name, reason] = wanted === 'auto' ? await best(wishes, wide) : ([wanted, 'chosen by the user'] as const);
  const spec: EngineSpec = { ...rest, engine: name, threads };
  // Building it here once tells at the start what every worker would find out later.
  await (await createScoringEngine(spec)).close();
  return { engine: new PooledEngine({ engine: spec, workers }), name, reason, workers, threads };
}

async function best(wishes: EngineWishes, wide: boolean): Promise<readonly [ScoringEngineName, string]> {
  const probes = await probeEngines(wishes);
  const runs = (name: ScoringEngineName): boolean => probes.some((probe) => probe.name === name && probe.available);
  if (runs('native')) return ['native', 'the native core is built'];
  const missing = probes.find((probe) => probe.name === 'native');
  const why = missing?.available === false ? missing.error.message : 'the native core is missing';
  if (wide && runs('onnx')) return ['onnx', why];
  return ['reference', why];
}
