import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';

/**
 * Number of processors this process can keep busy: those of the machine, or fewer under a cgroup CPU quota. More
 * threads would only be throttled.
 *
 * @param root root of `/proc` and `/sys`. Default `/`
 */
export function usableCores(root = '/'): number {
  const quota = quotaOf(root);
  const cores = availableParallelism();
  return quota === undefined ? cores : Math.max(1, Math.min(cores, Math.floor(quota)));
}

/** The smallest quota of this process's cgroups and their ancestors, in processors. */
function quotaOf(root: string): number | undefined {
  const text = read(join(root, 'proc/self/cgroup'));
  const quotas = (text ?? '').split('\n').flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (path === undefined) return [];
    if (controllers === '') return upwards(path).map((each) => quotaV2(join(root, 'sys/fs/cgroup', each)));
    const isCpu = controllers?.split(',').includes('cpu');
    return isCpu ? upwards(path).map((each) => quotaV1(join(root, 'sys/fs/cgroup/cpu', each))) : [];
  });
  const known = quotas.filter((quota) => quota !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/**
 * A cgroup path and its ancestors. In a container the cgroup's own path may not be visible; then its limits are at the
 * root.
 */
function upwards(path: string): string[] {
  const paths = [path];
  for (let at = path; at !== '/' && at !== '.'; ) {
    at = dirname(at);
    paths.push(at);
  }
  return paths;
}

/** `cpu.max`: quota and period in microseconds, or `max`. */
function quotaV2(dir: string): number | undefined {
  const [, quota, period] = /^(\d+) (\d+)/.exec(read(join(dir, 'cpu.max')) ?? '') ?? [];
  return share(quota, period);
}

/** `cpu.cfs_quota_us`, -1 for none. */
function quotaV1(dir: string): number | undefined {
  const [quota] = /^\d+/.exec(read(join(dir, 'cpu.cfs_quota_us')) ?? '') ?? [];
  const [period] = /^\d+/.exec(read(join(dir, 'cpu.cfs_period_us')) ?? '') ?? [];
  return share(quota, period);
}

function share(quota: string | undefined, period: string | undefined): number | undefined {
  const value = Number(quota) / Number(period);
  return Number.isFinite(value) && value > 0 ? value : undefined;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
