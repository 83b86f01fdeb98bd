import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Command } from 'commander';
import type { BenchResult } from '../../../bench/result.js';
import { QuarryError } from '../../errors/index.js';
import { type Column, formatRate, renderTable, toJsonLine, toJsonPretty } from '../../output/index.js';
import type { CliContext } from '../context.js';
import { packageRoot } from '../package-root.js';

/** Benches by name; each is a module of bench/ with a `run` that yields one object a case. */
const BENCHES = ['gemm', 'forward', 'distance', 'weights', 'rng', 'store', 'race', 'sdk'] as const;
/** What runs when none is named: short, and needing nothing but this machine. */
const DEFAULT_BENCHES = ['gemm', 'distance', 'weights', 'rng'] as const;

interface BenchModule {
  run(options: { json?: boolean; quick?: boolean; signal?: AbortSignal }): AsyncIterable<Record<string, unknown>>;
}

/** `quarry bench`: how fast, beside the machine's own limit. */
export function benchCommand(context: CliContext): Command {
  return new Command('bench')
    .description('measure speed beside the limits of this machine, after checking the results')
    .argument('[name...]', `${BENCHES.join(', ')} (default: ${DEFAULT_BENCHES.join(', ')})`)
    .option('--json', 'one object a case')
    .option('--quick', 'smaller shapes and fewer repetitions')
    .option('--save <directory>', 'also write the results there, one JSON file a bench')
    .addHelpText('after', '\nExamples:\n  quarry bench\n  quarry bench forward --json\n  quarry bench race')
    .action(async (names: string[], flags: { json?: boolean; quick?: boolean; save?: string }) => {
      const unknown = names.find((name) => !BENCHES.some((bench) => bench === name));
      if (unknown !== undefined) {
        throw new QuarryError('USAGE', `there is no bench "${unknown}"`, { hint: `choose from ${BENCHES.join(', ')}` });
      }
      for (const name of names.length > 0 ? names : DEFAULT_BENCHES) await runBench(context, name, flags);
    });
}

async function runBench(
  context: CliContext,
  name: string,
  flags: { json?: boolean; quick?: boolean; save?: string },
): Promise<void> {
  const path = join(packageRoot(), 'dist', 'bench', `${name}.js`);
  if (!existsSync(path))
    throw new QuarryError('UNSUPPORTED', `the bench ${name} is not built`, { hint: 'run: npm run build' });
  const module = (await import(pathToFileURL(path).href)) as BenchModule;
  const results: Record<string, unknown>[] = [];
  const options = { json: flags.json ?? false, quick: flags.quick ?? false, signal: context.signal };
  for await (const result of module.run(options)) {
    results.push(result);
    if (flags.json) context.stdout.write(`${toJsonLine(result)}\n`);
    else context.stderr.write(`  ${String(result['bench'])}  ${String(result['case'])}\n`);
  }
  if (!flags.json) context.stdout.write(`${tableOf(name, results)}\n\n`);
  if (flags.save !== undefined) {
    await mkdir(flags.save, { recursive: true });
    const machine = `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.versions.node}`;
    const saved = { machine, command: `quarry bench ${name}${flags.quick ? ' --quick' : ''}`, results };
    await writeFile(join(flags.save, `${name}.json`), `${toJsonPretty(saved)}\n`);
  }
}

function tableOf(name: string, results: readonly Record<string, unknown>[]): string {
  if (results.every((result) => 'value' in result)) return renderTable(results as unknown as BenchResult[], COLUMNS);
  const headers = [...new Set(results.flatMap((result) => Object.keys(result)))].filter((key) => key !== 'bench');
  const columns = headers.map(
    (header): Column<Record<string, unknown>> => ({
      header,
      value: (row) =>
        typeof row[header] === 'number' ? Number((row[header] as number).toFixed(3)) : String(row[header] ?? '-'),
      align: header === 'case' ? 'left' : 'right',
    }),
  );
  return `${name}\n${renderTable(results, columns)}`;
}

const percent = (ratio: number | null): string | undefined =>
  ratio === null ? undefined : `${(ratio * 100).toFixed(0)} %`;
const COLUMNS: readonly Column<BenchResult>[] = [
  { header: 'bench', value: (r) => r.bench },
  { header: 'case', value: (r) => r.case },
  { header: 'engine', value: (r) => [r.engine, r.isa].filter((part) => part !== null).join(' ') },
  { header: 'precision', value: (r) => r.precision },
  { header: 'threads', value: (r) => r.threads, align: 'right' },
  {
    header: 'value',
    value: (r) => (r.value === null ? (r.note ?? 'skipped') : `${formatRate(r.value)} ${r.unit}`),
    align: 'right',
  },
  { header: 'limit', value: (r) => (r.limit === null ? undefined : formatRate(r.limit)), align: 'right' },
  { header: 'of limit', value: (r) => percent(r.ratio), align: 'right' },
  { header: 'error', value: (r) => r.error?.toExponential(1), align: 'right' },
  { header: 'peer', value: (r) => r.peer },
  { header: 'x peer', value: (r) => r.peerRatio?.toFixed(2), align: 'right' },
];
