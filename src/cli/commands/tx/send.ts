import type { Command } from 'commander';
import { QuarryError } from '../../../errors/index.js';
import { encodeSignedTransaction, toBase64 } from '../../../soma/chain/index.js';
import type { SendOptions, SomaAccount } from '../../../soma/client/account/soma-account.js';
import type { TransactionResult } from '../../../soma/client/execute/execute-transaction.js';
import { captureTransaction, keylessSigner } from '../../captured-transaction.js';
import type { CliContext } from '../../context.js';
import { addressArgument } from '../../parse-argument.js';
import { say, sayJson } from '../../print.js';
import { type SessionFlags, withSession, withSigner } from '../../soma-session.js';
import { printTransaction } from '../../transaction-output.js';

/** Flags of commands that create a transaction. */
export interface SendFlags extends SessionFlags {
  readonly sender?: string | undefined;
  readonly simulate?: boolean | undefined;
  readonly serializeUnsigned?: boolean | undefined;
  readonly serializeSigned?: boolean | undefined;
}

/** Adds the flags of {@link SendFlags}. */
export function withSending(command: Command): Command {
  return withSigner(command)
    .option('--simulate', 'show what it would do; nothing is signed or sent')
    .option('--serialize-unsigned', 'print base64 TransactionData to sign elsewhere')
    .option('--serialize-signed', 'sign, print base64 SenderSignedData, do not send')
    .option('--sender <address>', 'with --simulate or --serialize-unsigned: build for this address, without its key');
}

/** Sends the transaction made by `send`, or handles it as the flags say instead. */
export async function sendTransaction(
  context: CliContext,
  flags: SendFlags,
  send: (account: SomaAccount, options: SendOptions) => Promise<TransactionResult>,
): Promise<void> {
  const modes = [flags.simulate, flags.serializeUnsigned, flags.serializeSigned].filter(Boolean).length;
  if (modes > 1) throw new QuarryError('USAGE', 'choose one of --simulate, --serialize-unsigned, --serialize-signed');
  if (flags.sender !== undefined && !flags.simulate && !flags.serializeUnsigned) {
    throw new QuarryError('USAGE', '--sender goes with --simulate or --serialize-unsigned', {
      hint: 'the sender of what is sent is whose key signs it: --account, --key-file or SOMA_SECRET_KEY',
    });
  }
  const sender = flags.sender === undefined ? undefined : addressArgument(flags.sender, 'sender');
  await withSession(context, flags, async (session) => {
    const { client, signal } = session;
    if (modes === 0) {
      const result = await send(client.account(await session.signer()), { signal });
      printTransaction(context, flags, result);
      return;
    }
    const signer = sender === undefined ? await session.signer() : keylessSigner(sender);
    const signed = await captureTransaction(client, signer, send, signal);
    if (flags.simulate) {
      printTransaction(context, flags, await client.simulateTransaction(signed.data, { signal }), { simulated: true });
      return;
    }
    const base64 = toBase64(flags.serializeSigned ? encodeSignedTransaction(signed) : signed.bytes);
    if (flags.json) sayJson(context, { digest: signed.digest, signed: flags.serializeSigned === true, base64 });
    else say(context, base64);
  });
}
