import { Worker } from 'node:worker_threads';
import { QuarryError, toQuarryError } from '../errors/index.js';
import { workerFile } from '../threads/worker-file.js';
import type { RandomAccess } from './contract.js';
import type {
  FromParquetThread,
  ParquetColumn,
  ParquetDescription,
  ParquetRows,
  ToParquetThread,
} from './parquet-messages.js';

/**
 * Time limit for decoding without reading more bytes: a missing number in a page header can make the decoder loop
 * forever.
 */
const LIMIT_MS = 60_000;
/** Heap limit of the decoding thread; a row group of text takes about twice its size. */
const MAX_HEAP_MIB = 2_048;

/** The rows of one row group, which Parquet compresses together. */
export interface RowGroup {
  /** Index of its first row in the file. */
  readonly start: number;
  /** @throws QuarryError `DATA_INVALID` when the group is damaged */
  read(columns: readonly string[]): Promise<ParquetRows>;
}

/** A Parquet file whose metadata has been read. */
export interface ParquetFile {
  readonly columns: readonly ParquetColumn[];
  /** Number of rows in the whole file. */
  readonly rows: number;
  readonly groups: readonly RowGroup[];
  /** Releases the decoding thread. */
  close(): void;
}

/**
 * Reads the metadata at the end of a file. Untrusted files can make the decoder loop or run out of memory, so it runs
 * in a separate thread, which is then terminated; later reads of the file start a new one.
 *
 * @throws QuarryError `DATA_INVALID` when it is not Parquet
 */
export async function openParquet(
  name: string,
  file: RandomAccess,
  { limitMs = LIMIT_MS }: { readonly limitMs?: number | undefined } = {},
): Promise<ParquetFile> {
  let decoder = new Decoder(name, file, limitMs);
  const ask = async (request: ToParquetThread): Promise<ParquetDescription | ParquetRows> => {
    if (decoder.ended) {
      decoder = new Decoder(name, file, limitMs);
      if (!('openBytes' in request)) await decoder.ask({ openBytes: file.sizeBytes });
    }
    return decoder.ask(request);
  };
  try {
    const { columns, groupRows } = (await ask({ openBytes: file.sizeBytes })) as ParquetDescription;
    let rows = 0;
    const groups = groupRows.map((count, group): RowGroup => {
      const start = rows;
      rows += count;
      return { start, read: async (names) => (await ask({ group, columns: names })) as ParquetRows };
    });
    return { columns, rows, groups, close: () => decoder.close() };
  } catch (error) {
    decoder.close();
    throw error;
  }
}

/** An idle thread for reuse: starting one takes as long as reading a small file. */
let idle: Worker | undefined;

function takeThread(): Worker {
  const taken = idle;
  idle = undefined;
  if (taken !== undefined) return taken;
  const limits = { maxOldGenerationSizeMb: MAX_HEAP_MIB };
  const thread = new Worker(workerFile('parquet'), { name: 'parquet', resourceLimits: limits });
  // An error also ends the thread, and is then reported by its current user.
  thread.on('error', () => {});
  thread.on('exit', () => {
    if (idle === thread) idle = undefined;
  });
  return thread;
}

interface Request {
  readonly resolve: (value: ParquetDescription | ParquetRows) => void;
  readonly reject: (error: QuarryError) => void;
}

/** One file's use of a decoding thread. */
class Decoder {
  readonly #name: string;
  readonly #file: RandomAccess;
  readonly #limitMs: number;
  readonly #thread = takeThread();
  #request: Request | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Error of reading the file's bytes. */
  #unread: QuarryError | undefined;
  ended = false;

  constructor(name: string, file: RandomAccess, limitMs: number) {
    this.#name = name;
    this.#file = file;
    this.#limitMs = limitMs;
    this.#thread.ref();
    this.#thread.on('message', this.#take).on('error', this.#fail).on('exit', this.#fail);
  }

  ask(message: ToParquetThread): Promise<ParquetDescription | ParquetRows> {
    return new Promise((resolve, reject) => {
      this.#request = { resolve, reject };
      this.#tell(message);
    });
  }

  close(): void {
    if (this.ended) return;
    this.ended = true;
    clearTimeout(this.#timer);
    this.#thread.off('message', this.#take).off('error', this.#fail).off('exit', this.#fail);
    if (idle !== undefined || this.#request !== undefined) return void this.#thread.terminate();
    this.#thread.unref();
    idle = this.#thread;
  }

  #tell(message: ToParquetThread): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#end(`takes over ${this.#limitMs / 1_000} s to decode`), this.#limitMs);
    this.#thread.postMessage(message);
  }

  readonly #take = (message: FromParquetThread): void => {
    clearTimeout(this.#timer);
    if ('slice' in message) return void this.#give(message);
    const request = this.#request;
    this.#request = undefined;
    if ('value' in message) request?.resolve(message.value);
    else request?.reject(this.#unread ?? this.#invalid('is not valid Parquet', new Error(message.failure)));
    this.#unread = undefined;
  };

  readonly #fail = (cause: unknown): void => this.#end('cannot be decoded', cause);

  async #give({ slice, start, end }: Extract<FromParquetThread, { slice: number }>): Promise<void> {
    const bytes = await this.#file.read(start, end).catch((error: unknown) => {
      this.#unread = toQuarryError(error, `reading ${this.#name}`);
      return undefined;
    });
    if (!this.ended) this.#tell({ slice, bytes });
  }

  #end(what: string, cause?: unknown): void {
    if (this.ended) return;
    const request = this.#request;
    this.close();
    request?.reject(this.#invalid(what, cause));
  }

  #invalid(what: string, cause?: unknown): QuarryError {
    return new QuarryError('DATA_INVALID', `${this.#name} ${what}`, { cause });
  }
}
