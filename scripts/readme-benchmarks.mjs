// Writes the benchmark table of README.md from bench/results/*.json (`quarry bench NAME --save bench/results`).
// With --check it only says whether the table is current.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const dir = join(root, 'bench', 'results');
const files = readdirSync(dir)
  .filter((name) => name.endsWith('.json'))
  .sort();
const saved = files.map((name) => JSON.parse(readFileSync(join(dir, name), 'utf8')));

const number = (value) => {
  for (const [limit, suffix] of [
    [1e12, 'T'],
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ]) {
    if (Math.abs(value) >= limit) return `${(value / limit).toPrecision(3)} ${suffix}`;
  }
  return `${Number(value.toPrecision(3))} `;
};
const percent = (ratio) => (ratio == null ? '' : `${Math.round(ratio * 100)} %`);

/** Results of the common shape: value beside limit, error and peer. */
function measured(results) {
  const rows = results.map((r) => [
    r.case,
    [r.engine, r.isa, r.precision, r.threads == null ? null : `${r.threads} thr`].filter(Boolean).join(', '),
    r.value == null ? `skipped: ${r.note ?? ''}` : `${number(r.value)}${r.unit}`,
    percent(r.ratio),
    r.error == null ? '' : r.error.toExponential(0),
    r.peer == null ? '' : `${r.peerRatio == null ? '' : `${r.peerRatio.toFixed(2)} x `}${r.peer}`,
  ]);
  return table(['case', 'engine', 'measured', 'of limit', 'error', 'against'], rows);
}

/** Results of a shape of their own: every field is a column. */
function free(results) {
  const keys = [...new Set(results.flatMap(Object.keys))].filter((key) => key !== 'bench');
  const cell = (value) => (typeof value === 'number' ? String(Number(value.toPrecision(3))) : String(value ?? ''));
  return table(
    keys,
    results.map((result) => keys.map((key) => cell(result[key]))),
  );
}

function table(header, rows) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(header), `|${header.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

const text = saved
  .map(({ machine, command, results }) => {
    const body = results.every((result) => 'value' in result) ? measured(results) : free(results);
    return `\`${command}\` on ${machine}:\n\n${body}`;
  })
  .join('\n\n');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const next = readme.replace(/<!-- bench -->[\s\S]*<!-- \/bench -->/, () => `<!-- bench -->\n${text}\n<!-- /bench -->`);
if (process.argv.includes('--check')) {
  if (next !== readme) {
    console.error(
      'the benchmark table of README.md is not that of bench/results: run node scripts/readme-benchmarks.mjs',
    );
    process.exitCode = 1;
  } else console.log(`benchmark table: ${files.length} result files, current`);
} else writeFileSync(join(root, 'README.md'), next);
