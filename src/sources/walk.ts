import type { BigIntStats, Dirent } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import ignore, { type Ignore } from 'ignore';
import { toQuarryError } from '../errors/index.js';
import type { OnLeftOut } from './left-out.js';

/** Directory entries examined concurrently. */
const AT_ONCE = 64;
const IGNORE_FILES = ['.gitignore', '.ignore'] as const;
/** Maximum size of an ignore file. */
const MAX_IGNORE_BYTES = 2 ** 20;

export interface WalkOptions {
  /** Excludes a file or directory by its absolute path. */
  readonly skip: (path: string, name: string, directory: boolean) => boolean;
  /** Called with a directory or file that cannot be read. */
  readonly onLeftOut?: OnLeftOut | undefined;
}

/** The ignore rules of a directory, which apply to everything below it. */
interface Rules {
  readonly dir: string;
  readonly matcher: Ignore;
}

/**
 * Walks the files below `root`, sorted by path, respecting `.gitignore` and `.ignore`. Visits each file and directory
 * once, by device and inode, even if several links lead to it; reports and skips what cannot be read.
 *
 * @throws QuarryError `FILE_UNREADABLE` when `root` itself cannot be read
 */
export async function* walkFiles(root: string, options: WalkOptions): AsyncGenerator<string> {
  const seen = new Visited();
  try {
    seen.add(await stat(root, { bigint: true }));
    await readdir(root);
  } catch (error) {
    throw toQuarryError(error, `reading ${root}`);
  }
  yield* walk(root, [], seen, options);
}

async function* walk(
  dir: string,
  above: readonly Rules[],
  seen: Visited,
  options: WalkOptions,
): AsyncGenerator<string> {
  let entries: Dirent[];
  try {
    entries = await readdir(dir, { withFileTypes: true });
  } catch (error) {
    options.onLeftOut?.(dir, toQuarryError(error, `reading ${dir}`));
    return;
  }
  const rules = await rulesOf(dir, entries, above);
  const found: Found[] = [];
  for (let at = 0; at < entries.length; at += AT_ONCE) {
    const batch = entries.slice(at, at + AT_ONCE).map(async (entry) => {
      const path = join(dir, entry.name);
      if (entry.isFIFO() || entry.isSocket() || entry.isBlockDevice() || entry.isCharacterDevice()) return;
      // The type of a link's target is known only after `stat`.
      if (!entry.isSymbolicLink() && leftAside(path, entry.name, entry.isDirectory(), rules, options)) return;
      const info = await stat(path, { bigint: true }).catch((error: unknown) => {
        options.onLeftOut?.(path, toQuarryError(error, `reading ${path}`));
      });
      if (info === undefined || (!info.isFile() && !info.isDirectory())) return;
      const directory = info.isDirectory();
      if (leftAside(path, entry.name, directory, rules, options)) return;
      found.push({ path, directory, order: directory ? entry.name + sep : entry.name, info });
    });
    await Promise.all(batch);
  }
  // Directories sort like the paths below them, with the separator after the name.
  found.sort((a, b) => (a.order < b.order ? -1 : 1));
  for (const entry of found) {
    if (!seen.add(entry.info)) continue;
    if (entry.directory) yield* walk(entry.path, rules, seen, options);
    else yield entry.path;
  }
}

interface Found {
  readonly path: string;
  readonly directory: boolean;
  readonly order: string;
  readonly info: BigIntStats;
}

/** Visited files and directories, by device and inode. */
class Visited {
  readonly #inodes = new Map<bigint, Set<bigint>>();

  /** @returns whether it is new */
  add({ dev, ino }: BigIntStats): boolean {
    const known = this.#inodes.get(dev) ?? new Set();
    if (known.has(ino)) return false;
    this.#inodes.set(dev, known.add(ino));
    return true;
  }
}

function leftAside(
  path: string,
  name: string,
  directory: boolean,
  rules: readonly Rules[],
  options: WalkOptions,
): boolean {
  if (options.skip(path, name, directory)) return true;
  let ignored = false;
  for (const { dir, matcher } of rules) {
    const inside = relative(dir, path).split(sep).join('/') + (directory ? '/' : '');
    const result = matcher.test(inside);
    if (result.ignored) ignored = true;
    else if (result.unignored) ignored = false;
  }
  return ignored;
}

async function rulesOf(dir: string, entries: readonly Dirent[], above: readonly Rules[]): Promise<readonly Rules[]> {
  const texts: string[] = [];
  for (const name of IGNORE_FILES) {
    if (!entries.some((entry) => entry.name === name && !entry.isDirectory())) continue;
    const path = join(dir, name);
    const info = await stat(path).catch(() => undefined);
    if (info === undefined || !info.isFile() || info.size > MAX_IGNORE_BYTES) continue;
    texts.push(await readFile(path, 'utf8').catch(() => ''));
  }
  return texts.length === 0 ? above : [...above, { dir, matcher: ignore().add(texts.join('\n')) }];
}
