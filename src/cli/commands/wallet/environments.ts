import type { Command } from 'commander';
import { QuarryError } from '../../../errors/index.js';
import { Wallet } from '../../../soma/wallet/index.js';
import type { CliContext } from '../../context.js';
import { examples, sayJson } from '../../print.js';
import { addSettings, configOf } from '../../settings-options.js';
import { type SessionFlags, walletDirOf } from '../../soma-session.js';
import { addTableFlags, printTable, type TableFlags } from '../../table.js';

/** Adds `quarry wallet env`. */
export function addEnvironmentCommands(wallet: Command, context: CliContext): void {
  const command = wallet
    .command('env [alias]')
    .description(
      "list the wallet's networks; with an alias, select the official tool's active one. Aliases work as --network",
    )
    .option('--rpc <url>', 'add the alias, or change its fullnode')
    .option('--json', 'one JSON object on stdout');
  addTableFlags(addSettings(command, ['walletDir']))
    .addHelpText('after', examples('wallet env', 'wallet env mine --rpc http://127.0.0.1:9000', 'wallet env testnet'))
    .action(async (alias: string | undefined, flags: SessionFlags & TableFlags & { rpc?: string | undefined }) => {
      const directory = walletDirOf(context, await configOf(context, { ...flags }));
      const keys = await Wallet.open({ directory });
      if (flags.rpc !== undefined) {
        if (alias === undefined) throw new QuarryError('USAGE', '--rpc needs the alias of the network');
        if (!URL.canParse(flags.rpc) || !/^https?:$/.test(new URL(flags.rpc).protocol)) {
          throw new QuarryError('USAGE', '--rpc expects the URL of a fullnode, such as http://127.0.0.1:9000');
        }
        await keys.setEnvironment({ alias, rpc: flags.rpc });
      }
      if (alias !== undefined) await keys.setActiveEnvironment(alias);
      const active = keys.activeEnvironment?.alias;
      if (flags.json) return sayJson(context, { active: active ?? null, environments: keys.environments });
      printTable(
        context,
        flags,
        keys.environments,
        [
          { header: '', value: (environment) => (environment.alias === active ? '*' : ' ') },
          { header: 'ALIAS', value: (environment) => environment.alias },
          { header: 'FULLNODE', value: (environment) => environment.rpc },
        ],
        'no networks',
      );
    });
}
