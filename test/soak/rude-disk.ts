import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mountSmallDisk, type SmallDisk } from '../miner/small-disk.js';

/** What can be wrong with the disk, in the order of `rude-disk.c`: 0 is well. */
export const DISK_FAULTS = ['full', 'writeErrors', 'readOnly', 'readErrors', 'shortWrites'] as const;
export type DiskFault = (typeof DISK_FAULTS)[number];

/** Room that a soak does not use up, and what it has while the disk is full. */
const ROOMY_BYTES = 1024 * 2 ** 20;
const FULL_BYTES = 16 * 1024;
const WORD_BYTES = 4;

/**
 * A file system of its own that breaks and is well again. Full it is in truth; I/O errors, a kernel that made it read-only and
 * writes that take half come from a library that is loaded before libc into the processes that have {@link env}.
 */
export class RudeDisk {
  readonly #disk: SmallDisk;
  readonly #control: number;
  /** For the process whose disk breaks. */
  readonly env: Readonly<Record<string, string>>;

  private constructor(disk: SmallDisk, control: number, env: Readonly<Record<string, string>>) {
    this.#disk = disk;
    this.#control = control;
    this.env = env;
  }

  get dir(): string {
    return this.#disk.dir;
  }

  /**
   * Mounts it at `dir`/disk. Needs a C compiler and the right to mount.
   *
   * @param dir where its library lies beside it
   */
  static async mount(dir: string): Promise<RudeDisk> {
    const library = join(dir, 'rude-disk.so');
    const source = fileURLToPath(new URL('./rude-disk.c', import.meta.url));
    execFileSync(process.env['CC'] ?? 'cc', ['-O2', '-shared', '-fPIC', '-o', library, source, '-ldl']);
    const control = join(dir, 'rude-disk.control');
    await writeFile(control, new Uint8Array(4096));
    const disk = await mountSmallDisk(join(dir, 'disk'), ROOMY_BYTES);
    const env = { LD_PRELOAD: library, RUDE_DISK_DIR: disk.dir, RUDE_DISK_CONTROL: control };
    return new RudeDisk(disk, openSync(control, 'r+'), env);
  }

  /** From now on the disk has this fault. */
  async strike(fault: DiskFault): Promise<void> {
    this.#say(1 + DISK_FAULTS.indexOf(fault));
    if (fault === 'full') await this.#disk.leave(FULL_BYTES);
  }

  /** From now on it is well. */
  async heal(): Promise<void> {
    this.#say(0);
    await this.#disk.leave(ROOMY_BYTES);
  }

  /** How often a call of the process failed, or took half, by fault. */
  met(): Record<DiskFault, number> {
    const words = new Uint32Array(2 + DISK_FAULTS.length);
    readSync(this.#control, words, 0, words.byteLength, 0);
    const counts = DISK_FAULTS.map((fault, index) => [fault, words[2 + index] ?? 0] as const);
    return Object.fromEntries(counts) as Record<DiskFault, number>;
  }

  close(): void {
    closeSync(this.#control);
    this.#disk.close();
  }

  #say(fault: number): void {
    writeSync(this.#control, Uint32Array.of(fault), 0, WORD_BYTES, 0);
  }
}
