import { randomBytes } from 'node:crypto';
import { QuarryError } from '../../errors/index.js';
import { PROTOCOL_VERSIONS } from '../../soma/chain/protocol-config.js';
import { MODEL_CONFIGS, type ModelConfig } from '../../weights/model-config.js';
import type { AuditEngine } from './audit/audit-process.js';
import type { ChaosOptions } from './chaos.js';
import type { GenesisAccount, GenesisModel } from './ledger/genesis.js';
import { type ParameterOverrides, type SystemParameters, systemParameters } from './state/system-parameters.js';

/** Ports of a devnet; 0 or absent picks a free one. */
export interface DevnetPorts {
  /** gRPC and HTTP routes of the fullnode. */
  readonly rpc?: number | undefined;
  readonly faucet?: number | undefined;
  readonly admin?: number | undefined;
  /** The plain blob host. */
  readonly http?: number | undefined;
}

/** Options of a devnet. With the defaults, a small model can mine. */
export interface DevnetOptions {
  /** Interface to listen on. Default `127.0.0.1`. */
  readonly host?: string | undefined;
  readonly ports?: DevnetPorts | undefined;
  /** Determines ids, keys, audits and faults. Default: random, so that every devnet is a separate chain. */
  readonly seed?: number | undefined;
  /** Length of an epoch, milliseconds. Default: epochs end only on request to the admin service. */
  readonly epochMs?: number | undefined;
  /** Interval of checkpoints, milliseconds, at least 10. Default 200, the network's minimum. */
  readonly checkpointIntervalMs?: number | undefined;
  /** Interval of checkpoints while idle, milliseconds. Default 1000. */
  readonly idleCheckpointMs?: number | undefined;
  /** Checkpoints kept; older ones are pruned. Default 20,000. */
  readonly retainCheckpoints?: number | undefined;
  /** Transactions kept, about 15 KB each: with more, checkpoints are pruned earlier. Default 50,000. */
  readonly retainTransactions?: number | undefined;
  /** 1 to 5. Default 5. */
  readonly protocolVersion?: number | undefined;
  /** Width of targets and embeddings. Default 16, that of the small model. */
  readonly embeddingDim?: number | undefined;
  /** Shape of the models that audits run. Default: the named configuration of that width. */
  readonly modelConfig?: ModelConfig | undefined;
  /** Default 0.5 at width 16, which about 1 in 50 pairs hits; the protocol's own at 2048. */
  readonly initialDistanceThreshold?: number | undefined;
  /**
   * Minimum and maximum threshold for difficulty adjustment. Default: both equal the initial one, except at width 2048.
   */
  readonly distanceThresholdRange?: { readonly min: number; readonly max: number };
  /** Targets at the start of an epoch. Default: the protocol's, 100 in version 5. */
  readonly targetsPerEpoch?: number | undefined;
  /** Targeted hits per epoch, which also divide its reward. Default: the protocol's. */
  readonly hitsPerEpoch?: number | undefined;
  /** Shannons minted per epoch. Default 1,370 SOMA. */
  readonly emissionPerEpoch?: bigint | undefined;
  /** Number of validators, with equal stakes. Default 1. */
  readonly validators?: number | undefined;
  /** Accounts with coins. Default: none; use the faucet. */
  readonly accounts?: readonly GenesisAccount[] | undefined;
  /** Models that are active from the start. Default: none, and thus no targets. */
  readonly models?: readonly GenesisModel[] | undefined;
  /** Shannons per faucet coin. Default 2 SOMA. */
  readonly faucetAmount?: bigint | undefined;
  /** Coins per faucet request. Default 1. */
  readonly faucetCoins?: number | undefined;
  /**
   * Fraction of submissions audited, 0 to 1. Default 1 at width 16, and 0 at others, whose models take the reference
   * engine minutes.
   */
  readonly auditShare?: number | undefined;
  /**
   * Scoring engine of audits: `js`, or `onnx`, which is twenty times as fast but needs onnxruntime-node. Default `js`.
   */
  readonly auditEngine?: AuditEngine | undefined;
  /** How long the end of an epoch waits for audits that must be reported in it, milliseconds. Default 60,000. */
  readonly auditWaitMs?: number | undefined;
  /** How long a transaction's inputs stay locked before it executes, milliseconds. Default 0. */
  readonly finalityDelayMs?: number | undefined;
  /**
   * Delay between a transaction's execution and its visibility in reads, unless its checkpoint comes first,
   * milliseconds. Default 250, as on the network: ExecuteTransaction answers before the fullnode knows the results.
   */
  readonly readLagMs?: number | undefined;
  /** Faults to inject. Default: none. `true` uses the default mix. */
  readonly chaos?: ChaosOptions | boolean | undefined;
}

/** {@link DevnetOptions} with every default filled in. */
export interface ResolvedDevnetOptions {
  readonly host: string;
  readonly ports: { readonly [Port in keyof DevnetPorts]-?: number };
  readonly seed: number;
  readonly epochMs: number | undefined;
  readonly checkpointIntervalMs: number;
  readonly idleCheckpointMs: number;
  readonly retainCheckpoints: number;
  readonly retainTransactions: number;
  readonly protocolVersion: bigint;
  readonly parameters: SystemParameters;
  readonly parameterOverrides: ParameterOverrides;
  readonly modelConfig: ModelConfig | undefined;
  readonly emissionPerEpoch: bigint;
  readonly validators: number;
  readonly accounts: readonly GenesisAccount[];
  readonly models: readonly GenesisModel[];
  readonly faucetAmount: bigint;
  readonly faucetCoins: number;
  readonly auditShare: number;
  readonly auditEngine: AuditEngine;
  readonly auditWaitMs: number;
  readonly finalityDelayMs: number;
  readonly readLagMs: number;
  readonly chaos: ChaosOptions | undefined;
}

/** Node's timers hold no more, and fire at once beyond that. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Threshold that about one random pair in fifty hits, by width: the cosine of random directions in d dimensions has
 * standard deviation 1/sqrt(d), and about 2 % lie beyond two of them. Measured at width 16 (threshold 0.5) over 40,000
 * targets: 1 in 50.6.
 */
function defaultThreshold(dim: number): number {
  return 1 - 2 / Math.sqrt(dim);
}

function check(holds: boolean, what: string): void {
  if (!holds) throw new QuarryError('INVALID_ARGUMENT', `devnet option ${what}`);
}

/**
 * Fills in defaults.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when an option is out of range
 * @throws QuarryError `UNSUPPORTED` when the protocol version is not known
 */
export function resolveDevnetOptions(options: DevnetOptions): ResolvedDevnetOptions {
  const dim = options.embeddingDim ?? 16;
  const interval = options.checkpointIntervalMs ?? 200;
  const auditShare = options.auditShare ?? (dim === MODEL_CONFIGS.small.embeddingDim ? 1 : 0);
  check(Number.isInteger(dim) && dim > 0 && dim <= 65_536, 'embeddingDim must be a whole number from 1 to 65536');
  check(interval >= 10 && interval <= LONGEST_TIMER_MS, `checkpointIntervalMs must be 10 to ${LONGEST_TIMER_MS}`);
  const { epochMs = 100 } = options;
  check(epochMs >= 100 && epochMs <= LONGEST_TIMER_MS, `epochMs must be 100 to ${LONGEST_TIMER_MS}`);
  check(auditShare >= 0 && auditShare <= 1, 'auditShare must be between 0 and 1');
  check((options.validators ?? 1) >= 1, 'validators must be 1 or more');
  const protocolVersion = BigInt(options.protocolVersion ?? PROTOCOL_VERSIONS.max);
  const overrides = parameterOverrides(options, dim);
  const chaos = options.chaos === true ? {} : options.chaos === false ? undefined : options.chaos;
  const seed = options.seed ?? randomBytes(4).readUInt32LE(0);
  return {
    host: options.host ?? '127.0.0.1',
    ports: {
      rpc: options.ports?.rpc ?? 0,
      faucet: options.ports?.faucet ?? 0,
      admin: options.ports?.admin ?? 0,
      http: options.ports?.http ?? 0,
    },
    seed,
    epochMs: options.epochMs,
    checkpointIntervalMs: interval,
    idleCheckpointMs: options.idleCheckpointMs ?? 1_000,
    retainCheckpoints: options.retainCheckpoints ?? 20_000,
    retainTransactions: options.retainTransactions ?? 50_000,
    protocolVersion,
    parameters: systemParameters(protocolVersion, overrides),
    parameterOverrides: overrides,
    modelConfig: options.modelConfig ?? Object.values(MODEL_CONFIGS).find((each) => each.embeddingDim === dim),
    emissionPerEpoch: options.emissionPerEpoch ?? 1_370_000_000_000n,
    validators: options.validators ?? 1,
    accounts: options.accounts ?? [],
    models: options.models ?? [],
    faucetAmount: options.faucetAmount ?? 2_000_000_000n,
    faucetCoins: options.faucetCoins ?? 1,
    auditShare,
    auditEngine: options.auditEngine ?? 'js',
    auditWaitMs: options.auditWaitMs ?? 60_000,
    finalityDelayMs: options.finalityDelayMs ?? 0,
    readLagMs: options.readLagMs ?? 250,
    chaos: chaos === undefined ? undefined : { ...chaos, seed: chaos.seed ?? seed },
  };
}

/** Parameters that differ from the protocol version, now and after an upgrade. */
function parameterOverrides(options: DevnetOptions, dim: number): ParameterOverrides {
  const asked = options.initialDistanceThreshold;
  const initial = asked ?? (dim === 2048 ? undefined : defaultThreshold(dim));
  const range = options.distanceThresholdRange ?? (initial === undefined ? undefined : { min: initial, max: initial });
  return {
    targetEmbeddingDim: BigInt(dim),
    ...(options.epochMs !== undefined && { epochDurationMs: BigInt(Math.round(options.epochMs)) }),
    ...(initial !== undefined && { targetInitialDistanceThreshold: Math.fround(initial) }),
    ...(range !== undefined && {
      targetMinDistanceThreshold: Math.fround(range.min),
      targetMaxDistanceThreshold: Math.fround(range.max),
    }),
    ...(options.targetsPerEpoch !== undefined && { targetInitialTargetsPerEpoch: BigInt(options.targetsPerEpoch) }),
    ...(options.hitsPerEpoch !== undefined && { targetHitsPerEpoch: BigInt(options.hitsPerEpoch) }),
  };
}
