import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { globby, isDynamicPattern } from 'globby';
import { QuarryError, toQuarryError } from '../errors/index.js';
import type { DocumentSource, SourceDocument } from './contract.js';

export interface FilesOptions {
  /** Where relative patterns start. */
  readonly cwd: string;
}

/**
 * The files under `pattern`: a file, a directory (walked, `.gitignore` and `.ignore` respected, dot files left out) or
 * a glob. Sorted by path.
 *
 * @throws QuarryError `FILE_NOT_FOUND` when the pattern names nothing
 * @throws QuarryError `FILE_UNREADABLE` when the path cannot be read
 */
export async function listFiles(pattern: string, options: FilesOptions): Promise<string[]> {
  const path = resolve(options.cwd, pattern);
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' && isDynamicPattern(pattern)) return undefined;
    throw toQuarryError(error, `reading ${pattern}`);
  });
  if (info?.isFile()) return [path];
  const walk = { absolute: true, onlyFiles: true, ignoreFiles: ['**/.gitignore', '**/.ignore'] } as const;
  const found =
    info === undefined
      ? await globby(pattern, { ...walk, cwd: options.cwd })
      : await globby('**/*', { ...walk, cwd: path, ignore: ['**/node_modules/**'] });
  if (found.length === 0) {
    throw new QuarryError('FILE_NOT_FOUND', `no files match ${pattern}`, {
      hint: 'name a file, a directory or a glob; ignored and hidden files are left out',
    });
  }
  return found.sort();
}

/** One file, as it is. */
export function fileSource(path: string, cwd: string): DocumentSource {
  const origin = relative(cwd, path).startsWith('..') ? path : relative(cwd, path);
  return {
    name: origin,
    async *documents(signal) {
      yield { origin, pieces: readPieces(path, signal) } satisfies SourceDocument;
    },
  };
}

/** A file's bytes in pieces of 256 KiB. */
export async function* readPieces(path: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path, { highWaterMark: 256 * 1024, ...(signal !== undefined && { signal }) });
  } catch (error) {
    throw toQuarryError(error, `reading ${path}`);
  }
}
