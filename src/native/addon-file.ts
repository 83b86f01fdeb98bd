import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where the build puts the add-on, seen from this file: the same place for sources and for `dist`. */
export function addonPath(): string {
  let directory = path.dirname(fileURLToPath(import.meta.url));
  for (;;) {
    if (existsSync(path.join(directory, 'native', 'binding.gyp'))) break;
    const parent = path.dirname(directory);
    if (parent === directory) break;
    directory = parent;
  }
  return path.join(directory, 'native', 'build', 'Release', 'quarry.node');
}

/** The package that holds the add-on for a machine, such as `quarry-miner-linux-x64-gnu`. */
export function platformPackage(
  platform: NodeJS.Platform = process.platform,
  arch: string = process.arch,
  glibc: boolean = usesGlibc(),
): string {
  const libc = platform === 'linux' ? (glibc ? '-gnu' : '-musl') : '';
  return `quarry-miner-${platform}-${arch}${libc}`;
}

/** The files the add-on may be in, best first: of the installed platform package, then of a build on this machine. */
export function addonFiles(): string[] {
  const built = addonPath();
  try {
    return [createRequire(import.meta.url).resolve(platformPackage()), built];
  } catch {
    return [built];
  }
}

/** Node reports the version of glibc it runs on, and none on musl. */
function usesGlibc(): boolean {
  if (process.platform !== 'linux') return false;
  const report: NodeJS.ProcessReport & { excludeNetwork?: boolean | undefined } = process.report;
  const withNetwork = report.excludeNetwork;
  // Looking up names of network interfaces takes seconds on some machines.
  report.excludeNetwork = true;
  const { header } = report.getReport() as { header: { glibcVersionRuntime?: string | undefined } };
  report.excludeNetwork = withNetwork ?? false;
  return header.glibcVersionRuntime !== undefined;
}
