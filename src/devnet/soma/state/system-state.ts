import type { Address, ObjectId } from '../../../soma/chain/id.js';
import type { Model } from './model.js';
import type { SystemParameters } from './system-parameters.js';
import type { ValidatorSet } from './validator.js';

/** Reporters by reported subject. */
export type ReportRecords = ReadonlyMap<ObjectId, readonly Address[]>;

/** All models. */
export interface ModelRegistry {
  readonly models: ReadonlyMap<ObjectId, Model>;
  /** Pool id to model id. */
  readonly stakingPoolMappings: ReadonlyMap<ObjectId, ObjectId>;
  readonly totalModelStake: bigint;
  readonly modelReportRecords: ReportRecords;
}

/** Coins not yet minted, in shannons. */
export interface EmissionPool {
  readonly balance: bigint;
  readonly emissionPerEpoch: bigint;
}

/** State used for creating targets. */
export interface TargetState {
  /** f32. */
  readonly distanceThreshold: number;
  readonly targetsGeneratedThisEpoch: bigint;
  readonly hitsThisEpoch: bigint;
  readonly hitsEma: bigint;
  readonly rewardPerTarget: bigint;
}

/** The shared system state object. Immutable: a transaction creates a new one, so reverting keeps the old. */
export interface SystemState {
  readonly epoch: bigint;
  readonly protocolVersion: bigint;
  readonly validators: ValidatorSet;
  readonly parameters: SystemParameters;
  readonly epochStartTimestampMs: bigint;
  readonly validatorReportRecords: ReportRecords;
  readonly modelRegistry: ModelRegistry;
  readonly emissionPool: EmissionPool;
  readonly targetState: TargetState;
  readonly safeMode: boolean;
  readonly safeModeAccumulatedFees: bigint;
  readonly safeModeAccumulatedEmissions: bigint;
}

/** A copy of the map with `key` set to `value`. */
export function withEntry<K, V>(source: ReadonlyMap<K, V>, key: K, value: V): ReadonlyMap<K, V> {
  return new Map(source).set(key, value);
}

/** A copy of the map without `key`. */
function withoutEntry<K, V>(source: ReadonlyMap<K, V>, key: K): ReadonlyMap<K, V> {
  const copy = new Map(source);
  copy.delete(key);
  return copy;
}

/** A copy of the state with one model replaced. */
export function withModel(state: SystemState, id: ObjectId, model: Model): SystemState {
  return {
    ...state,
    modelRegistry: { ...state.modelRegistry, models: withEntry(state.modelRegistry.models, id, model) },
  };
}

/** Adds `reporter` to the reports of `subject`. */
export function withReport(records: ReportRecords, subject: ObjectId, reporter: Address): ReportRecords {
  const reporters = records.get(subject) ?? [];
  return reporters.includes(reporter) ? records : withEntry(records, subject, [...reporters, reporter].sort());
}

/** Removes `reporter`'s report of `subject`; `undefined` if there is none. */
export function withoutReport(records: ReportRecords, subject: ObjectId, reporter: Address): ReportRecords | undefined {
  const reporters = records.get(subject);
  if (reporters === undefined || !reporters.includes(reporter)) return undefined;
  const rest = reporters.filter((each) => each !== reporter);
  return rest.length === 0 ? withoutEntry(records, subject) : withEntry(records, subject, rest);
}
