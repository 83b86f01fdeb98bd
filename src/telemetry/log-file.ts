import { close, mkdirSync, open, write } from 'node:fs';
import { dirname } from 'node:path';

/** Lines that wait for a slow disk, in bytes; what comes beyond is dropped and counted. */
const MAX_WAITING_BYTES = 1024 * 1024;
/** Pause after a failure before the file is opened again, milliseconds. */
const RETRY_MS = 5_000;

export interface LogFileOptions {
  /** Told when writing begins to fail, with the reason, and when it works again, with the lines that were dropped. */
  readonly onState?:
    | ((state: { readonly failing?: string | undefined; readonly dropped?: number | undefined }) => void)
    | undefined;
}

/**
 * A log that never stops its program: writes are asynchronous, a full or vanished disk costs the lines of that time, and
 * the file is opened anew by {@link reopen}, as log rotation asks for.
 */
export class LogFile {
  readonly #path: string;
  readonly #options: LogFileOptions;
  #fd: number | undefined;
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

  /** Takes a line; never throws and never waits. */
  write(line: string): void {
    if (this.#failing || this.#waitingBytes + line.length > MAX_WAITING_BYTES) {
      this.#dropped++;
      return;
    }
    this.#waiting.push(line);
    this.#waitingBytes += line.length;
    this.#next();
  }

  /** Lets go of the file and opens its path again, which after a rotation is a new file. */
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
      mkdirSync(dirname(this.#path), { recursive: true });
    } catch (error) {
      this.#failed(error as Error);
      return;
    }
    open(this.#path, 'a', 0o600, (error, fd) => {
      if (error !== null) {
        this.#failed(error);
        return;
      }
      this.#fd = fd;
      this.#busy = false;
      this.#next();
    });
  }

  #writeAll(fd: number, bytes: Buffer): void {
    write(fd, bytes, (error, written) => {
      if (error !== null) this.#failed(error);
      else if (written < bytes.length) this.#writeAll(fd, bytes.subarray(written));
      else {
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
