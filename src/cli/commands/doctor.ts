import { cpus, totalmem } from 'node:os';
import { Command } from 'commander';
import {
  candidateName,
  type EngineProbe,
  type EngineSpeeds,
  engineSpeeds,
  probeEngines,
} from '../../engine/choose-engine.js';
import { isaLevels } from '../../engine/native/index.js';
import type { IsaLevel } from '../../native/isa-level.js';
import { probeScanners } from '../../store/index.js';
import { formatBytes, toJsonPretty } from '../../text/index.js';
import { MODEL_CONFIGS } from '../../weights/model-config.js';
import type { CliContext } from '../context.js';
import { fleetProbe } from '../mining/fleet-settings.js';
import { engineOptions } from '../mining/miner-settings.js';
import { addSettings, configOf } from '../settings-options.js';
import { speedFileOf } from '../state-dir.js';
import { versionOf } from '../version.js';

/** `quarry doctor`: what runs here and why. */
export function doctorCommand(context: CliContext): Command {
  const command = new Command('doctor')
    .description('show which engines run on this machine, and why others do not')
    .option('--json', 'one JSON object')
    .option('--calibrate', 'measure how fast each engine is, about a second a model, and keep the result')
    .addHelpText('after', '\nExamples:\n  quarry doctor\n  quarry doctor --calibrate\n  quarry doctor --json');
  addSettings(command, ['isa', 'precision', 'onnxProvider', 'threads', 'stateDir', 'nats', 'natsCreds', 'fleet']);
  return command.action(async (flags: { json?: boolean | undefined; calibrate?: boolean | undefined }) => {
    const config = await configOf(context, { ...flags });
    const { engine: _engine, workers: _workers, ...options } = engineOptions(config);
    const scoring = await probeEngines(options);
    const distance = await probeScanners(config.isa === undefined ? {} : { isa: config.isa as IsaLevel });
    const speeds = new Map<string, EngineSpeeds>();
    for (const [name, shape] of Object.entries(MODEL_CONFIGS)) {
      const measured = { ...options, speedFile: speedFileOf(config, context.env), signal: context.signal };
      speeds.set(name, await engineSpeeds(measured, shape, flags.calibrate ? 'always' : 'never'));
    }
    const machine = {
      quarry: versionOf(),
      node: process.version,
      platform: `${process.platform}-${process.arch}`,
      processor: cpus()[0]?.model.trim() ?? 'unknown',
      cores: cpus().length,
      memoryBytes: totalmem(),
    };
    const fleet = config.nats === undefined ? undefined : await fleetProbe(config);
    if (flags.json) {
      const plain = (probe: EngineProbe): object =>
        probe.available ? probe : { ...probe, error: probe.error.toJSON() };
      const measured = [...speeds].flatMap(([model, { candidates, measuredAt }]) =>
        measuredAt === undefined ? [] : [[model, { measuredAt, engines: candidates.map(plain) }] as const],
      );
      const levels = isaLevels();
      const report = {
        machine,
        scoring: scoring.map(plain),
        levels,
        speeds: Object.fromEntries(measured),
        distance,
        fleet,
      };
      context.stdout.write(`${toJsonPretty(report)}\n`);
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
    const levels = isaLevels();
    if (levels.length > 0) write(`\n${bold('instruction sets of the native core')}`);
    for (const { name, available, detail } of levels) {
      write(`  ${available ? green('yes') : yellow('no ')}  ${name.padEnd(10)} ${detail}`);
    }
    write(`\n${bold('speeds')}, chunks of 1024 bytes a second, estimated from one layer`);
    for (const [model, { candidates, measuredAt }] of speeds) {
      write(
        `  ${model.padEnd(15)} ${measuredAt === undefined ? dim('not measured: add --calibrate') : speedsText(candidates)}`,
      );
    }
    write(`\n${bold('distance engines')}`);
    for (const { name, available, detail } of distance) {
      write(`  ${available ? green('yes') : yellow('no ')}  ${name.padEnd(10)} ${detail}`);
    }
    if (fleet !== undefined) {
      write(`\n${bold('fleet')}`);
      write(`  ${fleet.available ? green('yes') : yellow('no ')}  ${'nats'.padEnd(10)} ${fleet.detail}`);
    }
    const running = scoring.find((probe) => probe.available)?.name ?? 'nothing';
    const fastest = [...speeds].flatMap(([model, { candidates, measuredAt }]) =>
      measuredAt === undefined || candidates[0] === undefined ? [] : [`${model} with ${candidateName(candidates[0])}`],
    );
    write(`\nauto scores ${fastest.length === 0 ? `with ${running} where it is fastest` : fastest.join(', ')}`);
  });
}

/** Speeds in three digits, fastest first, and what failed at the model. */
function speedsText(candidates: EngineSpeeds['candidates']): string {
  return candidates
    .flatMap((each) => {
      if (!each.available) return [];
      return each.chunksPerSecond === undefined
        ? []
        : [`${candidateName(each)} ${Number(each.chunksPerSecond.toPrecision(3))}`];
    })
    .join(', ');
}
