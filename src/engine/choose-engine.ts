import type { ModelConfig } from '../weights/model-config.js';
import { needsCheck } from './calibration/check-scores.js';
import { candidateName, type EngineCandidate, engineSpeeds, probeEngines } from './calibration/engine-speeds.js';
import { measureEngine } from './calibration/measure-engine.js';
import { chunkFlops } from './calibration/probe-shape.js';
import type { ScoringEngine } from './contract.js';
import { assertDevices, onnxWorkers } from './device-workers.js';
import { type EngineOptions, shareOf, specOf } from './engine-options.js';
import { createScoringEngine, type EngineSpec, type ScoringEngineName } from './engine-spec.js';
import { PooledEngine } from './pool/pooled-engine.js';
import { CHEAP_CHUNK_FLOPS, resolveProvider } from './resolve-provider.js';

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

/** Formats a speed with three digits. */
function chunksText(chunksPerSecond: number | undefined): string {
  return chunksPerSecond === undefined ? '?' : String(Number(chunksPerSecond.toPrecision(3)));
}
