import { closeSync, fdatasync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { toQuarryError } from '../errors/index.js';
import { readFully } from '../files/read-fully.js';
import { assertRegularFile } from '../files/regular-file.js';

const fdatasyncAsync = promisify(fdatasync);

/** An append-only file that can be read at any position. */
export class AppendFile {
  readonly path: string;
  /** Offset of the next append. */
  sizeBytes: number;
  readonly #fd: number;
  #dirty = false;

  constructor(path: string, readonly: boolean) {
    this.path = path;
    assertRegularFile(path);
    try {
      // Not O_APPEND: a failed append is undone by writing over it.
      this.#fd = openSync(path, readonly ? 'r' : 'a+');
      if (!readonly) {
        closeSync(this.#fd);
        this.#fd = openSync(path, 'r+');
      }
      this.sizeBytes = fstatSync(this.#fd).size;
    } catch (error) {
      throw toQuarryError(error, `opening ${path}`);
    }
  }

  /**
   * Appends `data`. After a failure the file is unchanged.
   *
   * @throws QuarryError `DISK_FULL` when the disk is full
   */
  append(data: Uint8Array): void {
    const start = this.sizeBytes;
    this.#dirty = true;
    try {
      for (let done = 0; done < data.byteLength; ) {
        done += writeSync(this.#fd, data, done, data.byteLength - done, start + done);
      }
    } catch (error) {
      ftruncateSync(this.#fd, start);
      throw toQuarryError(error, `writing ${this.path}`);
    }
    this.sizeBytes = start + data.byteLength;
  }

  /** Fills `out` from `position`; returns the number of bytes read, fewer only at the end of the file. */
  read(out: Uint8Array, position: number): number {
    try {
      return readFully(this.#fd, out, position);
    } catch (error) {
      throw toQuarryError(error, `reading ${this.path}`);
    }
  }

  /** Current size on disk, which another process may have changed. */
  statSizeBytes(): number {
    return fstatSync(this.#fd).size;
  }

  /** Truncates the file to `sizeBytes`. */
  truncate(sizeBytes: number): void {
    if (this.statSizeBytes() > sizeBytes) {
      ftruncateSync(this.#fd, sizeBytes);
      this.#dirty = true;
    }
    this.sizeBytes = Math.min(this.sizeBytes, sizeBytes);
  }

  /** Makes all appends survive power loss. */
  async sync(): Promise<void> {
    if (!this.#dirty) return;
    this.#dirty = false;
    try {
      await fdatasyncAsync(this.#fd);
    } catch (error) {
      this.#dirty = true;
      throw toQuarryError(error, `flushing ${this.path}`);
    }
  }

  close(): void {
    closeSync(this.#fd);
  }
}
