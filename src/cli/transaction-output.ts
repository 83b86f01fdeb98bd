import { type ReportedEffects, shannonsToSoma, type TransactionData } from '../soma/chain/index.js';
import type { BalanceChange } from '../soma/client/decode/executed-transaction.js';
import { toJsonLine } from '../text/index.js';
import type { CliContext } from './context.js';
import { type JsonFlag, printRecord } from './print.js';

/** A transaction that was executed, simulated or looked up. */
export interface ShownTransaction {
  readonly digest: string | undefined;
  readonly effects: ReportedEffects;
  readonly balanceChanges: readonly BalanceChange[];
  readonly checkpoint?: bigint | undefined;
  readonly timestampMs?: bigint | undefined;
}

/** Prints the effects of a transaction. */
export function printTransaction(
  context: CliContext,
  flags: JsonFlag,
  shown: ShownTransaction,
  more: Readonly<Record<string, unknown>> = {},
): void {
  const { effects, balanceChanges, checkpoint, timestampMs } = shown;
  const { status, fee } = effects;
  const digest = shown.digest ?? effects.transactionDigest;
  const error = status.kind === 'failure' ? status.error : undefined;
  const created = effects.changedObjects.filter((change) => change.idOperation === 'created');
  const json = {
    digest,
    status: status.kind,
    ...(error !== undefined && { error: { kind: error.kind, detail: error.detail } }),
    epoch: effects.executedEpoch,
    checkpoint: checkpoint ?? null,
    timestampMs,
    feeShannons: fee.totalFee,
    fee,
    balanceChanges,
    createdObjects: created.map((change) => change.objectId),
    changedObjects: effects.changedObjects.length,
    ...more,
  };
  const { green, red } = context.style;
  printRecord(context, flags, json, [
    ['digest', digest],
    ['status', error === undefined ? green('success') : red(`failed: ${error.kind} ${error.detail ?? ''}`.trim())],
    ['epoch', effects.executedEpoch],
    ['checkpoint', checkpoint],
    ...(timestampMs === undefined ? [] : [['time', new Date(Number(timestampMs)).toISOString()] as const]),
    ['fee', `${shannonsToSoma(fee.totalFee)} SOMA`],
    ...balanceChanges.map(
      (change, index) =>
        [index === 0 ? 'balances' : '', `${change.address}  ${signed(change.amountShannons)} SOMA`] as const,
    ),
    ...created.map((change, index) => [index === 0 ? 'created' : '', change.objectId] as const),
    ...Object.entries(more).map(([name, value]) => [name, value] as const),
  ]);
}

function signed(shannons: bigint): string {
  return `${shannons > 0n ? '+' : ''}${shannonsToSoma(shannons)}`;
}

/** Prints what an unsent transaction would do, from its encoding. */
export function printTransactionData(
  context: CliContext,
  flags: JsonFlag,
  data: TransactionData,
  more: Readonly<Record<string, unknown>>,
): void {
  const { kind: name, ...fields } = data.kind;
  printRecord(context, flags, { kind: name, ...more, sender: data.sender, gasPayment: data.gasPayment, fields }, [
    ['kind', name],
    ...Object.entries(more),
    ['sender', data.sender],
    ...data.gasPayment.map((coin, index) => [index === 0 ? 'gas' : '', `${coin.objectId} @ ${coin.version}`] as const),
    ...Object.entries(fields).map(([field, value]) => [field, forPeople(field, value)] as const),
  ]);
}

/** Fields that contain amounts, in shannons. */
const AMOUNTS: ReadonlySet<string> = new Set(['amount', 'amounts', 'stakeAmount']);

function forPeople(field: string, value: unknown): string {
  if (Array.isArray(value)) return value.map((each) => forPeople(field, each)).join(', ');
  if (typeof value === 'bigint') return AMOUNTS.has(field) ? `${shannonsToSoma(value)} SOMA` : value.toString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (typeof value !== 'object' || value === null) return value === undefined ? '-' : String(value);
  const { objectId, version, values, url } = value as Readonly<Record<string, unknown>>;
  if (typeof objectId === 'string') return `${objectId} @ ${String(version)}`;
  if (values instanceof Float32Array) return values.length === 1 ? String(values[0]) : `${values.length} values`;
  return typeof url === 'string' ? url : toJsonLine(value);
}
