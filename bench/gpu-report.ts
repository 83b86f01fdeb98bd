// The entry of bench/gpu.sh: measures and writes one JSON file, rewritten after every case.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { toQuarryError } from '../src/errors/index.js';
import { run } from './gpu.js';
import type { BenchResult } from './result.js';

/** The whole takes less than five minutes; what is not done by then is left out, and the file says so. */
const LIMIT_MS = 270_000;

const [file = 'gpu-result.json', ...flags] = process.argv.slice(2);
const began = performance.now();
const results: BenchResult[] = [];

function write(status: 'running' | 'done' | 'failed', problem?: string): void {
  const report = {
    status,
    ...(problem !== undefined && { problem }),
    measuredAt: new Date().toISOString(),
    seconds: Number(((performance.now() - began) / 1000).toFixed(1)),
    machine: {
      processor: `${cpus()[0]?.model.trim() ?? 'unknown'}, ${cpus().length} cores`,
      system: `${process.platform}-${process.arch} ${release()}`,
      node: process.versions.node,
      nvidia: nvidia(),
    },
    results,
  };
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
}

/** What NVIDIA's tool says of each GPU; null without it. */
function nvidia(): string[] | null {
  try {
    const fields = 'name,driver_version,memory.total,clocks.max.sm,clocks.max.mem,power.limit';
    const query = [`--query-gpu=${fields}`, '--format=csv,noheader'];
    const said = execFileSync('nvidia-smi', query, { stdio: ['ignore', 'pipe', 'ignore'], timeout: 10_000 });
    return said.toString().trim().split('\n');
  } catch {
    return null;
  }
}

// A shader that never ends cannot be interrupted; earlier results are in the file.
const limit = setTimeout(() => {
  write('failed', 'the time was up');
  process.exit(1);
}, LIMIT_MS);

try {
  write('running');
  for await (const result of run({ quick: flags.includes('--quick') })) {
    results.push(result);
    write('running');
    const ratio = result.ratio === null ? '' : `, ${(100 * result.ratio).toFixed(1)} % of the limit`;
    const value = result.value === null ? '' : `${result.value.toExponential(3)} ${result.unit}${ratio}`;
    console.log([result.case, result.precision, value, result.note].filter(Boolean).join('  '));
  }
  write('done');
} catch (error) {
  const { code, message, hint } = toQuarryError(error, 'measuring the GPU');
  write('failed', `${code}: ${message}`);
  console.error(`${code}: ${message}${hint === undefined ? '' : `\n${hint}`}`);
  process.exitCode = 1;
}
clearTimeout(limit);
// The device would keep the process alive.
process.exit();
