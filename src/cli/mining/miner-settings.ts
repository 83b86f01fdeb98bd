import type { Config } from '../../config/index.js';
import type { EngineOptions } from '../../engine/engine-options.js';
import type { CreateMinerOptions } from '../../miner/index.js';
import { somaToShannons } from '../../soma/chain/index.js';
import type { HitPolicy, ScannerOptions } from '../../store/index.js';

/** Miner options from settings. */
export function minerOptions(
  config: Config,
): Pick<
  CreateMinerOptions,
  | 'policy'
  | 'margin'
  | 'searchShare'
  | 'maxInFlight'
  | 'maxBondShannons'
  | 'maxFeeShannons'
  | 'confirmBondShannons'
  | 'minRewardShannons'
  | 'minBalanceShannons'
  | 'claimExpired'
  | 'drainMs'
  | 'keepScoresEpochs'
  | 'dryRun'
  | 'maxAccepted'
  | 'untilSamples'
> {
  const soma = (text: string | undefined): bigint | undefined =>
    text === undefined ? undefined : somaToShannons(text);
  return {
    policy: config.policy as HitPolicy,
    margin: config.margin,
    searchShare: config.searchShare,
    maxInFlight: config.maxInFlight,
    maxBondShannons: soma(config.maxBondSoma),
    maxFeeShannons: soma(config.maxFeeSoma),
    confirmBondShannons: soma(config.confirmBondSoma),
    minRewardShannons: soma(config.minRewardSoma),
    minBalanceShannons: soma(config.minBalanceSoma),
    claimExpired: config.claimExpired,
    drainMs: config.drainSeconds * 1000,
    keepScoresEpochs: config.keepScoresEpochs,
    dryRun: config.dryRun,
    maxAccepted: config.maxAccepted,
    untilSamples: config.untilSamples,
  };
}

/** Engine options from settings, whose choices the schema has validated. */
export function engineOptions(config: Config): EngineOptions {
  return {
    // A fleet needs a local engine to check its answers.
    engine: config.engine === 'fleet' ? 'auto' : (config.engine as EngineOptions['engine']),
    ...(config.isa !== undefined && { isa: config.isa as NonNullable<EngineOptions['isa']> }),
    ...(config.precision !== undefined && { precision: config.precision as NonNullable<EngineOptions['precision']> }),
    provider: config.onnxProvider,
    devices: config.devices?.map(Number),
    workers: config.workers,
    threads: config.threads,
  };
}

/** Options for cutting and ordering samples, from settings. */
export function cuttingOptions(config: Config): NonNullable<CreateMinerOptions['cutting']> {
  return {
    sampleBytes: config.sampleBytes,
    wholeFiles: config.wholeFiles,
    utf8Boundaries: config.utf8Boundaries,
    minEntropyBits: config.minEntropy,
    seed: config.seed,
  };
}

/** Options of the engine that searches stored rows, from settings. */
export function scannerOptions(config: Config): ScannerOptions {
  return {
    engine: config.distanceEngine as ScannerOptions['engine'],
    ...(config.isa !== undefined && { isa: config.isa as NonNullable<ScannerOptions['isa']> }),
  };
}
