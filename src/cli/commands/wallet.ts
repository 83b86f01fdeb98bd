import { Command } from 'commander';
import type { CliContext } from '../context.js';
import { addAccountCommands } from './wallet/accounts.js';
import { addBalanceCommands } from './wallet/balances.js';
import { addEnvironmentCommands } from './wallet/environments.js';

/** `quarry wallet`. */
export function walletCommand(context: CliContext): Command {
  const wallet = new Command('wallet')
    .description("keys, balances and coins; reads and writes the official tool's wallet")
    .addHelpText(
      'after',
      `
The wallet is the official one: client.yaml and soma.keystore in ~/.soma/soma_config, or --wallet-dir, or
SOMA_CONFIG_DIR. Commands that only need an address also take the key of SOMA_SECRET_KEY or --key-file.`,
    );
  addAccountCommands(wallet, context);
  addBalanceCommands(wallet, context);
  addEnvironmentCommands(wallet, context);
  return wallet;
}
