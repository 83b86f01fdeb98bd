import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { mkdir, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system of its own, in memory, that can be made too small. */
export interface SmallDisk {
  readonly dir: string;
  /** Leaves this much room, in bytes. */
  leave(bytes: number): Promise<void>;
  close(): void;
}

function mount(args: readonly string[]): void {
  execFileSync('mount', args, { stdio: 'pipe' });
}

/** Whether file systems can be mounted here: by root, or in a namespace of one's own as {@link NAMESPACE} makes it. */
export function canMount(): boolean {
  const dir = mkdtempSync(join(tmpdir(), 'quarry-mount-'));
  try {
    mount(['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', dir]);
    execFileSync('umount', [dir], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  } finally {
    rmdirSync(dir);
  }
}

/** Runs a command where it may mount, without being root outside. */
export const NAMESPACE = ['unshare', '--user', '--map-root-user', '--mount'] as const;

/** Whether {@link NAMESPACE} works here. */
export function hasNamespaces(): boolean {
  try {
    const [program, ...args] = NAMESPACE;
    execFileSync(program, [...args, 'true'], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}

/** Mounts a disk over a new directory. */
export async function mountSmallDisk(dir: string, sizeBytes: number): Promise<SmallDisk> {
  await mkdir(dir);
  mount(['-t', 'tmpfs', '-o', `size=${sizeBytes},mode=700`, 'tmpfs', dir]);
  return {
    dir,
    async leave(bytes) {
      for (let n = 1; ; n++) {
        const { blocks, bfree, bsize } = await statfs(dir);
        try {
          const sizeBytes = (blocks - bfree) * bsize + bytes;
          // With its source named, the options it has are not repeated: its owner has no name in a namespace.
          return mount(['-t', 'tmpfs', '-o', `remount,size=${sizeBytes}`, 'tmpfs', dir]);
        } catch (error) {
          // It is refused when more was written meanwhile.
          if (n >= 20) throw error;
        }
      }
    },
    close: () => void execFileSync('umount', ['-l', dir]),
  };
}
