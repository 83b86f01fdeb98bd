import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { QuarryError } from '../../../errors/index.js';
import { ensureWritableDirectory } from '../../../files/writable-directory.js';
import { CHUNK_BYTES, MAX_SAMPLE_BYTES } from '../../../sources/index.js';
import { integerArgument } from '../../parse-argument.js';

/** More threads measure how the system switches between them, for minutes. */
const MAX_THREADS_PER_PROCESSOR = 4;
/** Each is an embedding in memory and minutes of work. */
const MAX_TARGETS = 10_000;
/** Benches that read trained models. */
const WITH_MODELS: readonly string[] = ['reach', 'search', 'joined', 'rounding'];
/** Benches that keep files for later runs. */
const WITH_DIRECTORY: readonly string[] = ['forward', 'reach', 'search'];

/** Parser for commander: `--threads 1,2`. */
export function threadsArgument(text: string): number[] {
  return counts(text, '--threads', MAX_THREADS_PER_PROCESSOR * availableParallelism());
}

/** Parser for commander: `--chunks 1,2`. */
export function chunksArgument(text: string): number[] {
  return counts(text, '--chunks', MAX_SAMPLE_BYTES / CHUNK_BYTES);
}

/** Parser for commander: `--targets 50`. */
export function targetsArgument(text: string): number {
  return integerArgument(text, '--targets', 1, MAX_TARGETS);
}

function counts(text: string, flag: string, most: number): number[] {
  return text.split(',').map((part) => integerArgument(part.trim(), flag, 1, most));
}

/** Folders that benches read and write. */
export interface BenchFolders {
  readonly save?: string | undefined;
  readonly directory?: string | undefined;
  readonly modelsDir?: string | undefined;
}

/**
 * Checks the folders of the named benches before the first of them starts, which may take an hour. Creates those that are
 * written.
 *
 * @throws QuarryError `FILE_NOT_FOUND` or `FILE_UNREADABLE`
 */
export function checkFolders(names: readonly string[], { save, directory, modelsDir }: BenchFolders): void {
  const some = (of: readonly string[]): boolean => names.some((name) => of.includes(name));
  if (modelsDir !== undefined && some(WITH_MODELS)) assertFolder(modelsDir, '--models-dir (QUARRY_BENCH_MODELS)');
  if (directory !== undefined && some(WITH_DIRECTORY)) ensureWritableDirectory(directory);
  if (save !== undefined) ensureWritableDirectory(save);
}

function assertFolder(path: string, what: string): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isDirectory()) return;
  throw stats === undefined
    ? new QuarryError('FILE_NOT_FOUND', `${what} names ${path}, which does not exist`, { details: { path } })
    : new QuarryError('FILE_UNREADABLE', `${what} names ${path}, which is not a folder`, { details: { path } });
}
