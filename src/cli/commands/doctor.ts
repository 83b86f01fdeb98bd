import { Command } from 'commander';
import { type Config, SETTINGS } from '../../config/index.js';
import type { CliContext } from '../context.js';
import { HOST_SETTINGS } from '../data-host.js';
import { type Check, refuseFailures, sayCheck } from '../doctor/check.js';
import { machineJson, machineReport } from '../doctor/machine-report.js';
import { miningChecks } from '../doctor/mining-checks.js';
import { printMachine } from '../doctor/print-machine.js';
import { examples, say, sayJson } from '../print.js';
import { addSettings, configOf } from '../settings-options.js';
import type { SessionFlags } from '../soma-session.js';

interface DoctorFlags extends SessionFlags {
  readonly calibrate?: boolean | undefined;
  /** A network name or URL, or `true` for the configured one. */
  readonly network?: string | true | undefined;
  readonly config?: string | undefined;
}

/** `quarry doctor`: checks which engines run here and why, and whether everything needed for mining is in place. */
export function doctorCommand(context: CliContext): Command {
  const command = new Command('doctor')
    .description(
      'show which engines run on this machine and why others do not, whether everything mining needs is in place, and what to do next',
    )
    .option('--json', 'one JSON object')
    .option('--calibrate', 'measure the speed of each engine, about a second per model, and keep the result')
    .option(
      '--network [name|url]',
      'check disk, key, node, clock, models, balance and data host for this network (default: if the settings name what to mine)',
    )
    .option('--account <name>', 'alias or address of the wallet account (default: the active one)')
    .addHelpText(
      'after',
      examples('doctor', 'doctor --calibrate', 'doctor --network', 'doctor --network localnet --json'),
    );
  addSettings(command, [
    ...(['fullnodes', 'keyFile', 'walletDir', 'isa', 'precision', 'onnxProvider', 'threads'] as const),
    ...(['nats', 'natsCreds', 'natsCa', 'fleet'] as const),
    ...HOST_SETTINGS,
  ]);
  return command.action(async ({ network, ...flags }: DoctorFlags) => {
    const named = typeof network === 'string' ? { network } : {};
    const config = await configOf(context, { ...flags, ...named });
    const report = await machineReport(context, config, flags.calibrate ?? false);
    const checks: Check[] = [];
    const isMining = network !== undefined || namesMining(config);
    if (!flags.json) {
      printMachine(context, report);
      if (isMining) say(context, `\n${context.style.bold(`mining ${config.network}`)}`);
    }
    if (isMining) {
      for await (const check of miningChecks(context, config, flags)) {
        checks.push(check);
        if (!flags.json) sayCheck(context, check);
      }
    }
    if (flags.json) {
      const mining = !isMining ? {} : { network: config.network, mining: checks };
      sayJson(context, { ...machineJson(report), ...mining });
    }
    refuseFailures(checks);
    if (!flags.json) say(context, `\nnext: ${nextStep(config, isMining, flags.config)}`);
  });
}

/** Whether the settings configure mining, in which case its checks run without being requested. */
function namesMining({ data, network }: Config): boolean {
  return data !== undefined || network !== SETTINGS.network.default;
}

function nextStep({ data, network }: Config, isMining: boolean, file: string | undefined): string {
  if (!isMining)
    return 'quarry init asks what to mine and writes quarry.yaml; doctor --network testnet checks what mining it needs';
  return data === undefined
    ? `quarry mine --network ${network} --data FILES`
    : `quarry mine${file === undefined ? '' : ` --config ${file}`}`;
}
