import { type ReportedEffects, shannonsToSoma, type TransactionData } from '../soma/chain/index.js';
import type { BalanceChange } from '../soma/client/view/executed-transaction.js';
import type { CliContext } from './context.js';
import { type JsonFlag, printRecord } from './print.js';

/** What is known of a transaction that was executed, simulated or looked up. */
export interface ShownTransaction {
  readonly digest: string | undefined;
  readonly effects: ReportedEffects;
  readonly balanceChanges: readonly BalanceChange[];
  readonly checkpoint?: bigint | undefined;
  readonly timestampMs?: bigint | undefined;
}

/** Prints what a transaction did. */
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
    ...(timestampMs !== undefined && { timestampMs }),
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

/** Prints what a transaction that was not sent would do, as it is encoded. */
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
    ...Object.entries(fields).map(([field, value]) => [field, plain(value)] as const),
  ]);
}

function plain(value: unknown): string {
  return typeof value === 'object' && value !== null
    ? JSON.stringify(value, (_key, each: unknown) => {
        if (typeof each === 'bigint') return each.toString();
        if (each instanceof Uint8Array) return Buffer.from(each).toString('hex');
        return each instanceof Float32Array ? `${each.length} values` : each;
      })
    : String(value);
}
