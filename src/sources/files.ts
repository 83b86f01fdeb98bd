import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { globby, isDynamicPattern } from 'globby';
import { QuarryError, toQuarryError } from '../errors/index.js';
import type { DecodeOptions, RandomAccess, SourceUnit } from './contract.js';
import { documentsOf } from './decode.js';

const PIECE_BYTES = 256 * 1024;

/**
 * The files under `pattern`: a file, a directory (walked, `.gitignore` and `.ignore` respected, dot files left out) or
 * a glob. Sorted by path.
 *
 * @param cwd where relative patterns start
 * @throws QuarryError `FILE_NOT_FOUND` when the pattern names nothing
 * @throws QuarryError `FILE_UNREADABLE` when the path cannot be read
 */
export async function listFiles(pattern: string, cwd: string): Promise<string[]> {
  const path = resolve(cwd, pattern);
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' && isDynamicPattern(pattern)) return undefined;
    throw toQuarryError(error, `reading ${pattern}`);
  });
  if (info !== undefined && !info.isDirectory()) return [path];
  const walk = { absolute: true, onlyFiles: true, ignoreFiles: ['**/.gitignore', '**/.ignore'] } as const;
  const found =
    info === undefined
      ? await globby(pattern, { ...walk, cwd })
      : await globby('**/*', { ...walk, cwd: path, ignore: ['**/node_modules/**'] });
  if (found.length === 0) {
    throw new QuarryError('FILE_NOT_FOUND', `no files match ${pattern}`, {
      hint: 'name a file, a directory or a glob; ignored and hidden files are left out',
    });
  }
  return found.sort();
}

/** A file on this machine. */
export function fileUnit(path: string, cwd: string, options: DecodeOptions): SourceUnit {
  const inside = relative(cwd, path);
  const name = inside.startsWith('..') ? path : inside;
  return {
    name,
    documents: (signal) =>
      documentsOf(
        { name, path, pieces: () => readPieces(path, signal), randomAccess: () => randomAccess(path) },
        options,
        signal,
      ),
  };
}

/** A file's bytes in pieces of 256 KiB. */
export async function* readPieces(path: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path, { highWaterMark: PIECE_BYTES, ...(signal !== undefined && { signal }) });
  } catch (error) {
    throw toQuarryError(error, `reading ${path}`);
  }
}

async function randomAccess(path: string): Promise<RandomAccess> {
  const { size } = await stat(path);
  return {
    sizeBytes: size,
    async read(start, end) {
      const file = await open(path, 'r');
      try {
        const { buffer, bytesRead } = await file.read(new Uint8Array(end - start), 0, end - start, start);
        return buffer.subarray(0, bytesRead);
      } finally {
        await file.close();
      }
    },
  };
}
