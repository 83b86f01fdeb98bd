import type { Stats } from 'node:fs';

/**
 * Who else can access a file that holds a secret; `undefined` if only we can. Group-readable files (0440) are accepted
 * if they belong to another user: secrets mounted by Kubernetes are readable only through the group.
 */
export function exposedTo(stats: Pick<Stats, 'mode' | 'uid'>): 'everybody' | 'its group' | undefined {
  if (process.platform === 'win32') return undefined;
  if ((stats.mode & 0o007) !== 0) return 'everybody';
  const group = stats.mode & 0o070;
  if (group === 0 || (group === 0o040 && stats.uid !== process.getuid?.())) return undefined;
  return 'its group';
}
