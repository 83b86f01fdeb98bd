import { execFile } from 'node:child_process';
import { existsSync, truncateSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createNativeScoringEngine, loadAddon } from '../../src/engine/native/index.js';
import { addonFiles } from '../../src/native/addon-file.js';
import { createNativeScanner } from '../../src/store/index.js';
import { MODEL_CONFIGS, type ModelConfig } from '../../src/weights/model-config.js';
import { openSafetensors } from '../../src/weights/safetensors.js';
import { mixedBytes, weightsBytes } from './models.js';

// What is wrong here would end this process, not fail an expectation.

const TINY: ModelConfig = { ...MODEL_CONFIGS.small, sequenceLength: 32 };
const core = loadAddon() as unknown as Record<string, (...args: unknown[]) => unknown>;
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'quarry-wrong-calls-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test('never takes one kind of object for another', () => {
  const hasher = core['blake2bCreate']!('serial');
  const scanner = core['distanceOpen']!('serial', 1);
  for (const stranger of [scanner, {}, null, 1, undefined, Object.create(hasher as object)]) {
    expect(() => core['blake2bUpdate']!(stranger, new Uint8Array(8))).toThrow(TypeError);
  }
  for (const stranger of [hasher, {}, null, 1]) {
    expect(() => core['distanceRelease']!(stranger, [])).toThrow(TypeError);
    expect(() => core['prepareModel']!(stranger, 'f32')).toThrow(TypeError);
  }
});

test('closes an object again, and nothing of another kind', () => {
  const pool = core['composePoolOpen']!('serial', 1, 1);
  core['composePoolClose']!(pool);
  expect(core['composePoolClose']!(pool)).toBeUndefined();
  for (const close of ['closeModel', 'composePoolClose', 'weightsStreamClose']) {
    for (const stranger of [core['blake2bCreate']!('serial'), {}, null, undefined]) {
      expect(() => core[close]!(stranger)).toThrow(TypeError);
    }
  }
});

test.skipIf(process.platform !== 'linux')('throws when there is no memory for a copy of its arguments', async () => {
  // Maps 1 GiB that the call would copy, then leaves itself half of that: Node's own threads take some of it.
  const program = `
    const core = require(process.argv[1]);
    const scanner = core.distanceOpen('serial', 1);
    const scan = { targets: new Float32Array(1 << 28), thresholds: new Float32Array(16), mode: 0, limit: 1, from: 0, to: 0, sync: true };
    const [, mapped] = /VmSize:\\s+(\\d+) kB/.exec(require('node:fs').readFileSync('/proc/self/status', 'utf8'));
    require('node:child_process').execFileSync('prlimit', ['--pid', process.pid, '--as=' + (mapped * 1024 + (1 << 29))]);
    try {
      core.distanceScanRows(scanner, new Float32Array(0), 1 << 24, scan);
    } catch (error) {
      console.log(error.code);
    }`;
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', program, addonFiles().find(existsSync)!]);
  expect(stdout).toBe('OUT_OF_MEMORY\n');
});

test('refuses sizes whose product overflows to the length given', () => {
  const none = new Float32Array(0);
  const four = new Float32Array(4);
  expect(() => core['layerNorm']!('serial', 2 ** 62, none, four, four, none)).toThrow(TypeError);
  expect(() => core['layerNorm']!('serial', 1, none, none, none, none)).toThrow(TypeError);
  expect(() => core['gemm']!('serial', 'f32', 2 ** 32, 2 ** 32, 2 ** 32, none, none, none)).toThrow(TypeError);
  expect(() => core['benchGemm']!('serial', 'f32', 2 ** 40, 1, 1, 1, 1)).toThrow(TypeError);
  const scan = { targets: none, thresholds: none, mode: 0, limit: 1, from: 0, to: 1, sync: true };
  expect(() => core['distanceScanRows']!(core['distanceOpen']!('serial', 1), none, -1, scan)).toThrow(TypeError);
});

test('refuses places of tensors that are not whole numbers a file can have', () => {
  const sizes = { embedding: 8, heads: 2, layers: 0, hidden: 8, vocabulary: 258, tokens: 4, batch: 1, threads: 1 };
  const spec = { ...sizes, isa: 'serial', path: 'x', cacheDir: '', checksum: 'sum' };
  const create = (tensors: number[]) => core['createModel']!({ ...spec, tensors: new Float64Array(tensors) });
  expect(() => create([1, 0, 32])).not.toThrow();
  for (const wrong of [Number.NaN, -1, 0.5, 2 ** 64, 1e300, Number.POSITIVE_INFINITY]) {
    expect(() => create([1, wrong, 32])).toThrow(TypeError);
    expect(() => create([1, 0, wrong])).toThrow(TypeError);
    expect(() => create([wrong, 0, 32])).toThrow(TypeError);
  }
  expect(() => create([1, 0, 32, 1])).toThrow(TypeError);
});

test('refuses a model whose bytes overflow', () => {
  const wide = { embedding: 2 ** 20, heads: 2, hidden: 2 ** 20, vocabulary: 258, tokens: 4, batch: 1, threads: 1 };
  const spec = { ...wide, isa: 'serial', path: 'x', cacheDir: '', checksum: 'sum', tensors: new Float64Array(0) };
  expect(() => core['createModel']!({ ...spec, layers: 2 ** 16 })).not.toThrow();
  expect(() => core['createModel']!({ ...spec, layers: 699_051 })).toThrow(TypeError);
});

test('packs again when the packed file was cut short under a loaded model', async () => {
  const file = path.join(directory, 'model.safetensors');
  await writeFile(file, weightsBytes(TINY));
  const weights = await openSafetensors(file);
  const cacheDir = path.join(directory, 'cache');
  const model = await createNativeScoringEngine({ cacheDir }).load(weights, TINY);
  const before = await model.score([mixedBytes(70)]);
  for (const name of await readdir(cacheDir)) {
    if (!name.endsWith('.json')) truncateSync(path.join(cacheDir, name), 4096);
  }
  expect(await model.score([mixedBytes(70)])).toEqual(before);
  await model.close();
  await weights.close();
});

test('says that a scanned file was cut short, after it was mapped', async () => {
  const [f32Path, bf16Path] = ['f32.bin', 'bf16.bin'].map((name) => path.join(directory, name)) as [string, string];
  const rows = 4096;
  await writeFile(f32Path, new Float32Array(rows * 16).fill(1).map(Number));
  await writeFile(bf16Path, new Uint16Array(rows * 16).fill(0x3f80));
  const scanner = createNativeScanner();
  const selection = {
    sources: [{ f32Path, bf16Path, rows }],
    tables: new Uint8Array(rows),
    rows: Uint32Array.from({ length: rows }, (_, n) => n),
    count: rows,
    dim: 16,
  };
  const targets = { data: new Float32Array(16).fill(1), thresholds: Float32Array.of(0.5), targets: 1, dim: 16 };
  expect(await scanner.scan(selection, targets, { mode: 'all' })).toHaveLength(rows);
  truncateSync(bf16Path, 4096);
  await expect(scanner.scan(selection, targets, { mode: 'all' })).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
  await scanner.close();
});
