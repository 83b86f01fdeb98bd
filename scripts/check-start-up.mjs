// Compares the processor time of starting with that of bare node: the least of several runs, interleaved so that a busy
// moment affects all alike. Exits with 1 when a limit is exceeded. Usage: after npm run build,
// node scripts/check-start-up.mjs
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const RUNS = 9;
const root = resolve(import.meta.dirname, '..');
const quarry = resolve(root, 'bin', 'quarry.js');
const report = resolve(import.meta.dirname, 'report-cpu.cjs');

/** Name, arguments of node, and how many times bare node's time it may take. */
const CASES = [
  { name: 'node -e 0', args: ['-e', '0'] },
  { name: 'quarry --version', args: [quarry, '--version'], limit: 3 },
  { name: 'quarry --help', args: [quarry, '--help'], limit: 5 },
  {
    name: "import 'quarry-miner'",
    args: [
      '--input-type=module',
      '-e',
      `import ${JSON.stringify(pathToFileURL(resolve(root, 'dist/src/index.js')).href)}`,
    ],
    limit: 5,
  },
];

/** Microseconds of processor time of one run. */
function once({ name, args }) {
  const { status, output } = spawnSync(process.execPath, ['--require', report, ...args], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${name} ended with status ${status}`);
  return Number(output[3]);
}

const least = new Map(CASES.map((one) => [one, Number.POSITIVE_INFINITY]));
for (let run = 0; run < RUNS; run++) {
  for (const one of CASES) least.set(one, Math.min(least.get(one), once(one)));
}
const bare = least.get(CASES[0]);
for (const [{ name, limit }, micros] of least) {
  const ratio = micros / bare;
  const judged = limit === undefined ? '' : `${ratio.toFixed(2)} x, at most ${limit} x`;
  console.log(`${name.padEnd(24)} ${(micros / 1000).toFixed(0).padStart(5)} ms  ${judged}`);
  if (limit !== undefined && ratio > limit) process.exitCode = 1;
}
