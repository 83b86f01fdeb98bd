import { cpus, totalmem } from 'node:os';
import { Command } from 'commander';
import { probeEngines } from '../../engine/choose-engine.js';
import type { IsaLevel } from '../../engine/engine-spec.js';
import { formatBytes, toJsonPretty } from '../../output/index.js';
import { probeScanners } from '../../store/index.js';
import type { CliContext } from '../context.js';
import { engineWishes } from '../mining/miner-settings.js';
import { addSettings, configOf } from '../settings-options.js';
import { versionOf } from '../version.js';

/** `quarry doctor`: what runs here and why. */
export function doctorCommand(context: CliContext): Command {
  const command = new Command('doctor')
    .description('show which engines run on this machine, and why others do not')
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExamples:\n  quarry doctor\n  quarry doctor --json');
  addSettings(command, ['isa', 'precision', 'provider', 'threads']);
  return command.action(async (flags: { json?: boolean }) => {
    const config = await configOf(context, { ...flags });
    const { engine: _engine, workers: _workers, ...wishes } = engineWishes(config);
    const scoring = await probeEngines(wishes);
    const distance = await probeScanners(config.isa === undefined ? {} : { isa: config.isa as IsaLevel });
    const machine = {
      quarry: versionOf(),
      node: process.version,
      platform: `${process.platform}-${process.arch}`,
      processor: cpus()[0]?.model.trim() ?? 'unknown',
      cores: cpus().length,
      memoryBytes: totalmem(),
    };
    if (flags.json) {
      const plain = scoring.map((probe) => (probe.available ? probe : { ...probe, error: probe.error.toJSON() }));
      context.stdout.write(`${toJsonPretty({ machine, scoring: plain, distance })}\n`);
      return;
    }
    const { bold, green, yellow, dim } = context.style;
    const write = (text: string): void => void context.stdout.write(`${text}\n`);
    write(`quarry ${machine.quarry}, node ${machine.node}, ${machine.platform}`);
    write(`${machine.processor}, ${machine.cores} cores, ${formatBytes(machine.memoryBytes)}`);
    write(`\n${bold('scoring engines')}`);
    for (const probe of scoring) {
      if (probe.available) write(`  ${green('yes')}  ${probe.name.padEnd(10)} ${probe.device}, ${probe.precision}`);
      else {
        write(`  ${yellow('no ')}  ${probe.name.padEnd(10)} ${probe.error.message}`);
        if (probe.error.hint !== undefined) write(dim(`       ${''.padEnd(10)} ${probe.error.hint}`));
      }
    }
    write(`\n${bold('distance engines')}`);
    for (const { name, available, detail } of distance) {
      write(`  ${available ? green('yes') : yellow('no ')}  ${name.padEnd(10)} ${detail}`);
    }
    write(`\nauto scores with ${scoring.find((probe) => probe.available)?.name ?? 'nothing'}`);
  });
}
