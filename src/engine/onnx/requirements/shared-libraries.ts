import { basename, dirname, join } from 'node:path';
import { namesIn } from '../../names-in.js';
import { type Machine, textOf } from './machine.js';

/** A shared library on Linux, named with its major version, such as `libcudnn.so.9`. */
export interface SharedLibrary {
  readonly name: string;
  readonly dir: string;
  readonly major: number;
  /** Whether the dynamic loader searches the directory. */
  readonly isReachable: boolean;
}

/** Directories that the loader searches by default. */
const DEFAULT_DIRS = ['lib64', 'usr/lib64', 'lib', 'usr/lib', 'lib/x86_64-linux-gnu', 'usr/lib/x86_64-linux-gnu'];

/** Common install locations of NVIDIA's libraries that the loader does not search. */
const USUAL_DIRS = [
  'usr/local/cuda*/lib64',
  'usr/local/cuda*/targets/x86_64-linux/lib',
  'opt/cuda*/lib64',
  'usr/lib/wsl/lib',
  'usr/local/lib/python*/*-packages/nvidia/*/lib',
];

/**
 * All installed versions of a library: in `LD_LIBRARY_PATH`, the loader's cache and its default directories, and where
 * the CUDA installer, conda and pip put libraries.
 *
 * @param stem name without version, such as `libcudnn`
 */
export function findLibraries(stem: string, machine: Machine): SharedLibrary[] {
  const { root, env } = machine;
  const found = new Map<string, SharedLibrary>();
  const look = (dir: string, names: readonly string[], isReachable: boolean): void => {
    for (const name of names) {
      const major = majorOf(name, stem);
      const key = join(dir, name);
      if (major !== undefined && !found.has(key)) found.set(key, { name, dir, major, isReachable });
    }
  };
  const inRoot = (dir: string): string => join(root, dir);
  for (const dir of (env['LD_LIBRARY_PATH'] ?? '').split(':').filter(Boolean)) look(dir, namesIn(inRoot(dir)), true);
  for (const file of cachedLibraries(root)) look(dirname(file), [basename(file)], true);
  for (const dir of DEFAULT_DIRS) look(`/${dir}`, namesIn(inRoot(dir)), true);
  for (const dir of usualDirs(machine)) look(dir, namesIn(inRoot(dir)), false);
  return [...found.values()];
}

function majorOf(name: string, stem: string): number | undefined {
  const rest = name.startsWith(`${stem}.so.`) ? name.slice(stem.length + 4) : '';
  return /^\d+$/.test(rest) ? Number(rest) : undefined;
}

/** Paths in the cache written by `ldconfig`, where they are NUL-terminated strings. */
function cachedLibraries(root: string): string[] {
  const text = textOf(join(root, 'etc/ld.so.cache')) ?? '';
  return text.split('\0').filter((word) => word.startsWith('/'));
}

function usualDirs({ root, env }: Machine): string[] {
  const inside = (home: string | undefined, pattern: string): string[] =>
    home === undefined ? [] : [join(home, pattern).replace(/^\/+/, '')];
  const patterns = [
    ...USUAL_DIRS,
    ...inside(env['CONDA_PREFIX'], 'lib'),
    ...inside(env['VIRTUAL_ENV'], 'lib/python*/site-packages/nvidia/*/lib'),
    ...inside(env['HOME'], '.local/lib/python*/site-packages/nvidia/*/lib'),
  ];
  return patterns.flatMap((pattern) => expand(root, pattern.split('/')).map((path) => `/${path}`));
}

/** Directories that match a pattern with at most one asterisk per segment. */
function expand(root: string, parts: readonly string[], at = ''): string[] {
  const [part, ...rest] = parts;
  if (part === undefined) return [at];
  if (!part.includes('*')) return expand(root, rest, join(at, part));
  const [before = '', after = ''] = part.split('*');
  return namesIn(join(root, at))
    .filter((name) => name.length >= before.length + after.length && name.startsWith(before) && name.endsWith(after))
    .flatMap((name) => expand(root, rest, join(at, name)));
}
