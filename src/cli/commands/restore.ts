import { resolve } from 'node:path';
import { Command } from 'commander';
import { restoreState } from '../../miner/index.js';
import type { CliContext } from '../context.js';
import { examples, say, sayJson } from '../print.js';
import { addSettings, configOf } from '../settings-options.js';
import { stateDirOf } from '../state-dir.js';

/** `quarry restore`: restores a backup into an empty state directory. */
export function restoreCommand(context: CliContext): Command {
  const command = new Command('restore')
    .argument('<dir>', 'directory made by quarry backup')
    .description('restore a backup into an empty state directory')
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      `
Every file is checked before anything is written. Submissions made after the backup are missing from its journal;
the ledger has them, and quarry claim claims their rewards.
${examples('restore /mnt/backup/quarry-monday', 'restore backup-1 --state-dir /var/lib/quarry')}`,
    );
  addSettings(command, ['network', 'stateDir']);
  return command.action(async (dir: string, flags: { readonly json?: boolean | undefined }) => {
    const config = await configOf(context, { ...flags });
    const stateDir = stateDirOf(config, context.env);
    const { createdAt, files } = await restoreState(resolve(dir), stateDir, { signal: context.signal });
    if (flags.json) sayJson(context, { stateDir, createdAt, files: files.length });
    else say(context, `${files.length} files of ${createdAt} restored to ${stateDir}`);
  });
}
