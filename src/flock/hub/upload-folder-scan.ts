import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { QuarryError, toQuarryError } from '../../errors/index.js';

/** A file to upload. */
export interface LocalFile {
  /** Path in the repository, with `/` separators. */
  readonly path: string;
  readonly absolute: string;
  readonly sizeBytes: number;
}

/** Which files of a folder to upload. */
export interface ScanOptions {
  /** Patterns with `*`, `**` and `?`. Default: everything. */
  readonly include?: readonly string[] | undefined;
  readonly exclude?: readonly string[] | undefined;
  /** Follow symbolic links that point outside the folder. Default false: they are refused. */
  readonly followSymlinks?: boolean | undefined;
}

/** Never uploaded, at any depth: version control and the Hub client's cache. */
const SKIPPED = [/(?:^|\/)\.git(?:\/|$)/, /(?:^|\/)\.cache\/huggingface(?:\/|$)/];

/**
 * Lists the files of a folder, sorted by path.
 *
 * @throws QuarryError `FILE_NOT_FOUND` when the folder does not exist
 * @throws QuarryError `DATA_EMPTY` when there is nothing to upload
 * @throws QuarryError `DATA_INVALID` when a symbolic link points outside the folder
 */
export async function scanFolder(dir: string, options: ScanOptions = {}): Promise<LocalFile[]> {
  const root = await realpath(resolve(dir)).catch(() => undefined);
  const found = root === undefined ? undefined : await stat(root);
  if (root === undefined || !found?.isDirectory()) {
    throw new QuarryError('FILE_NOT_FOUND', `no folder ${dir}`, {
      hint: 'Name the folder that holds the trained model with --dir.',
    });
  }
  const files: LocalFile[] = [];
  try {
    await walk(root, root, options, files, new Set([root]));
  } catch (error) {
    throw toQuarryError(error, `reading ${dir}`);
  }
  const include = options.include?.map(globToRegExp);
  const exclude = options.exclude?.map(globToRegExp) ?? [];
  const chosen = files
    .filter(
      ({ path }) => include === undefined || include.length === 0 || include.some((pattern) => pattern.test(path)),
    )
    .filter(({ path }) => !exclude.some((pattern) => pattern.test(path)))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  if (chosen.length === 0) {
    throw new QuarryError('DATA_EMPTY', `nothing to upload in ${dir}`, {
      hint: files.length > 0 ? 'The include and exclude patterns match no file.' : 'The folder is empty.',
    });
  }
  return chosen;
}

async function walk(
  root: string,
  dir: string,
  options: ScanOptions,
  out: LocalFile[],
  visited: Set<string>,
): Promise<void> {
  for (const name of await readdir(dir)) {
    const absolute = join(dir, name);
    const path = relative(root, absolute).split(sep).join('/');
    if (SKIPPED.some((pattern) => pattern.test(path))) continue;
    let info = await lstat(absolute);
    if (info.isSymbolicLink()) {
      const target = await realpath(absolute).catch(() => undefined);
      if (target === undefined) throw new QuarryError('DATA_INVALID', `${path} is a broken symbolic link`);
      const inside = target === root || target.startsWith(root + sep);
      if (!inside && !options.followSymlinks) {
        throw new QuarryError('DATA_INVALID', `${path} is a symbolic link that leads out of the folder`, {
          hint: 'It could publish private files; pass --follow to upload what it points to.',
        });
      }
      info = await stat(absolute);
      if (info.isDirectory()) {
        // A link to a parent folder would recurse forever.
        if (visited.has(target)) continue;
        visited.add(target);
      }
    }
    if (info.isDirectory()) await walk(root, absolute, options, out, visited);
    else if (info.isFile()) out.push({ path, absolute, sizeBytes: info.size });
  }
}

/** `*` matches within a folder, `**` across folders, `?` one character; a pattern without `/` matches at any depth. */
export function globToRegExp(pattern: string): RegExp {
  const anywhere = pattern.includes('/') ? '' : '(?:.*/)?';
  const body = pattern
    .replace(/^\//, '')
    .split(/(\*\*\/|\*\*|\*|\?)/)
    .map((part) => {
      if (part === '**/') return '(?:.*/)?';
      if (part === '**') return '.*';
      if (part === '*') return '[^/]*';
      if (part === '?') return '[^/]';
      return part.replace(/[.+^${}()|[\]\\]/g, '\\$&');
    })
    .join('');
  return new RegExp(`^${anywhere}${body}$`);
}
