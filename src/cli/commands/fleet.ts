import { Command } from 'commander';
import type { CliContext } from '../context.js';
import { readFleet } from '../mining/fleet-settings.js';
import { examples, type JsonFlag, say, sayJson } from '../print.js';
import { addSettings, configOf } from '../settings-options.js';
import { addTableFlags, printTable, type TableFlags } from '../table.js';

/** `quarry fleet`. */
export function fleetCommand(context: CliContext): Command {
  const status = new Command('status')
    .description('show the scorers of a fleet, what each has loaded, and the queue')
    .option('--json', 'one JSON object')
    .addHelpText('after', examples('fleet status --nats nats://10.0.0.5:4222'));
  addTableFlags(addSettings(status, ['nats', 'natsCreds', 'natsCa', 'fleet']));
  status.action((flags: JsonFlag & TableFlags) => showStatus(context, flags));
  return new Command('fleet').description('inspect scorers on other machines').addCommand(status);
}

async function showStatus(context: CliContext, flags: JsonFlag & TableFlags): Promise<void> {
  const config = await configOf(context, { ...flags });
  const { version: _version, ...status } = await readFleet(config, 'status', context.signal);
  if (flags.json) {
    sayJson(context, status);
    return;
  }
  const { models, queued, redelivered, scorers } = status;
  const now = Date.now();
  say(context, `${models.length} models, ${queued} samples queued, ${redelivered} of them handed out again`);
  printTable(
    context,
    flags,
    scorers,
    [
      { header: 'SCORER', value: (row) => row.id },
      { header: 'RUNS', value: (row) => row.label, shrink: 1 },
      { header: 'SAMPLES', value: (row) => String(row.samples), align: 'right' },
      { header: 'PER SECOND', value: (row) => String(row.samplesPerSecond), align: 'right' },
      { header: 'KEPT', value: (row) => (row.keptRows === undefined ? '-' : String(row.keptRows)), align: 'right' },
      { header: 'MODELS', value: (row) => String(row.models.length), align: 'right' },
      {
        header: 'SEEN',
        value: (row) => `${Math.max(0, Math.round((now - row.seenAt) / 1000))} s ago`,
        align: 'right',
      },
    ],
    'no scorers',
  );
}
