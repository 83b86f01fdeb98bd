import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { relative, resolve, sep } from 'node:path';
import picomatch from 'picomatch';
import { QuarryError, toQuarryError } from '../errors/index.js';
import type { DecodeOptions, RandomAccess, SourceUnit } from './contract.js';
import { documentsOf } from './decode.js';
import type { OnLeftOut } from './left-out.js';
import { walkFiles } from './walk.js';

const PIECE_BYTES = 256 * 1024;

/** Limit on the list; larger collections should be archives. */
const MAX_FILES = 2_000_000;

/**
 * Yields the files that match `pattern`, sorted by path: a file, a directory (recursively, respecting `.gitignore` and
 * `.ignore`, without dot files) or a glob. Each file is listed once, even if several links lead to it.
 *
 * @param cwd base of relative patterns
 * @param onLeftOut called for unreadable files and directories below
 * @throws QuarryError `FILE_NOT_FOUND` when nothing matches the pattern
 * @throws QuarryError `FILE_UNREADABLE` when the path cannot be read
 * @throws QuarryError `INVALID_ARGUMENT` when it matches more than two million files
 */
export async function* listFiles(pattern: string, cwd: string, onLeftOut?: OnLeftOut): AsyncGenerator<string> {
  const path = resolve(cwd, pattern);
  const glob = picomatch.scan(pattern);
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' && glob.isGlob) return undefined;
    throw toQuarryError(error, `reading ${pattern}`);
  });
  if (info !== undefined && !info.isDirectory()) return yield path;
  let count = 0;
  for await (const file of info === undefined ? matching(glob, cwd, onLeftOut) : below(path, onLeftOut)) {
    if (++count > MAX_FILES) {
      throw new QuarryError('INVALID_ARGUMENT', `${pattern} names more than ${MAX_FILES} files`, {
        hint: 'pack them into archives (tar, zip) or name fewer of them',
      });
    }
    yield file;
  }
  if (count === 0) {
    throw new QuarryError('FILE_NOT_FOUND', `no files match ${pattern}`, {
      hint: 'name a file, a directory or a glob; ignored and hidden files are skipped',
    });
  }
}

function below(dir: string, onLeftOut: OnLeftOut | undefined): AsyncGenerator<string> {
  return walkFiles(dir, {
    skip: (_path, name, directory) => name.startsWith('.') || (directory && name === 'node_modules'),
    onLeftOut,
  });
}

async function* matching(
  glob: ReturnType<typeof picomatch.scan>,
  cwd: string,
  onLeftOut: OnLeftOut | undefined,
): AsyncGenerator<string> {
  const base = resolve(cwd, glob.base);
  if (!(await stat(base).catch(() => undefined))?.isDirectory()) return;
  const matches = picomatch(glob.glob);
  // Visit hidden names only if the pattern spells one out.
  const hidden = /(^|\/)\./.test(glob.glob);
  yield* walkFiles(base, {
    skip: (path, name, directory) =>
      (name.startsWith('.') && !hidden) || (!directory && !matches(relative(base, path).split(sep).join('/'))),
    onLeftOut,
  });
}

/** A local file. */
export function fileUnit(path: string, cwd: string, options: DecodeOptions): SourceUnit {
  const inside = relative(cwd, path);
  const name = inside.startsWith('..') ? path : inside;
  return {
    name,
    documents: (signal, onLeftOut) =>
      documentsOf(
        { name, path, pieces: () => readPieces(path, signal), randomAccess: () => randomAccess(path) },
        options,
        signal,
        onLeftOut,
      ),
  };
}

/** Reads a file in pieces of 256 KiB. */
export async function* readPieces(path: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path, { highWaterMark: PIECE_BYTES, signal });
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
