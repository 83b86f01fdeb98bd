import { QuarryError, toQuarryError } from '../../../errors/index.js';
import type {
  ReporterSet,
  SystemParameters as SystemParametersMessage,
  SystemState as SystemStateMessage,
} from '../../../gen/soma/rpc/system_state_pb.js';
import type { Address, ObjectId } from '../../chain/index.js';
import { type Model, modelFrom } from './model.js';
import { finite, possibleAmount, possibleDataSize, possibleEpoch } from './possible.js';
import { required, requiredId } from './required.js';
import { type ValidatorSet, validatorSetFrom } from './validator.js';

type ParameterName = Exclude<keyof SystemParametersMessage, '$typeName' | '$unknown' | 'challengerBondPerByte'>;

/** The current parameters: amounts in shannons, rates in basis points, thresholds as cosine distances. */
export type SystemParameters = {
  readonly [K in ParameterName]: NonNullable<SystemParametersMessage[K]>;
};

/** Difficulty and counters of the current epoch. */
export interface TargetState {
  /** Distance threshold of new targets. */
  readonly distanceThreshold: number;
  readonly targetsGeneratedThisEpoch: bigint;
  readonly hitsThisEpoch: bigint;
  readonly hitsEma: bigint;
  readonly rewardPerTargetShannons: bigint;
}

/** The shared system state. */
export interface SystemState {
  readonly epoch: bigint;
  readonly epochStartMs: bigint;
  readonly protocolVersion: bigint;
  readonly parameters: SystemParameters;
  readonly targetState: TargetState;
  readonly models: ReadonlyMap<ObjectId, Model>;
  /** Errors of models that could not be decoded; these are missing from `models`. */
  readonly unreadableModels: readonly QuarryError[];
  readonly totalModelStakeShannons: bigint;
  /** Reporting validators by model. */
  readonly modelReports: ReadonlyMap<ObjectId, readonly Address[]>;
  readonly validators: ValidatorSet;
  /** Reporting validators by validator. */
  readonly validatorReports: ReadonlyMap<Address, readonly Address[]>;
  readonly emissionPool: { readonly balanceShannons: bigint; readonly perEpochShannons: bigint };
  readonly safeMode: boolean;
  readonly safeModeAccumulatedFees: bigint;
  readonly safeModeAccumulatedEmissions: bigint;
}

// The type makes the compiler keep this list complete.
const PARAMETER_NAMES: Readonly<Record<ParameterName, true>> = {
  epochDurationMs: true,
  validatorRewardAllocationBps: true,
  modelMinStake: true,
  modelArchitectureVersion: true,
  modelRevealSlashRateBps: true,
  modelTallySlashRateBps: true,
  targetEpochFeeCollection: true,
  baseFee: true,
  writeObjectFee: true,
  valueFeeBps: true,
  minValueFeeBps: true,
  maxValueFeeBps: true,
  feeAdjustmentRateBps: true,
  targetModelsPerTarget: true,
  targetEmbeddingDim: true,
  targetInitialDistanceThreshold: true,
  targetRewardAllocationBps: true,
  targetHitsPerEpoch: true,
  targetHitsEmaDecayBps: true,
  targetDifficultyAdjustmentRateBps: true,
  targetMaxDistanceThreshold: true,
  targetMinDistanceThreshold: true,
  targetInitialTargetsPerEpoch: true,
  targetSubmitterRewardShareBps: true,
  targetModelRewardShareBps: true,
  targetClaimerIncentiveBps: true,
  submissionBondPerByte: true,
  maxSubmissionDataSize: true,
};

/** The parameters in a message. */
export function parametersFrom(message: SystemParametersMessage): SystemParameters {
  const names = Object.keys(PARAMETER_NAMES) as ParameterName[];
  return Object.fromEntries(
    names.map((name) => {
      const field = `parameters.${name}`;
      const value = required<bigint | number>(message[name], field);
      if (name === 'maxSubmissionDataSize') return [name, possibleDataSize(value as bigint, field)];
      // Amounts, sizes, durations and rates: none of them can exceed the supply.
      return [name, typeof value === 'bigint' ? possibleAmount(value, field) : finite(value, field)];
    }),
  ) as unknown as SystemParameters;
}

function reportsFrom(records: Readonly<Record<string, ReporterSet>>, field: string): ReadonlyMap<string, Address[]> {
  return new Map(
    Object.entries(records).map(([id, set]) => [requiredId(id, field), set.reporters.map((r) => requiredId(r, field))]),
  );
}

/** Decodes models individually, so that a malformed one does not affect the others. */
function modelsFrom(
  messages: Readonly<Record<string, Parameters<typeof modelFrom>[1]>>,
): Pick<SystemState, 'models' | 'unreadableModels'> {
  const models = new Map<ObjectId, Model>();
  const unreadableModels: QuarryError[] = [];
  for (const [id, message] of Object.entries(messages)) {
    try {
      const model = modelFrom(id, message);
      models.set(model.id, model);
    } catch (error) {
      const { code, message: reason } = toQuarryError(error, 'reading a model');
      unreadableModels.push(new QuarryError(code, `model ${id} is skipped: ${reason}`, { cause: error }));
    }
  }
  return { models, unreadableModels };
}

/** Decodes the system state, with all ids in normal form. */
export function systemStateFrom(message: SystemStateMessage): SystemState {
  const registry = required(message.modelRegistry, 'system_state.model_registry');
  const targets = required(message.targetState, 'system_state.target_state');
  const { models, unreadableModels } = modelsFrom(registry.models);
  return {
    epoch: possibleEpoch(required(message.epoch, 'system_state.epoch'), 'system_state.epoch'),
    epochStartMs: required(message.epochStartTimestampMs, 'system_state.epoch_start_timestamp_ms'),
    protocolVersion: required(message.protocolVersion, 'system_state.protocol_version'),
    parameters: parametersFrom(required(message.parameters, 'system_state.parameters')),
    targetState: {
      distanceThreshold: required(targets.distanceThreshold, 'target_state.distance_threshold'),
      targetsGeneratedThisEpoch: targets.targetsGeneratedThisEpoch ?? 0n,
      hitsThisEpoch: targets.hitsThisEpoch ?? 0n,
      hitsEma: targets.hitsEma ?? 0n,
      rewardPerTargetShannons: targets.rewardPerTarget ?? 0n,
    },
    models,
    unreadableModels,
    totalModelStakeShannons: registry.totalModelStake ?? 0n,
    modelReports: reportsFrom(registry.modelReportRecords, 'model_report_records'),
    validators: validatorSetFrom(required(message.validators, 'system_state.validators')),
    validatorReports: reportsFrom(message.validatorReportRecords, 'validator_report_records'),
    emissionPool: {
      balanceShannons: message.emissionPool?.balance ?? 0n,
      perEpochShannons: message.emissionPool?.emissionPerEpoch ?? 0n,
    },
    safeMode: message.safeMode ?? false,
    safeModeAccumulatedFees: message.safeModeAccumulatedFees ?? 0n,
    safeModeAccumulatedEmissions: message.safeModeAccumulatedEmissions ?? 0n,
  };
}
