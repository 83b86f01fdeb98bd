import { Command } from 'commander';
import { QuarryError } from '../../errors/index.js';
import type { CliContext } from '../context.js';
import { addressArgument, amountArgument, idArgument, integerArgument } from '../parse-argument.js';
import { examples } from '../print.js';
import { addSignedCommands } from './tx/offline.js';
import { type SendFlags, sendTransaction, withSending } from './tx/send.js';

/** `quarry tx`. */
export function txCommand(context: CliContext): Command {
  const tx = new Command('tx')
    .description('send, look up, simulate and sign transactions; amounts are decimal SOMA')
    .addHelpText(
      'after',
      `
Signing elsewhere: --serialize-unsigned prints base64 instead of sending; sign it where the key is, and execute it here:
  quarry tx transfer 0x… 1.5 --sender 0x… --serialize-unsigned > unsigned
  quarry tx sign @unsigned > signed
  quarry tx execute @signed`,
    );

  withSending(tx.command('transfer <recipient> <amount>').description('send SOMA'))
    .addHelpText('after', examples('tx transfer 0x… 1.25', 'tx transfer 0x… 0.5 --simulate'))
    .action((recipient: string, amount: string, flags: SendFlags) => {
      const to = addressArgument(recipient, 'recipient');
      const amountShannons = amountArgument(amount);
      return sendTransaction(context, flags, (account, options) =>
        account.transferCoin({ ...options, recipient: to, amountShannons }),
      );
    });

  withSending(tx.command('pay <payments...>').description('pay several recipients at once'))
    .addHelpText('after', examples('tx pay 0x…=1.5 0x…=0.25'))
    .action((texts: string[], flags: SendFlags) => {
      const payments = texts.map(payment);
      return sendTransaction(context, flags, (account, options) => account.payCoins({ ...options, payments }));
    });

  withSending(tx.command('split <amount>').description('split your coins into coins of this amount'))
    .option('--count <n>', 'number of coins, 1 to 200', '1')
    .addHelpText('after', examples('tx split 0.1 --count 8'))
    .action((amount: string, flags: SendFlags & { count: string }) => {
      const amountShannons = amountArgument(amount);
      const count = integerArgument(flags.count, '--count', 1, 200);
      return sendTransaction(context, flags, (account, options) =>
        account.payCoins({
          ...options,
          payments: Array.from({ length: count }, () => ({ recipient: account.address, amountShannons })),
        }),
      );
    });

  withSending(tx.command('merge').description('merge your coins into two: one for gas, one with the rest'))
    .addHelpText('after', examples('tx merge'))
    .action((flags: SendFlags) =>
      sendTransaction(context, flags, async (account, options) => {
        const result = await account.mergeCoins(options);
        if (result !== undefined) return result;
        throw new QuarryError('FAILED_PRECONDITION', 'there is nothing to merge', {
          hint: 'merging needs three coins or more; see them: quarry wallet coins',
        });
      }),
    );

  withSending(tx.command('stake <validator> <amount>').description('stake SOMA with a validator'))
    .addHelpText('after', examples('tx stake 0x… 10'))
    .action((address: string, amount: string, flags: SendFlags) => {
      const validator = idArgument(address, 'validator');
      const amountShannons = amountArgument(amount);
      return sendTransaction(context, flags, (account, options) =>
        account.addStake({ ...options, validator, amountShannons }),
      );
    });

  withSending(tx.command('stake-model <model> <amount>').description('stake SOMA with a model'))
    .addHelpText('after', examples('tx stake-model 0x… 2.5'))
    .action((id: string, amount: string, flags: SendFlags) => {
      const modelId = idArgument(id, 'model');
      const amountShannons = amountArgument(amount);
      return sendTransaction(context, flags, (account, options) =>
        account.addStakeToModel({ ...options, modelId, amountShannons }),
      );
    });

  withSending(tx.command('withdraw-stake <stake>').description('turn a stake back into a coin, with its rewards'))
    .addHelpText('after', examples('wallet coins --stakes', 'tx withdraw-stake 0x…'))
    .action((id: string, flags: SendFlags) => {
      const stakedSomaId = idArgument(id, 'stake');
      return sendTransaction(context, flags, (account, options) => account.withdrawStake({ ...options, stakedSomaId }));
    });

  addSignedCommands(tx, context);
  return tx;
}

/** `ADDRESS=AMOUNT` */
function payment(text: string): { recipient: string; amountShannons: bigint } {
  const at = text.indexOf('=');
  if (at < 0) throw new QuarryError('USAGE', `"${text.slice(0, 80)}" is not a payment`, { hint: 'write 0x…=1.5' });
  return {
    recipient: addressArgument(text.slice(0, at), 'recipient'),
    amountShannons: amountArgument(text.slice(at + 1)),
  };
}
