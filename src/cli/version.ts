import { readFileSync } from 'node:fs';

/** This package's version, from the package.json beside `bin/`. */
export function versionOf(): string {
  for (const up of ['../../package.json', '../../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as Record<
        string,
        string
      >;
      if (name === 'quarry-miner' && version !== undefined) return version;
    } catch {
      // Sources and build lie at different depths.
    }
  }
  return '0.0.0';
}
