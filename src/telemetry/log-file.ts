import { close, constants, fstat, open, write } from 'node:fs';
import { dirname } from 'node:path';
import { makeDirectory } from '../files/make-directory.js';
import { rotateFiles } from './rotate-files.js';

/** Maximum bytes waiting for a slow disk; further lines are dropped and counted. */
const MAX_WAITING_BYTES = 1024 * 1024;
/** Delay before the file is reopened after a failure, milliseconds. */
const RETRY_MS = 5_000;
const KEEP = 5;
/** Without O_NONBLOCK opening a FIFO would wait for a reader, on one of Node's few threads. */
const OPEN = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NONBLOCK ?? 0);

export interface LogFileOptions {
  /** Size at which the file is renamed to `path.1` and a new one started. Default 0: never. */
  readonly maxBytes?: number | undefined;
  /** Age at which the file is rotated, milliseconds. Default 0: never. */
  readonly maxAgeMs?: number | undefined;
  /** Number of rotated files kept. Default 5. */
  readonly keep?: number | undefined;
  /** Called with the reason when writing starts to fail, and with the number of dropped lines when it works again. */
  readonly onState?:
    | ((state: { readonly failing?: string | undefined; readonly dropped?: number | undefined }) => void)
    | undefined;
}

/**
 * A log file that never blocks or ends its program: writes are asynchronous, and lines are dropped while the disk is
 * full or missing. Rotates by size and age; call {@link reopen} after rotating it externally.
 */
export class LogFile {
  readonly #path: string;
  readonly #options: LogFileOptions;
  #fd: number | undefined;
  #isFile = false;
  #bytes = 0;
  /** When the file was started, milliseconds since the Unix epoch. */
  #since = 0;
  #waiting: string[] = [];
  #waitingBytes = 0;
  #busy = false;
  #failing = false;
  #dropped = 0;
  #reopen = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(path: string, options: LogFileOptions = {}) {
    this.#path = path;
    this.#options = options;
  }

  /** Queues a line; never throws or blocks. */
  write(line: string): void {
    if (this.#failing || this.#waitingBytes + line.length > MAX_WAITING_BYTES) {
      this.#dropped++;
      return;
    }
    this.#waiting.push(line);
    this.#waitingBytes += line.length;
    this.#next();
  }

  /** Closes the file and reopens its path, which after a rotation is a new file. */
  reopen(): void {
    this.#reopen = true;
    this.#next();
  }

  #next(): void {
    if (this.#busy || this.#failing) return;
    if (this.#reopen && this.#fd !== undefined) {
      close(this.#fd, () => {});
      this.#fd = undefined;
    }
    if (this.#fd === undefined) {
      if (this.#waiting.length > 0 || this.#reopen) this.#open();
      return;
    }
    if (this.#waiting.length === 0) return;
    if (this.#isFull()) {
      this.#rotate(this.#fd);
      return;
    }
    const text = this.#waiting.join('');
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#busy = true;
    this.#writeAll(this.#fd, Buffer.from(text));
  }

  #open(): void {
    this.#reopen = false;
    this.#busy = true;
    try {
      makeDirectory(dirname(this.#path));
    } catch (error) {
      this.#failed(error as Error);
      return;
    }
    open(this.#path, OPEN, 0o600, (error, fd) => {
      if (error !== null) {
        this.#failed(error);
        return;
      }
      this.#fd = fd;
      fstat(fd, (failure, stats) => {
        this.#isFile = failure === null && stats.isFile();
        this.#bytes = failure === null ? stats.size : 0;
        // Some file systems do not record creation times.
        this.#since = failure === null && this.#bytes > 0 && stats.birthtimeMs > 0 ? stats.birthtimeMs : Date.now();
        this.#busy = false;
        this.#next();
      });
    });
  }

  #isFull(): boolean {
    const { maxBytes = 0, maxAgeMs = 0 } = this.#options;
    // A device, such as /dev/null or /dev/stderr, would get another name.
    if (!this.#isFile || this.#bytes === 0) return false;
    return (maxBytes > 0 && this.#bytes >= maxBytes) || (maxAgeMs > 0 && Date.now() - this.#since >= maxAgeMs);
  }

  #rotate(fd: number): void {
    this.#busy = true;
    this.#fd = undefined;
    close(fd, () => {});
    rotateFiles(this.#path, this.#options.keep ?? KEEP).then(
      () => this.#open(),
      (error: Error) => this.#failed(error),
    );
  }

  #writeAll(fd: number, bytes: Buffer): void {
    write(fd, bytes, (error, written) => {
      if (error !== null) this.#failed(error);
      else if (written < bytes.length) this.#writeAll(fd, bytes.subarray(written));
      else {
        this.#bytes += bytes.length;
        this.#busy = false;
        if (this.#dropped > 0) this.#options.onState?.({ dropped: this.#dropped });
        this.#dropped = 0;
        this.#next();
      }
    });
  }

  #failed(error: Error): void {
    this.#busy = false;
    this.#failing = true;
    this.#dropped += this.#waiting.length;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (this.#timer === undefined) this.#options.onState?.({ failing: error.message });
    this.#timer = setTimeout(() => {
      this.#failing = false;
      this.#reopen = true;
      this.#next();
    }, RETRY_MS);
    this.#timer.unref();
  }
}
