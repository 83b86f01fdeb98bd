import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Command, Option } from 'commander';
import type { BenchResult } from '../../../bench/result.js';
import { QuarryError } from '../../errors/index.js';
import { packageRoot } from '../../package/package-root.js';
import { type Column, formatRate, renderTable, toJsonPretty } from '../../text/index.js';
import type { CliContext } from '../context.js';
import { say, sayJson, tell } from '../print.js';
import { checkFolders, chunksArgument, targetsArgument, threadsArgument } from './bench/options.js';

/** Benchmarks by name; each is a module in bench/ with a `run` that yields one object per case. */
const BENCHES = [
  'gemm',
  'forward',
  'distance',
  'weights',
  'rng',
  'store',
  'race',
  'burst',
  'outage',
  'load',
  'sdk',
  'reach',
  'compose',
  'search',
  'joined',
  'fleet',
  'gpu',
  'rounding',
] as const;
/** Benchmarks run by default: short, and without external requirements. */
const DEFAULT_BENCHES = ['gemm', 'distance', 'weights', 'rng'] as const;

/** Options passed to every benchmark; each uses those it supports. Types mirror bench/result.ts and the benchmarks. */
interface BenchModuleOptions {
  readonly json: boolean;
  readonly quick: boolean;
  readonly signal: AbortSignal;
  readonly full?: boolean | undefined;
  readonly peers?: false | undefined;
  readonly python?: string | undefined;
  readonly threads?: readonly number[] | undefined;
  readonly chunks?: readonly number[] | undefined;
  readonly directory?: string | undefined;
  readonly modelsDir?: string | undefined;
  readonly targets?: number | undefined;
}

interface BenchModule {
  run(options: BenchModuleOptions): AsyncIterable<Record<string, unknown>>;
  /** Plots the results as SVG. */
  plot?(results: readonly Record<string, unknown>[]): string;
}

interface BenchFlags {
  readonly json?: boolean | undefined;
  readonly quick?: boolean | undefined;
  readonly full?: boolean | undefined;
  readonly save?: string | undefined;
  /** False with --no-peers. */
  readonly peers: boolean;
  readonly python?: string | undefined;
  readonly threads?: readonly number[] | undefined;
  readonly chunks?: readonly number[] | undefined;
  readonly directory?: string | undefined;
  readonly modelsDir?: string | undefined;
  readonly targets?: number | undefined;
}

/** `quarry bench`: measures speeds relative to the machine's own limits. */
export function benchCommand(context: CliContext): Command {
  return new Command('bench')
    .description('measure speed against the limits of this machine, after checking the results')
    .argument('[name...]', `${BENCHES.join(', ')} (default: ${DEFAULT_BENCHES.join(', ')})`)
    .option('--json', 'one object per case')
    .option('--quick', 'smaller shapes and fewer repetitions')
    .option(
      '--full',
      'forward: all 24 layers, which takes 12 GB of disk, as much memory, and minutes; reach: up to 3,000 rows and V1 with two layers, an hour',
    )
    .option('--threads <list>', 'gemm, forward, distance: thread counts (default: 1 and all)', threadsArgument)
    .option('--chunks <list>', 'forward: chunks of 1,024 bytes in a sample (default: 1)', chunksArgument)
    .option('--directory <path>', 'forward, reach, search: keep the generated model or the scores there for later runs')
    .addOption(
      new Option(
        '--models-dir <path>',
        'reach, search, joined, rounding: folder of trained models, medium-trained-1.safetensors to -3',
      ).env('QUARRY_BENCH_MODELS'),
    )
    .option(
      '--targets <n>',
      'search: targets searched for (default: 50); joined: compositions (default: 1,000)',
      targetsArgument,
    )
    .option('--python <path>', 'Python interpreter with the peer libraries (default: python3)')
    .option('--no-peers', 'skip other libraries')
    .option('--save <directory>', 'also write the results there, one JSON file per bench')
    .addHelpText(
      'after',
      '\nExamples:\n  quarry bench\n  quarry bench forward --json\n' +
        '  quarry bench forward --full --python peers/bin/python\n  quarry bench race',
    )
    .action(async (names: string[], flags: BenchFlags) => {
      const unknown = names.find((name) => !BENCHES.some((bench) => bench === name));
      if (unknown !== undefined) {
        throw new QuarryError('USAGE', `unknown bench "${unknown}"`, { hint: `choose from ${BENCHES.join(', ')}` });
      }
      const chosen = names.length > 0 ? names : DEFAULT_BENCHES;
      checkFolders(chosen, flags);
      for (const name of chosen) await runBench(context, name, flags);
    });
}

async function runBench(context: CliContext, name: string, flags: BenchFlags): Promise<void> {
  const path = join(packageRoot(), 'dist', 'bench', `${name}.js`);
  if (!existsSync(path))
    throw new QuarryError('UNSUPPORTED', `the bench ${name} is not built`, { hint: 'run: npm run build' });
  const module = (await import(pathToFileURL(path).href)) as BenchModule;
  const results: Record<string, unknown>[] = [];
  const { json = false, quick = false, peers, save: _save, ...chosen } = flags;
  const options = { ...chosen, json, quick, signal: context.signal, ...(!peers && { peers: false as const }) };
  for await (const result of module.run(options)) {
    // A case in progress replaces its previous partial result.
    if (results.at(-1)?.['partial'] === true && results.at(-1)?.['case'] === result['case']) results.pop();
    results.push(result);
    if (flags.json) sayJson(context, result);
    else tell(context, `  ${progressOf(result)}`);
    // Save after every case, so that a long run that ends early keeps its measurements.
    if (flags.save !== undefined) await save(flags.save, name, flags, results);
  }
  if (!flags.json) say(context, `${tableOf(name, results)}\n${skippedPeers(results)}`);
  if (flags.save !== undefined && module.plot !== undefined) {
    await writeFile(join(flags.save, `${name}.svg`), module.plot(results));
  }
}

async function save(
  directory: string,
  name: string,
  { full = false, quick = false }: BenchFlags,
  results: readonly Record<string, unknown>[],
): Promise<void> {
  const machine = `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.versions.node}`;
  const saved = { machine, command: `quarry bench ${name}${full ? ' --full' : ''}${quick ? ' --quick' : ''}`, results };
  await writeFile(join(directory, `${name}${full ? '-full' : ''}.json`), `${toJsonPretty(saved)}\n`);
}

/** One line while a benchmark runs; a skipped peer is listed with the reason. */
function progressOf(result: Record<string, unknown>): string {
  const done = `${String(result['bench'])}  ${String(result['case'])}`;
  const against = typeof result['peer'] === 'string' ? `  ${result['peer']}` : '';
  return `${done}${against}${result['value'] === null ? `  ${String(result['note'] ?? 'skipped')}` : ''}`;
}

/** Lists each peer that did not run, with the reason. */
function skippedPeers(results: readonly Record<string, unknown>[]): string {
  const lines = results
    .filter((result) => result['value'] === null && typeof result['peer'] === 'string')
    .map((result) => `${result['peer']}: ${String(result['note'] ?? 'skipped')}\n`);
  return [...new Set(lines)].join('');
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
    value: (r) => {
      if (r.value !== null) return `${formatRate(r.value)} ${r.unit}`;
      return r.peer === null ? (r.note ?? 'skipped') : 'skipped';
    },
    align: 'right',
  },
  { header: 'limit', value: (r) => (r.limit === null ? undefined : formatRate(r.limit)), align: 'right' },
  { header: 'of limit', value: (r) => percent(r.ratio), align: 'right' },
  { header: 'error', value: (r) => r.error?.toExponential(1), align: 'right' },
  { header: 'peer', value: (r) => r.peer },
  { header: 'x peer', value: (r) => r.peerRatio?.toFixed(2), align: 'right' },
];
