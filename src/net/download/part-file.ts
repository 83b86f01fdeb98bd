import { type FileHandle, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { QuarryError } from '../../errors/index.js';
import { assertRegularFile } from '../../files/regular-file.js';
import { replaceFile } from '../../files/replace-file.js';
import type { DownloadSink } from './source.js';

/** Identifies the object that a partial file belongs to. Contains no signature. */
export interface PartRecord {
  /** Host and path of the object's URL. */
  readonly object: string;
  readonly etag: string | null;
  readonly total: number | null;
  readonly updatedAt: string;
}

/** A file being downloaded, `<dest>.part`, with a record, `<dest>.part.json`, that lets a later run resume it. */
export class PartFile implements DownloadSink {
  readonly path: string;
  readonly #sidecar: string;
  #handle: FileHandle | undefined;
  #size = 0;
  record: PartRecord | undefined;

  constructor(dest: string) {
    this.path = `${dest}.part`;
    this.#sidecar = `${dest}.part.json`;
  }

  /** Number of bytes present. */
  get size(): number {
    return this.#size;
  }

  /**
   * Opens the file. Bytes of an earlier run are kept if `resume` is set and the record belongs to `object`.
   *
   * @throws QuarryError `FILE_UNREADABLE` when it or its record is not a regular file
   */
  async open(object: string, resume: boolean): Promise<void> {
    assertRegularFile(this.path);
    assertRegularFile(this.#sidecar);
    const known = resume ? await this.#readRecord() : undefined;
    const usable = known !== undefined && known.object === object && known.etag !== null;
    const size = usable
      ? await stat(this.path).then(
          (found) => found.size,
          () => 0,
        )
      : 0;
    this.#handle = await open(this.path, size > 0 ? 'r+' : 'w+');
    this.#size = size;
    this.record = size > 0 ? known : undefined;
  }

  async write(chunk: Uint8Array): Promise<void> {
    let offset = 0;
    while (offset < chunk.length) {
      const { bytesWritten } = await this.#open.write(chunk, offset, chunk.length - offset, this.#size);
      offset += bytesWritten;
      this.#size += bytesWritten;
    }
  }

  /** Reads into `buffer` from `position`; returns the number of bytes, 0 at the end. */
  async read(buffer: Uint8Array, position: number): Promise<number> {
    return (await this.#open.read(buffer, 0, buffer.length, position)).bytesRead;
  }

  /** Discards all bytes, because the object changed or the server restarted. */
  async restart(): Promise<void> {
    await this.#open.truncate(0);
    this.#size = 0;
    this.record = undefined;
  }

  /** Writes the record. Must precede the bytes it describes. */
  async describe(record: PartRecord): Promise<void> {
    this.record = record;
    await replaceFile(this.#sidecar, `${JSON.stringify(record)}\n`);
  }

  /** Syncs the bytes to disk and moves the file to `dest`. */
  async finish(dest: string): Promise<void> {
    await this.#open.sync();
    await this.close();
    await rename(this.path, dest);
    await rm(this.#sidecar, { force: true });
  }

  /** Removes the file and its record. */
  async discard(): Promise<void> {
    await this.close();
    await rm(this.path, { force: true });
    await rm(this.#sidecar, { force: true });
  }

  /** Closes the file but keeps it for the next run. */
  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  get #open(): FileHandle {
    if (this.#handle === undefined) throw new QuarryError('INTERNAL', `${this.path} is not open`);
    return this.#handle;
  }

  async #readRecord(): Promise<PartRecord | undefined> {
    try {
      const value = JSON.parse(await readFile(this.#sidecar, 'utf8')) as Partial<PartRecord>;
      if (typeof value.object !== 'string') return undefined;
      return {
        object: value.object,
        etag: typeof value.etag === 'string' ? value.etag : null,
        total: typeof value.total === 'number' ? value.total : null,
        updatedAt: String(value.updatedAt ?? ''),
      };
    } catch {
      return undefined;
    }
  }
}
