import { Command } from 'commander';
import {
  type Receipt,
  type ReceiptVerification,
  type VerifyReceiptOptions,
  verifyReceipt,
} from '../../../aitbc/index.js';
import { QuarryError } from '../../../errors/index.js';
import { renderFields, toJsonLine } from '../../../text/index.js';
import type { CliContext } from '../../context.js';
import { readText } from '../../read-text.js';
import { addTableFlags, printTable, type TableFlags } from '../../table.js';
import {
  type ConnectionFlags,
  MAX_JSON_BYTES,
  pinsOf,
  settingsOf,
  withClient,
  withConnection,
  withPins,
} from './connection.js';
import { example } from './jobs.js';
import { printRecord, say, tell } from './print.js';

/** `quarry aitbc receipts`. */
export function receiptsCommand(context: CliContext): Command {
  const receipts = new Command('receipts')
    .description('receipts of finished jobs, verified on this machine')
    .helpCommand(false);

  withPins(withConnection(receipts.command('get <job-id>').description("a job's latest receipt")))
    .addHelpText(
      'after',
      `${example('receipts get job_1 --json > receipt.json')}\n  quarry aitbc receipts verify receipt.json`,
    )
    .action((jobId: string, flags: ConnectionFlags) =>
      withClient(context, flags, async (client) => {
        const receipt = await client.receipts.get(jobId, { signal: context.signal });
        // The exact text: reprinted from parsed numbers it would not verify.
        if (flags.json) return say(context, receipt.text);
        say(context, renderFields(receiptFields(receipt, client.receipts.verifyLocal(receipt))));
      }),
    );

  withPins(
    withConnection(
      receipts.command('verify <file>').description('verify a receipt on this machine; --remote also asks the service'),
    ),
  )
    .option('--strict', 'refuse members added after signing and any notation that differs from the signed one')
    .option('--remote', 'ask the coordinator instead')
    .addHelpText('after', example('receipts verify receipt.json --signer TJvH0A9pkk0c3uQMNlCivLs3GR3i1T2TtfIbLT0n29Q'))
    .action(
      async (file: string, flags: ConnectionFlags & { strict?: boolean | undefined; remote?: boolean | undefined }) => {
        const text = await readText(context, file, MAX_JSON_BYTES);
        const options: VerifyReceiptOptions = {
          mode: flags.strict ? 'strict' : 'tolerant',
          ...pinsOf(await settingsOf(context, flags)),
        };
        if (flags.remote) {
          await withClient(context, flags, async (client) => {
            const check = await client.receipts.verify(text.trim(), { ...options, signal: context.signal });
            printRecord(context, check, flags);
            if (!check.valid) throw invalid(['the coordinator says that it is invalid']);
          });
          return;
        }
        const result = verifyReceipt(text, options);
        if (flags.json) say(context, toJsonLine(flags.camel ? result : verificationWire(result)));
        else say(context, renderFields(verificationFields(result)));
        if (!result.verified) throw invalid(result.failureReasons, missesKey(result));
        const pinned = [...(options.trustedSigners ?? []), ...(options.trustedAttesters ?? [])].length > 0;
        if (pinned && !result.trusted) throw invalid(['signed by a key that is not pinned']);
        if (!pinned)
          tell(
            context,
            'hint: the receipt is intact, but anyone could have signed it; pin the keys you trust with --signer',
          );
      },
    );

  addTableFlags(withPins(withConnection(receipts.command('history <job-id>').description('all receipts of a job'))))
    .addHelpText('after', example('receipts history job_1'))
    .action((jobId: string, flags: ConnectionFlags & TableFlags) =>
      withClient(context, flags, async (client) => {
        const list = await client.receipts.history(jobId, { signal: context.signal });
        if (flags.json) return say(context, `{"items":[${list.map((receipt) => receipt.text).join(',')}]}`);
        printTable(
          context,
          flags,
          list.map((receipt) => ({ receipt, result: client.receipts.verifyLocal(receipt) })),
          [
            { header: 'receipt', value: ({ receipt }) => receipt.receiptId, shrink: 1 },
            { header: 'miner', value: ({ receipt }) => receipt.minerId, shrink: 2 },
            { header: 'created', value: ({ receipt }) => receipt.createdAt },
            { header: 'verified', value: ({ result }) => (result.verified ? 'yes' : 'NO') },
            { header: 'trusted', value: ({ result }) => (result.trusted ? 'yes' : 'no') },
          ],
          'no receipts',
        );
      }),
    );
  return receipts;
}

/** A verification as human-readable fields. */
export function verificationFields(result: ReceiptVerification): [string, unknown][] {
  return [
    ['verified', result.verified ? 'yes' : 'NO'],
    ['trusted', result.trusted ? 'yes' : 'no'],
    ['mode', result.mode],
    ['signer', result.minerSignature.keyId],
    ['signature', result.minerSignature.valid ? 'holds' : (result.minerSignature.reason ?? 'invalid')],
    ...result.attestations.map((check, i): [string, unknown] => [
      `attestation ${i + 1}`,
      `${check.valid ? 'holds' : (check.reason ?? 'invalid')}${check.keyId === undefined ? '' : ` (${check.keyId})`}`,
    ]),
    ['unsigned members', result.unauthenticatedFields.join(', ')],
    ['hash', result.receiptHash],
    ['reasons', result.failureReasons.join('; ')],
  ];
}

function receiptFields(receipt: Receipt, result: ReceiptVerification): [string, unknown][] {
  return [
    ['receipt', receipt.receiptId],
    ['job', receipt.jobId],
    ['miner', receipt.minerId],
    ['created', receipt.createdAt],
    ...verificationFields(result),
  ];
}

/** The documented response, extended with details of the local verification. */
function verificationWire(result: ReceiptVerification): object {
  return {
    valid: result.verified,
    miner_signature_valid: result.minerSignature.valid,
    coordinator_attestations: result.attestations.filter((check) => check.valid).length,
    verified_at: new Date().toISOString(),
    trusted: result.trusted,
    mode: result.mode,
    key_id: result.minerSignature.keyId,
    unauthenticated_fields: result.unauthenticatedFields,
    failure_reasons: result.failureReasons,
    receipt_hash: result.receiptHash,
  };
}

/** Whether an attestation fails only because its key is not pinned. */
function missesKey(result: ReceiptVerification): boolean {
  return result.attestations.some((check) => !check.valid && check.keyId === undefined) && result.minerSignature.valid;
}

function invalid(reasons: readonly string[], missesAttester = false): QuarryError {
  return new QuarryError('SIGNATURE_INVALID', `the receipt does not verify: ${reasons.join('; ')}`, {
    ...(missesAttester && { hint: 'documented attestations do not name a key: pin the right one with --attester' }),
  });
}
