import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Path where a local build puts the add-on; the same when run from sources and from `dist`. */
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

/** Name of the package with the add-on for a platform, such as `quarry-miner-linux-x64-gnu`. */
export function platformPackage(
  platform: NodeJS.Platform = process.platform,
  arch: string = process.arch,
  glibc: boolean = usesGlibc(),
): string {
  const libc = platform === 'linux' ? (glibc ? '-gnu' : '-musl') : '';
  return `quarry-miner-${platform}-${arch}${libc}`;
}

/** Candidate files of the add-on: the installed platform package first, then a local build. */
export function addonFiles(): string[] {
  const built = addonPath();
  try {
    return [createRequire(import.meta.url).resolve(platformPackage()), built];
  } catch {
    return [built];
  }
}

/** Node reports a glibc version only on glibc, not on musl. */
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
