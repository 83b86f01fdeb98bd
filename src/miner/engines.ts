import { join } from 'node:path';
import { chooseEngine } from '../engine/choose-engine.js';
import type { DistanceEngine, ScoringEngine } from '../engine/contract.js';
import type { EngineOptions } from '../engine/engine-options.js';
import { prunePacked } from '../engine/native/prune-packed.js';
import type { QuarryError } from '../errors/index.js';
import {
  chooseScanner,
  createEngineScanner,
  type RowScanner,
  rowsOnDisk,
  type ScannerOptions,
} from '../store/index.js';
import type { ModelConfig } from '../weights/model-config.js';
import type { Closers } from './closers.js';
import type { CreateMinerOptions, MinerDistance, MinerEngine } from './create-miner-options.js';
import { STATE_ENTRIES } from './state/state-entries.js';

/** Opens the scoring engine, and a callback that prunes packed weights that are no longer active. */
export async function openEngine(
  { engine: requested, overEngine, signal, stateDir, scoreFor }: CreateMinerOptions,
  config: ModelConfig,
  closers: Closers,
): Promise<{ engine: MinerEngine; onActiveWeights?: (checksums: ReadonlySet<string>) => Promise<unknown> }> {
  const packedDir = join(scoreFor ?? stateDir, STATE_ENTRIES.packed);
  const own = isScoringEngine(requested);
  const asked: Partial<EngineOptions> = own ? {} : (requested ?? {});
  const engineOptions: EngineOptions = {
    ...asked,
    engine: asked.engine ?? 'auto',
    cacheDir: asked.cacheDir ?? packedDir,
    speedFile: asked.speedFile ?? join(stateDir, STATE_ENTRIES.engineSpeeds),
    signal: asked.signal ?? signal,
  };
  const chosen = own ? givenEngine(requested) : await chooseEngine(engineOptions, config);
  let engine: MinerEngine = chosen;
  if (!own || overEngine !== undefined) closers.push(() => engine.engine.close());
  if (overEngine !== undefined) engine = { ...chosen, engine: await overEngine(chosen.engine) };
  // Prune only this miner's own directory.
  if (own || scoreFor !== undefined || engineOptions.cacheDir !== packedDir) return { engine };
  return { engine, onActiveWeights: (checksums) => prunePacked(packedDir, checksums) };
}

/**
 * Opens the scanner that finds hits among stored rows.
 *
 * @param storeDir directory of the store, whose size decides which engine is fastest
 * @param dim embedding width
 * @param warn called if a GPU fails and the CPU takes over
 */
export async function openScanner(
  requested: ScannerOptions | DistanceEngine | undefined,
  storeDir: string,
  dim: number,
  warn: (error: QuarryError) => void,
): Promise<MinerDistance & { readonly scanner: RowScanner }> {
  if (requested === undefined || !('scan' in requested)) {
    const onFallback = requested?.onFallback ?? warn;
    const options = { ...requested, engine: requested?.engine ?? 'auto', onFallback };
    return chooseScanner(options, { rows: rowsOnDisk(storeDir, dim), dim });
  }
  const { name, device } = requested;
  return {
    scanner: { ...createEngineScanner(requested), close: async () => {} },
    name,
    detail: `the caller's, on ${device}`,
  };
}

function isScoringEngine(requested: CreateMinerOptions['engine']): requested is ScoringEngine {
  return requested !== undefined && 'load' in requested;
}

function givenEngine(engine: ScoringEngine): MinerEngine {
  return { engine, name: engine.name, reason: "the caller's", candidates: [], workers: 1, threads: 1 };
}
