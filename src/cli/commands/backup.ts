import { resolve } from 'node:path';
import { Command } from 'commander';
import { backupState } from '../../miner/index.js';
import { formatBytes } from '../../text/index.js';
import type { CliContext } from '../context.js';
import { examples, say, sayJson } from '../print.js';
import { addSettings, configOf } from '../settings-options.js';
import { stateDirOf } from '../state-dir.js';

/** `quarry backup`: copies a miner's state, whether it is running or not. */
export function backupCommand(context: CliContext): Command {
  const command = new Command('backup')
    .argument('<dir>', 'directory for the backup; must not exist')
    .description('copy journal, store and hosted data, whether the miner runs or not')
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      `
Weights are not included: they are downloaded again. quarry restore restores a backup.
${examples('backup /mnt/backup/quarry-monday', 'backup backup-1 --state-dir /var/lib/quarry')}`,
    );
  addSettings(command, ['network', 'stateDir']);
  return command.action(async (dir: string, flags: { readonly json?: boolean | undefined }) => {
    const config = await configOf(context, { ...flags });
    const into = resolve(dir);
    const { createdAt, files } = await backupState(stateDirOf(config, context.env), into, { signal: context.signal });
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    if (flags.json) sayJson(context, { dir: into, createdAt, files: files.length, bytes });
    else say(context, `${files.length} files, ${formatBytes(bytes)}, in ${into}`);
  });
}
