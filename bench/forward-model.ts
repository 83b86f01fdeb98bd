import { open, readdir, statfs } from 'node:fs/promises';
import path from 'node:path';
import { createJsEngine } from '../src/engine/js/index.js';
import { createNativeScoringEngine, type NativeScoringOptions } from '../src/engine/native/index.js';
import { QuarryError } from '../src/errors/index.js';
import { makeDirectory } from '../src/files/make-directory.js';
import { generateWeights } from '../src/weights/generate.js';
import type { ModelConfig } from '../src/weights/model-config.js';
import { openSafetensors } from '../src/weights/safetensors.js';
import { v1Tensors } from '../src/weights/v1-layout.js';
import { relativeError } from './score-error.js';

/** File system type of Linux for files held in memory. */
const TMPFS = 0x01021994;

/** Bytes of a model's weights in f32. */
export function weightBytes(config: ModelConfig): number {
  return v1Tensors(config).reduce((sum, { shape }) => sum + 4 * shape.reduce((product, size) => product * size, 1), 0);
}

/**
 * Checks that a model of this size can be generated, packed and scored here: the file, its two packed forms (f32 as
 * large again, bf16 half of it), and in memory the largest form, or for a peer the file and its copy of it.
 *
 * @param peers whether peers run as well
 * @throws QuarryError `DISK_FULL` when the folder has too little space
 * @throws QuarryError `UNSUPPORTED` when too little memory is free
 */
export async function assertRoom(config: ModelConfig, directory: string, peers: boolean): Promise<void> {
  const bytes = weightBytes(config);
  makeDirectory(directory);
  const { bavail, bsize, type } = await statfs(directory);
  const lying = (await readdir(directory)).length > 0;
  const disk = { needed: 2.5 * bytes + 2 ** 28, free: bavail * bsize };
  if (!lying && disk.free < disk.needed) {
    throw new QuarryError(
      'DISK_FULL',
      `the bench needs ${gigabytes(disk.needed)} of disk, ${gigabytes(disk.free)} free`,
      {
        hint: 'Name a folder on a larger disk with --directory.',
        details: { directory },
      },
    );
  }
  const files = type === TMPFS && !lying ? disk.needed : 0;
  const memory = { needed: (peers ? 2.25 : 1) * bytes + files + 2 ** 30, free: process.availableMemory() };
  if (memory.free < memory.needed) {
    throw new QuarryError(
      'UNSUPPORTED',
      `the bench needs ${gigabytes(memory.needed)} of memory, ${gigabytes(memory.free)} free`,
      {
        hint: `${files > 0 ? 'Name a folder on a disk with --directory' : peers ? 'Leave out the peers with --no-peers' : 'Leave out --full'}.`,
        details: { directory },
      },
    );
  }
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

/** The file of a model of this shape in a folder, generated unless it lies there. */
export async function modelFile(
  config: ModelConfig,
  directory: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const file = path.join(directory, `v1-${config.numLayers}-layers.safetensors`);
  try {
    makeDirectory(directory);
    await generateWeights(config, 1n, file, { signal });
  } catch (error) {
    if (!(error instanceof QuarryError && error.code === 'ALREADY_EXISTS')) throw error;
  }
  return file;
}

/** Waits until the models in the folder are on the disk, so that no writing disturbs what is timed next. */
export async function flushFolder(directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (!entry.isFile() || !/\.(packed|safetensors)$/.test(entry.name)) continue;
    const file = await open(path.join(directory, entry.name), 'r+');
    await file.sync().finally(() => file.close());
  }
}

/**
 * Scores a few tokens with the first layers of a model file in f32, natively and by the reference, which would take
 * most of an hour for all of it. Nothing is timed before they agree.
 *
 * @returns the relative error
 * @throws QuarryError `ENGINE_FAILED` when they differ by more than 1e-5
 */
export async function checkSlice(
  file: string,
  slice: ModelConfig,
  options: NativeScoringOptions,
  signal: AbortSignal | undefined,
): Promise<number> {
  const weights = await openSafetensors(file, { checksum: 'slice' });
  const scoreOptions = { signal };
  try {
    // One byte more than a chunk: two chunks, one of them short.
    const sample = [sampleBytes(slice.sequenceLength + 1)];
    const model = await createNativeScoringEngine({ ...options, precision: 'f32' }).load(weights, slice, scoreOptions);
    const [got] = await model.score(sample, scoreOptions);
    await model.close();
    const reference = await createJsEngine().load(weights, slice, scoreOptions);
    const [want] = await reference.score(sample, scoreOptions);
    await reference.close();
    const error = relativeError(got!, want!);
    if (error <= 1e-5) return error;
    throw new QuarryError('ENGINE_FAILED', 'native scores differ from the reference', { details: { error } });
  } finally {
    await weights.close();
  }
}

/** Bytes that fill chunks and repeat nothing soon. */
export function sampleBytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + 7 + Math.floor(i / 256) * 13) % 256);
}
