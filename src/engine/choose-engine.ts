import { QuarryError, throwIfAborted, toQuarryError } from '../errors/index.js';
import type { ModelConfig } from '../weights/model-config.js';
import { needsCheck } from './calibration/check-scores.js';
import { measureEngine } from './calibration/measure-engine.js';
import { chunkFlops } from './calibration/probe-shape.js';
import { type KeptSpeed, readSpeeds, speedKey, writeSpeeds } from './calibration/speed-file.js';
import type { ScoringEngine } from './contract.js';
import { assertDevices, onnxWorkers } from './device-workers.js';
import { createScoringEngine, type EngineSpec, MINING_ENGINES, type ScoringEngineName } from './engine-spec.js';
import { PooledEngine } from './pool/pooled-engine.js';
import { CHEAP_CHUNK_FLOPS, resolveProvider } from './resolve-provider.js';
import { usableCores } from './usable-cores.js';

/** User options for the engine; everything left out is chosen automatically. */
export interface EngineOptions extends Omit<EngineSpec, 'engine' | 'threads' | 'device' | 'provider'> {
  /** The engine to use; `auto` measures those that are available and takes the fastest. */
  readonly engine: ScoringEngineName | 'auto';
  /** onnxruntime execution provider. Default `auto`: CUDA if complete, else WebGPU on a GPU, else `cpu`. */
  readonly provider?: string | undefined;
  /** Worker threads; with `devices`, per device. Default: one for wide models, else one per core. */
  readonly workers?: number | undefined;
  /** Devices of the onnxruntime provider, by index, each with its own engine. Default: the provider's first. */
  readonly devices?: readonly number[] | undefined;
  /** Threads per worker. Default: wide models share the cores out among the workers, others get one each. */
  readonly threads?: number | undefined;
  /** File that caches the speeds measured by `auto`. Default: none, they are measured on every start. */
  readonly speedFile?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

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

/** The chosen scoring engine, and why it was chosen. */
export interface ChosenEngine {
  readonly engine: ScoringEngine;
  readonly name: ScoringEngineName;
  /** Human-readable sentence on why this engine was chosen. */
  readonly reason: string;
  /** Engines compared; only the requested one if one was requested. */
  readonly candidates: readonly EngineCandidate[];
  readonly workers: number;
  readonly threads: number;
}

/**
 * Models at least this wide keep all cores busy with one sample; for smaller ones, workers score samples in parallel.
 */
const WIDE_EMBEDDING = 512;
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

/**
 * Builds the engine to mine with, in worker threads: the requested one or the fastest available. Speeds are measured on
 * one layer of the model and cached in `speedFile`; nothing is measured for models so small that the native core always
 * wins.
 *
 * @throws QuarryError `ENGINE_UNAVAILABLE` when the requested engine is unavailable or lacks the device
 * @throws QuarryError `INVALID_ARGUMENT` when a device is listed twice or the engine does not support `devices`
 * @throws QuarryError `ABORTED` when the signal fires
 */
export async function chooseEngine(options: EngineOptions, config: ModelConfig): Promise<ChosenEngine> {
  const { workers: shared, threads } = shareOf(options, config);
  const { engine: wanted, ...given } = options;
  const { provider, reason: providerReason } = await resolveProvider(
    given.provider,
    wanted,
    // Named devices imply a GPU, even for a small model.
    options.devices === undefined ? config : undefined,
  );
  const rest = { ...given, provider };
  if (options.devices !== undefined) await assertDevices(options.devices, wanted, specOf('onnx', rest, threads));
  const { name, reason, candidates, half }: Choice =
    wanted === 'auto'
      ? await best(rest, config)
      : { name: wanted, reason: 'chosen by the user', candidates: undefined, half: false };
  const asked = specOf(name, rest, threads);
  const spec: EngineSpec = half ? { ...asked, precision: 'f16' } : asked;
  // Unlike `auto`, naming the engine measures nothing, so that a GPU's scores would go unchecked.
  if (wanted === 'onnx' && providerReason !== undefined && needsCheck(spec))
    await measureEngine(spec, config, options.signal);
  // Build it once here, so that failures show now rather than in every worker.
  const built = await createScoringEngine(spec);
  const { device, precision } = built;
  await built.close();
  const devices = name === 'onnx' ? options.devices : undefined;
  const workers = name === 'onnx' ? onnxWorkers(rest, shared) : shared;
  return {
    engine: new PooledEngine({ engine: spec, workers, devices, packing: (shape) => built.packing?.(shape) }),
    name,
    // Having no GPU is the usual case; doctor gives the reason.
    reason:
      providerReason === undefined || provider === 'cpu'
        ? reason
        : `${reason}; onnxruntime on ${provider}: ${providerReason}`,
    candidates: candidates ?? [{ name, available: true, device, precision }],
    workers,
    threads,
  };
}

interface Choice {
  readonly name: ScoringEngineName;
  readonly reason: string;
  readonly candidates: readonly EngineCandidate[] | undefined;
  /** Whether the engine is fastest in f16, without that being requested. */
  readonly half: boolean;
}

async function best(options: Omit<EngineOptions, 'engine'>, config: ModelConfig): Promise<Choice> {
  if (chunkFlops(config) <= CHEAP_CHUNK_FLOPS) {
    const candidates = await probeEngines(options);
    const native = candidates.find(({ name }) => name === 'native');
    if (native?.available) {
      return { name: 'native', reason: 'the native core is fastest on so small a model', candidates, half: false };
    }
  }
  const { candidates, kept, measuredAt } = await engineSpeeds(options, config);
  const running = candidates.filter((candidate) => candidate.available);
  const absent = candidates.flatMap((each) =>
    each.available ? [] : [`${candidateName(each)}: ${each.error.message}`],
  );
  const name = running[0]?.name ?? 'js';
  const half = options.precision === undefined && running[0]?.precision === 'f16';
  const speeds = running.map((each) => `${candidateName(each)} ${chunksText(each.chunksPerSecond)}`).join(', ');
  const when =
    kept && measuredAt !== undefined ? `measured ${new Date(measuredAt).toISOString().slice(0, 10)}` : 'measured now';
  const reason = `fastest here by estimated chunks/s: ${[speeds, ...absent].join('; ')}; ${when}`;
  return { name, reason, candidates, half };
}

/** Display name of an engine, with its format unless that is the default. */
export function candidateName({ name, precision }: EngineCandidate): string {
  return precision === 'f16' ? `${name} f16` : name;
}

/** Formats a speed with three digits. */
function chunksText(chunksPerSecond: number | undefined): string {
  return chunksPerSecond === undefined ? '?' : String(Number(chunksPerSecond.toPrecision(3)));
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

/** Number of workers, and threads per worker, for a model. */
function shareOf(options: Omit<EngineOptions, 'engine'>, config: ModelConfig): { workers: number; threads: number } {
  const wide = config.embeddingDim >= WIDE_EMBEDDING;
  const cores = usableCores();
  const workers = options.workers ?? (wide ? 1 : cores);
  return { workers, threads: options.threads ?? (wide ? Math.max(1, Math.floor(cores / workers)) : 1) };
}

/** The options that are sent to worker threads. */
function specOf(
  engine: ScoringEngineName,
  options: Omit<EngineOptions, 'engine'>,
  threads: number | undefined,
): EngineSpec {
  const { workers: _workers, speedFile: _file, signal: _signal, threads: _threads, devices, ...rest } = options;
  return { ...rest, engine, threads, ...(devices !== undefined && { device: devices[0] }) };
}
