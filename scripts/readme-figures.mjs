// Measures and writes the figures of README.md: installed size, start-up cost, time to the first hit. Usage: after npm run build, node scripts/readme-figures.mjs [--packed]
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const root = resolve(import.meta.dirname, '..');
const output = (script, ...args) =>
  execFileSync(process.execPath, [join(root, 'scripts', script), ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });

/** What follows a name in lines such as `ok  NAME: 98.0 MB; …`. */
function sizeAfter(text, name) {
  const [, size] = new RegExp(`${name}: ([\\d.]+) MB`).exec(text);
  return `${Math.round(Number(size))} MB`;
}

/** Seconds from the start of the demo to an event. */
async function secondsTo(wanted) {
  const began = performance.now();
  const args = [join(root, 'bin', 'quarry.js'), 'demo', '--max-accepted', '1', '--json'];
  const demo = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const seconds = new Map();
  for await (const line of createInterface({ input: demo.stdout })) {
    const { event } = JSON.parse(line);
    if (!seconds.has(event)) seconds.set(event, (performance.now() - began) / 1000);
  }
  return wanted.map((event) => {
    if (!seconds.has(event)) throw new Error(`the demo never came to "${event}"`);
    return `${seconds.get(event).toFixed(1)} s`;
  });
}

const startUp = [...output('check-start-up.mjs').matchAll(/^(\S.*?) +\d+ ms {2}([\d.]+) x/gm)];
const packed = output('check-package.mjs', ...process.argv.slice(2));
const [open, hit] = await secondsTo(['started', 'accepted']);
const rows = [
  [
    'installed by `npm install quarry-miner`, with everything that it needs',
    sizeAfter(packed, 'at most \\d+ MB installed'),
  ],
  ['of that, what the SOMA client alone loads from', sizeAfter(packed, 'at most \\d+ MB for the SOMA client')],
  ...startUp.map(([, name, ratio]) => [`processor time of \`${name}\``, `${ratio} x that of \`node -e 0\``]),
  ['`quarry demo` from nothing to open targets: network, models, engine', open],
  ['and to the first accepted submission', hit],
];
const others = Math.round(loadavg()[0]);
const machine = `${cpus()[0].model.trim()}, ${availableParallelism()} cores with a load average of ${others}, Node ${process.versions.node}`;
const table = ['| figure | measured |', '|---|---|', ...rows.map((cells) => `| ${cells.join(' | ')} |`)].join('\n');
const page = join(root, 'README.md');
const text = `<!-- figures -->\nOn ${machine}:\n\n${table}\n<!-- /figures -->`;
writeFileSync(
  page,
  readFileSync(page, 'utf8').replace(/<!-- figures -->[\s\S]*<!-- \/figures -->/, () => text),
);
console.log(text);
