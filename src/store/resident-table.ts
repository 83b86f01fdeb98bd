import type { EmbeddingRows } from '../engine/contract.js';
import { readRows } from './read-rows.js';

/** Rows in device memory. */
export interface DeviceRows {
  readonly rows: number;
  readonly bytes: number;
  close(): void;
}

/** A contiguous run of a table's rows on the device. */
export interface ResidentChunk<R extends DeviceRows> {
  readonly first: number;
  readonly device: R;
}

/** Default limit of device memory for rows, bytes. */
export const RESIDENT_BYTES = 4 * 2 ** 30;

/** Smallest chunk to upload: every chunk costs a separate kernel call in each scan. */
const LEAST_CHUNK = 1_024;

/**
 * The rows of one file on the device, updated as the file grows. Chunks are merged so that each is at least twice as
 * long as the next: there are few chunks, and no row is uploaded often.
 */
export class ResidentTable<R extends DeviceRows> {
  readonly path: string;
  readonly #dim: number;
  readonly #upload: (rows: EmbeddingRows) => Promise<R>;
  readonly #chunks: ResidentChunk<R>[] = [];

  /** @param path file of `[rows, dim]` little-endian f32 without a header */
  constructor(path: string, dim: number, upload: (rows: EmbeddingRows) => Promise<R>) {
    this.path = path;
    this.#dim = dim;
    this.#upload = upload;
  }

  get chunks(): readonly ResidentChunk<R>[] {
    return this.#chunks;
  }

  /** Number of rows on the device, a prefix of the file. */
  get rows(): number {
    const last = this.#chunks.at(-1);
    return last === undefined ? 0 : last.first + last.device.rows;
  }

  get bytes(): number {
    return this.#chunks.reduce((sum, { device }) => sum + device.bytes, 0);
  }

  /** Uploads new rows of the file, up to `rows`; may leave out fewer than {@link LEAST_CHUNK} at the end. */
  async grow(rows: number): Promise<void> {
    let first = this.rows;
    if (rows - first < LEAST_CHUNK) return;
    for (let last = this.#chunks.at(-1); last !== undefined && last.device.rows < 2 * (rows - first); ) {
      this.#chunks.pop();
      last.device.close();
      first = last.first;
      last = this.#chunks.at(-1);
    }
    const data = readRows(this.path, first, rows - first, this.#dim);
    this.#chunks.push({ first, device: await this.#upload({ data, rows: rows - first, dim: this.#dim }) });
  }

  close(): void {
    for (const { device } of this.#chunks.splice(0)) device.close();
  }
}
