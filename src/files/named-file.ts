import { close, createReadStream, constants as fs, fstat, open, read } from 'node:fs';
import { Socket } from 'node:net';
import { promisify } from 'node:util';
import { QuarryError, toQuarryError } from '../errors/index.js';

/** Settings, keys and the like are far smaller. */
const MAX_BYTES = 8 * 1024 * 1024;
/** Size of a pipe on Linux. */
const PIPE_BYTES = 64 * 1024;

/** Options of {@link readNamedFile}. */
export interface ReadNamedFileOptions {
  /** A larger file is refused. Default 8 MiB. */
  readonly maxBytes?: number | undefined;
  /** The operation, as errors name it. Default: `reading PATH`. */
  readonly doing?: string | undefined;
  /** Takes nothing from a FIFO for an empty file. */
  readonly allowEmptyFifo?: boolean | undefined;
  /** Ends the wait for a FIFO's writer. Not to be forgotten: without it nothing else does. */
  readonly signal: AbortSignal | undefined;
}

/**
 * Reads a file that the user named, which may be a pipe, as a shell's `<(command)` is. Does not wait for somebody to open
 * the other end of a FIFO, nor fill the memory from a device without end.
 *
 * @throws QuarryError `FILE_NOT_FOUND` or `FILE_UNREADABLE` when it cannot be read, or is a FIFO that nobody writes to
 * @throws QuarryError `DATA_TOO_LARGE` when it has more than `maxBytes`
 * @throws QuarryError `ABORTED` when the signal fires
 */
export async function readNamedFile(path: string, options: ReadNamedFileOptions): Promise<Buffer> {
  const { maxBytes = MAX_BYTES, doing = `reading ${path}`, allowEmptyFifo = false, signal } = options;
  try {
    // Without O_NONBLOCK opening a FIFO waits for a writer, on one of Node's few threads, which nothing can interrupt.
    const fd = await promisify(open)(path, fs.O_RDONLY | (fs.O_NONBLOCK ?? 0));
    const isFifo = (await promisify(fstat)(fd)).isFIFO();
    const parts: Buffer[] = [];
    let size = 0;
    for await (const piece of isFifo ? fifoPieces(fd, signal) : createReadStream(path, { fd, signal })) {
      size += piece.byteLength;
      if (size > maxBytes) {
        throw new QuarryError('DATA_TOO_LARGE', `${doing} failed: it has more than ${maxBytes} bytes`, {
          hint: 'check that it is the intended file',
          details: { path, maxBytes },
        });
      }
      parts.push(piece);
    }
    if (isFifo && size === 0 && !allowEmptyFifo) {
      throw new QuarryError('FILE_UNREADABLE', `${doing} failed: it is a FIFO, and nobody writes to it`, {
        hint: 'start what writes to it first, or name a file',
        details: { path },
      });
    }
    return Buffer.concat(parts);
  } catch (error) {
    throw toQuarryError(error, doing);
  }
}

async function* fifoPieces(fd: number, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  let mayHaveWriter = false;
  try {
    const { buffer, bytesRead } = await promisify(read)(fd, Buffer.alloc(PIPE_BYTES), 0, PIPE_BYTES, null);
    mayHaveWriter = bytesRead > 0;
    yield buffer.subarray(0, bytesRead);
  } catch (error) {
    mayHaveWriter = (error as NodeJS.ErrnoException).code === 'EAGAIN';
    if (!mayHaveWriter) throw error;
  } finally {
    if (!mayHaveWriter) await promisify(close)(fd);
  }
  // It waits for what the writer has yet to write, where a read would fail, but not for the end without a writer.
  if (mayHaveWriter) yield* new Socket({ fd, writable: false, ...(signal !== undefined && { signal }) });
}
