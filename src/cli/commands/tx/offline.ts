import type { Command } from 'commander';
import { QuarryError } from '../../../errors/index.js';
import {
  encodeSignedTransaction,
  fromBase64,
  isDigest,
  isId,
  parseTransactionText,
  type SignedTransaction,
  signTransaction,
  toBase64,
  verifySignedTransaction,
} from '../../../soma/chain/index.js';
import { assertSucceeded } from '../../../soma/client/decode/execution-error.js';
import type { CliContext } from '../../context.js';
import { digestArgument } from '../../parse-argument.js';
import { examples, say, sayJson } from '../../print.js';
import { textArgument } from '../../read-text.js';
import { configOf } from '../../settings-options.js';
import { type SessionFlags, signerOf, withNetwork, withSession, withSigner } from '../../soma-session.js';
import { printTransaction, printTransactionData } from '../../transaction-output.js';

const TEXT_HELP = 'base64; @FILE reads a file, - standard input';

/** Adds `quarry tx show`, `simulate`, `sign` and `execute`. */
export function addSignedCommands(tx: Command, context: CliContext): void {
  withNetwork(tx.command('show').description('look up a transaction, or decode base64 without the network'))
    .argument('<transaction>', `digest, or ${TEXT_HELP}`)
    .addHelpText('after', examples('tx show 9qJr…', 'tx show @unsigned --json'))
    .action((argument: string, flags: SessionFlags) => show(context, argument, flags));

  withNetwork(tx.command('simulate').description('show what a transaction would do now'))
    .argument('<transaction>', TEXT_HELP)
    .addHelpText('after', examples('tx simulate @unsigned'))
    .action(async (argument: string, flags: SessionFlags) => {
      const { data } = parseTransactionText(await textArgument(context, argument));
      await withSession(context, flags, async ({ client, signal }) => {
        const result = await client.simulateTransaction(data, { signal });
        printTransaction(context, flags, result, { simulated: true });
        assertSucceeded(result.effects, data.kind.kind);
      });
    });

  withSigner(tx.command('sign').description('sign base64 TransactionData; needs no network'))
    .argument('<transaction>', TEXT_HELP)
    .option('--signature-only', 'print the signature alone')
    .addHelpText('after', examples('tx sign @unsigned --key-file cold.key > signed'))
    .action((argument: string, flags: SessionFlags & { signatureOnly?: boolean | undefined }) =>
      sign(context, argument, flags),
    );

  withNetwork(tx.command('execute').description('send a transaction signed elsewhere'))
    .argument('[transaction]', `SenderSignedData as ${TEXT_HELP}`)
    .option('--tx-bytes <base64>', 'TransactionData, when the signature is separate')
    .option('--signature <base64>', 'its signature')
    .addHelpText('after', examples('tx execute @signed', 'tx execute --tx-bytes @unsigned --signature AAx…'))
    .action((argument: string | undefined, flags: ExecuteFlags) => execute(context, argument, flags));
}

async function show(context: CliContext, argument: string, flags: SessionFlags): Promise<void> {
  const isText = argument === '-' || argument.startsWith('@') || argument.length > 64;
  if (isText && !isDigest(argument) && !isId(argument)) {
    const parsed = parseTransactionText(await textArgument(context, argument));
    if (parsed.kind === 'signed') verifySignedTransaction(parsed);
    const more = { digest: parsed.digest, signed: parsed.kind === 'signed' };
    printTransactionData(context, flags, parsed.data, more);
    return;
  }
  const digest = digestArgument(argument);
  await withSession(context, flags, async ({ client, signal }) => {
    const found = await client.getTransaction(digest, { signal });
    if (found.effects === undefined) throw new QuarryError('PROTOCOL', 'the node sent a transaction without effects');
    printTransaction(context, flags, { ...found, effects: found.effects });
  });
}

async function sign(
  context: CliContext,
  argument: string,
  flags: SessionFlags & { signatureOnly?: boolean | undefined },
): Promise<void> {
  const parsed = parseTransactionText(await textArgument(context, argument));
  const keypair = await signerOf(context, await configOf(context, { ...flags }), flags);
  if (parsed.data.sender !== keypair.address) {
    throw new QuarryError(
      'KEY_INVALID',
      `the transaction is sent by ${parsed.data.sender}, the key belongs to another address`,
      {
        hint: 'choose the key with --account, --key-file or SOMA_SECRET_KEY',
        details: { sender: parsed.data.sender, key: keypair.address },
      },
    );
  }
  const signed = await signTransaction(parsed.data, keypair);
  const signature = toBase64(signed.signatures[0] ?? new Uint8Array());
  const base64 = toBase64(encodeSignedTransaction(signed));
  if (flags.json) sayJson(context, { digest: signed.digest, signed: true, base64, signature });
  else say(context, flags.signatureOnly ? signature : base64);
}

interface ExecuteFlags extends SessionFlags {
  readonly txBytes?: string | undefined;
  readonly signature?: string | undefined;
}

async function execute(context: CliContext, argument: string | undefined, flags: ExecuteFlags): Promise<void> {
  const signed = await signedOf(context, argument, flags);
  // Verify locally, which is faster than asking a node.
  verifySignedTransaction(signed);
  await withSession(context, flags, async ({ client, signal }) => {
    const result = await client.executeAndWait(signed, { signal });
    printTransaction(context, flags, result);
    assertSucceeded(result.effects, signed.data.kind.kind);
  });
}

async function signedOf(
  context: CliContext,
  argument: string | undefined,
  flags: ExecuteFlags,
): Promise<SignedTransaction> {
  if (argument === undefined) {
    if (flags.txBytes === undefined || flags.signature === undefined) {
      throw new QuarryError('USAGE', 'name a signed transaction, or both --tx-bytes and --signature');
    }
    const unsigned = parseTransactionText(await textArgument(context, flags.txBytes));
    return { ...unsigned, signatures: [fromBase64(await textArgument(context, flags.signature))] };
  }
  if (flags.txBytes !== undefined || flags.signature !== undefined) {
    throw new QuarryError('USAGE', 'a signed transaction contains its signature: omit --tx-bytes and --signature');
  }
  const parsed = parseTransactionText(await textArgument(context, argument));
  if (parsed.kind === 'signed') return parsed;
  throw new QuarryError('SIGNATURE_INVALID', 'the transaction is not signed', { hint: 'sign it: quarry tx sign' });
}
