import { QuarryError, throwIfAborted, toQuarryError } from '../../errors/index.js';
import type { ModelConfig } from '../../weights/model-config.js';
import { onnxWorkers } from '../device-workers.js';
import { type EngineOptions, shareOf, specOf } from '../engine-options.js';
import { createScoringEngine, MINING_ENGINES, type ScoringEngineName } from '../engine-spec.js';
import { measureEngine } from './measure-engine.js';
import { chunkFlops } from './probe-shape.js';
import { type KeptSpeed, readSpeeds, speedKey, writeSpeeds } from './speed-file.js';

/** Whether an engine is available. */
export type EngineProbe =
  | { readonly name: ScoringEngineName; readonly available: true; readonly device: string; readonly precision: string }
  | {
      readonly name: ScoringEngineName;
      readonly available: false;
      readonly error: QuarryError;
      /** The unavailable format, if the engine supports others. */
      readonly precision?: string | undefined;
    };

/** An engine compared by `auto`. */
export type EngineCandidate = EngineProbe & {
  /** Estimated chunks of 1024 bytes per second for the whole model; absent if not measured. */
  readonly chunksPerSecond?: number | undefined;
};

/** The engines that `auto` compares, fastest first if speeds are known, including unavailable ones. */
export interface EngineSpeeds {
  readonly candidates: readonly EngineCandidate[];
  /** When speeds were measured, milliseconds since the Unix epoch; `undefined` if they are unknown. */
  readonly measuredAt: number | undefined;
  /** Whether they come from the speed file. */
  readonly kept: boolean;
}

/** Speedup that makes f16 worth its error: a smaller one may be noise, and samples that overflow are scored twice. */
const HALF_MARGIN = 1.15;

/** Probes every engine by building it. */
export async function probeEngines(options: Omit<EngineOptions, 'engine'>): Promise<EngineProbe[]> {
  const probes: EngineProbe[] = [];
  for (const name of MINING_ENGINES) {
    try {
      const engine = await createScoringEngine(specOf(name, options, options.threads));
      probes.push({ name, available: true, device: engine.device, precision: engine.precision });
      await engine.close();
    } catch (error) {
      probes.push({ name, available: false, error: toQuarryError(error, `starting the ${name} engine`) });
    }
  }
  return probes;
}

/**
 * Speeds of all available engines on a model: from the speed file, or measured on one layer, which takes about a
 * second. An engine that fails on the model is reported as unavailable.
 *
 * @param when `missing` measures what the file lacks; `never` only reads the file; `always` measures again
 */
export async function engineSpeeds(
  options: Omit<EngineOptions, 'engine'>,
  config: ModelConfig,
  when: 'missing' | 'never' | 'always' = 'missing',
): Promise<EngineSpeeds> {
  const { workers, threads } = shareOf(options, config);
  const { devices } = options;
  const probes = await probeEngines({ ...options, threads });
  // f16 is faster on some devices and slower on others. On CPUs onnxruntime only emulates it.
  const variants = probes.flatMap((probe): EngineProbe[] =>
    probe.name === 'onnx' && probe.available && probe.device !== 'cpu' && options.precision === undefined
      ? [probe, { ...probe, precision: 'f16' }]
      : [probe],
  );
  const running = variants.filter((probe) => probe.available);
  const names = running.map(
    ({ name, device, precision }) => `${name} ${device} ${precision} ${options.precision ?? ''} ${devices ?? ''}`,
  );
  const key = speedKey(config, names, workers, threads);
  const { speedFile, signal } = options;
  const kept = when === 'always' || speedFile === undefined ? undefined : await readSpeeds(speedFile, key);
  if (kept !== undefined) {
    return { candidates: ordered(variants, kept.speeds), measuredAt: kept.measuredAt, kept: true };
  }
  if (when === 'never') return { candidates: variants, measuredAt: undefined, kept: false };
  const speeds: KeptSpeed[] = [];
  const failed = new Map<ScoringEngineName, QuarryError>();
  for (const { name, precision } of running) {
    throwIfAborted(signal, 'measuring engines');
    try {
      const spec = specOf(name, options, threads);
      const flops = await measureEngine(precision === 'f16' ? { ...spec, precision } : spec, config, signal);
      const instances = name === 'onnx' ? onnxWorkers(options, workers) : workers;
      speeds.push({ engine: name, precision, chunksPerSecond: (instances * flops) / chunkFlops(config) });
    } catch (error) {
      throwIfAborted(signal, 'measuring engines');
      if (error instanceof QuarryError && error.code === 'ENGINE_UNAVAILABLE' && precision === 'f16') {
        speeds.push({ engine: name, precision, refused: error.message });
        continue;
      }
      failed.set(name, toQuarryError(error, `measuring the ${name} engine`));
    }
  }
  const measuredAt = Date.now();
  // Do not cache failures, which may be transient. An unwritable file only costs the next start a second.
  if (speedFile !== undefined && failed.size === 0)
    await writeSpeeds(speedFile, key, { measuredAt, speeds }).catch(() => {});
  const judged = variants.map((probe): EngineProbe => {
    const error = failed.get(probe.name);
    return error === undefined ? probe : { name: probe.name, available: false, error };
  });
  return { candidates: ordered(judged, speeds), measuredAt, kept: false };
}

/** Display name of an engine, with its format unless that is the default. */
export function candidateName({ name, precision }: EngineCandidate): string {
  return precision === 'f16' ? `${name} f16` : name;
}

function ordered(probes: readonly EngineProbe[], speeds: readonly KeptSpeed[]): EngineCandidate[] {
  const rank = (each: EngineCandidate): number =>
    (each.chunksPerSecond ?? 0) / (each.precision === 'f16' ? HALF_MARGIN : 1);
  return probes
    .map((probe): EngineCandidate => {
      if (!probe.available) return probe;
      const found = speeds.find(({ engine, precision }) => engine === probe.name && precision === probe.precision);
      if (found?.refused !== undefined) {
        const error = new QuarryError('ENGINE_UNAVAILABLE', found.refused);
        return { name: probe.name, available: false, error, precision: probe.precision };
      }
      return found?.chunksPerSecond === undefined ? probe : { ...probe, chunksPerSecond: found.chunksPerSecond };
    })
    .sort((a, b) => rank(b) - rank(a));
}
