import { QuarryError } from '../../../errors/index.js';
import { ExecutionError_ExecutionErrorKind as Kind } from '../../../gen/soma/rpc/execution_status_pb.js';
import { EXECUTION_FAILURES, type ReportedEffects, type ReportedFailure, shannonsToSoma } from '../../chain/index.js';

const FUNDS: ReadonlySet<ReportedFailure['kind']> = new Set([
  'insufficientGas',
  'insufficientCoinBalance',
  'insufficientBond',
]);

const RPC_NAMES: ReadonlyMap<number, string> = new Map(Object.entries(Kind).map(([name, value]) => [value, name]));

/** A transaction that was executed and failed. It was charged the base fee, and its inputs have new versions. */
export class ExecutionError extends QuarryError {
  override readonly name = 'ExecutionError';
  /** Failure kind of the chain; `targetNotOpen` is a lost race. */
  readonly kind: ReportedFailure['kind'];
  /** The RPC's name of the kind, such as `TARGET_NOT_OPEN`. */
  readonly rpcKind: string;
  readonly failure: ReportedFailure;
  /** The `name=value` pairs in the failure's detail, such as `{ required: '65000' }`. */
  readonly data: Readonly<Record<string, string>>;
  readonly effects: ReportedEffects;

  /** @param doing the operation, such as `submitData` */
  constructor(failure: ReportedFailure, effects: ReportedEffects, doing: string) {
    const info = failure.kind === 'unknown' ? undefined : EXECUTION_FAILURES[failure.kind];
    const rpcKind = RPC_NAMES.get(failure.rpcKind) ?? `KIND_${failure.rpcKind}`;
    const detail = failure.detail ?? '';
    const data = Object.fromEntries([...detail.matchAll(/\b(\w+)=([^,\s]+)/g)].map(([, name, value]) => [name, value]));
    const isOfFunds = FUNDS.has(failure.kind);
    super(
      isOfFunds ? 'INSUFFICIENT_FUNDS' : 'EXECUTION_FAILED',
      `${doing} failed with ${rpcKind}${detail && `: ${isOfFunds ? inSoma(detail) : detail}`}`,
      {
        ...(info !== undefined && { hint: info.hint }),
        retryable: info?.retryable ?? false,
        details: {
          kind: failure.kind,
          digest: effects.transactionDigest,
          objectId: failure.objectId,
          ...data,
        },
      },
    );
    this.kind = failure.kind;
    this.rpcKind = rpcKind;
    this.failure = failure;
    this.data = data;
    this.effects = effects;
  }
}

/** Converts amounts from shannons, as in `required=65000, provided=10`, to SOMA. */
function inSoma(detail: string): string {
  return detail.replace(/=(\d{1,20})(?!\d)/g, (_, shannons: string) => `=${shannonsToSoma(BigInt(shannons))} SOMA`);
}

/**
 * Checks that effects are those of a success.
 *
 * @throws ExecutionError when they are not
 */
export function assertSucceeded(effects: ReportedEffects, doing: string): void {
  if (effects.status.kind === 'failure') throw new ExecutionError(effects.status.error, effects, doing);
}
