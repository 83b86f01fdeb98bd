import type { Stats } from 'node:fs';

/**
 * Who beside its reader can get at a file with a secret: `undefined` for none. A file of another owner may be
 * readable by a group of ours (0440), as secrets mounted by Kubernetes are: only so can we read it at all.
 */
export function exposedTo(stats: Pick<Stats, 'mode' | 'uid'>): 'everybody' | 'its group' | undefined {
  if (process.platform === 'win32') return undefined;
  if ((stats.mode & 0o007) !== 0) return 'everybody';
  const group = stats.mode & 0o070;
  if (group === 0 || (group === 0o040 && stats.uid !== process.getuid?.())) return undefined;
  return 'its group';
}
