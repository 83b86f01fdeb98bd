import { candidateName, type EngineSpeeds } from '../../engine/calibration/engine-speeds.js';
import type { GpuProvider } from '../../engine/onnx/requirements/index.js';
import { formatBytes } from '../../text/index.js';
import type { CliContext } from '../context.js';
import { say } from '../print.js';
import type { MachineReport } from './machine-report.js';
import { scannerText, scanText } from './scan-report.js';

interface Line {
  readonly name: string;
  readonly available: boolean;
  readonly detail: string;
  readonly hint?: string | undefined;
}

/** Prints the report for people. */
export function printMachine(context: CliContext, report: MachineReport): void {
  const { machine, scoring, provider, adapter, providers, levels, speeds, distance, scan, fleet } = report;
  const { bold, dim } = context.style;
  say(context, `quarry ${machine.quarry}, node ${machine.node}, ${machine.platform}`);
  say(context, `${machine.processor}, ${machine.cores} cores, ${formatBytes(machine.memoryBytes)}`);
  section(
    context,
    'scoring engines',
    scoring.map((probe): Line => {
      if (probe.available) return { ...probe, detail: `${probe.device}, ${probe.precision}` };
      return { ...probe, detail: probe.error.message, hint: probe.error.hint };
    }),
  );
  const providerLines = providers.map(providerLine);
  section(context, 'GPU providers of onnxruntime', providerLines);
  if (provider.reason !== undefined) {
    // The lines above say why.
    say(context, `  auto chooses ${provider.provider}${providers.length === 0 ? `: ${provider.reason}` : ''}`);
  }
  section(context, 'instruction sets of the native core', levels);
  say(context, `\n${bold('speeds')}, chunks of 1024 bytes a second, estimated from one layer`);
  for (const [model, { candidates, measuredAt }] of speeds) {
    const text = measuredAt === undefined ? dim('not measured: add --calibrate') : speedsText(candidates);
    say(context, `  ${model.padEnd(15)} ${text}`);
  }
  section(
    context,
    'distance engines',
    distance.map((probe): Line => {
      const text = scannerText(probe);
      const isTold = !adapter.available && providerLines.some(({ detail }) => detail.includes(adapter.reason));
      const detail = isTold ? text.replace(` (${adapter.reason})`, '') : text;
      return { name: probe.name, available: probe.available, detail };
    }),
  );
  say(context, `  ${scan === undefined ? dim('not measured: add --calibrate') : scanText(scan)}`);
  if (fleet !== undefined) section(context, 'fleet', [{ name: 'nats', ...fleet }]);
  const running = scoring.find((probe) => probe.available)?.name ?? 'nothing';
  const fastest = [...speeds].flatMap(([model, { candidates, measuredAt }]) =>
    measuredAt === undefined || candidates[0] === undefined ? [] : [`${model} with ${candidateName(candidates[0])}`],
  );
  say(context, `\nauto scores ${fastest.length === 0 ? `with ${running} where it is fastest` : fastest.join(', ')}`);
}

/** A provider with its first unmet requirement. */
function providerLine({ provider, requirements }: GpuProvider): Line {
  const unmet = requirements.filter(({ met }) => !met);
  const [first, ...others] = unmet;
  if (first === undefined) {
    const found = requirements.map(({ name, detail }) => `${name} ${detail}`);
    return { name: provider, available: true, detail: found.join(', ') };
  }
  const more = others.length === 0 ? '' : `; also ${others.map(({ name }) => name).join(', ')}`;
  return { name: provider, available: false, detail: `${first.name}: ${first.detail}${more}`, hint: first.cure };
}

function section(context: CliContext, title: string, lines: readonly Line[]): void {
  if (lines.length === 0) return;
  const { bold, green, yellow, dim } = context.style;
  say(context, `\n${bold(title)}`);
  for (const { name, available, detail, hint } of lines) {
    say(context, `  ${available ? green('yes') : yellow('no ')}  ${name.padEnd(10)} ${detail}`);
    if (hint !== undefined) say(context, dim(`       ${''.padEnd(10)} ${hint}`));
  }
}

/** Speeds with three digits, fastest first, without engines that failed on the model. */
function speedsText(candidates: EngineSpeeds['candidates']): string {
  return candidates
    .flatMap((each) =>
      each.available && each.chunksPerSecond !== undefined
        ? [`${candidateName(each)} ${Number(each.chunksPerSecond.toPrecision(3))}`]
        : [],
    )
    .join(', ');
}
