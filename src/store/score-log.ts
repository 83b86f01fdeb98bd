import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Precision } from '../engine/contract.js';
import { toBf16 } from '../engine/embedding-rows.js';
import { QuarryError } from '../errors/index.js';
import { AppendFile } from './append-file.js';
import { Column } from './column.js';
import { ensureModelFile } from './model-file.js';
import type { ModelKey } from './model-key.js';
import {
  codeOf,
  decodeMetaRecord,
  encodeMetaRecord,
  META_RECORD_BYTES,
  META_WORDS,
  type MetaRecord,
  precisionOf,
  WITHDRAWN,
} from './records.js';

const BLOCK_RECORDS = 65_536;

/** A score to append. */
export interface NewScore {
  readonly sampleId: number;
  readonly sampleTag: number;
  readonly loss: number;
  readonly embedding: Float32Array;
  /** `withdrawn`: withdraws the sample's score. */
  readonly precision: Precision | 'withdrawn';
}

/** Log of one model's scores in three parallel files: metadata, f32 rows and bf16 rows. */
export class ScoreLog {
  readonly key: ModelKey;
  readonly dir: string;
  readonly embeddingDim: number;
  /** Files that scans map: `[count, dim]` little-endian f32 and bf16 rows, without a header. */
  readonly f32Path: string;
  readonly bf16Path: string;
  readonly samples = new Column((n) => new Uint32Array(n));
  readonly losses = new Column((n) => new Float32Array(n));
  readonly precisions = new Column((n) => new Uint8Array(n));
  /** CRC-32 of each f32 row, as it was appended. */
  readonly rowCrcs = new Column((n) => new Uint32Array(n));
  /** Newest row of each sample plus one; 0 if it has none or it was withdrawn. */
  readonly rowOfSample = new Column((n) => new Uint32Array(n));
  #finite = 0;
  #exactNotFinite = 0;
  readonly #meta: AppendFile;
  readonly #f32: AppendFile;
  readonly #bf16: AppendFile;

  constructor(dir: string, key: ModelKey, embeddingDim: number, readonly: boolean) {
    this.dir = dir;
    this.key = key;
    this.embeddingDim = embeddingDim;
    this.f32Path = join(dir, 'f32.bin');
    this.bf16Path = join(dir, 'bf16.bin');
    if (!readonly) ensureModelFile(dir, { ...key, embeddingDim });
    this.#meta = new AppendFile(join(dir, 'meta.bin'), readonly);
    this.#f32 = new AppendFile(this.f32Path, readonly);
    this.#bf16 = new AppendFile(this.bf16Path, readonly);
  }

  get count(): number {
    return this.samples.length;
  }

  /** Like {@link SampleLog.repair}; also rebuilds missing bf16 rows from the f32 rows. Writer only. */
  repair(committed: number): { lost: number; adopted: number } {
    const rowBytes = this.embeddingDim * 4;
    let whole = Math.min(
      committed,
      Math.floor(this.#meta.sizeBytes / META_RECORD_BYTES),
      Math.floor(this.#f32.sizeBytes / rowBytes),
    );
    while (whole > 0 && !this.isWhole(whole - 1)) whole--;
    const lost = committed - whole;
    if (lost === 0) while (this.isWhole(whole)) whole++;
    this.#meta.truncate(whole * META_RECORD_BYTES);
    this.#f32.truncate(whole * rowBytes);
    const packed = Math.min(committed, whole, Math.floor(this.#bf16.sizeBytes / (rowBytes / 2)));
    this.#bf16.truncate((packed * rowBytes) / 2);
    for (let row = packed; row < whole; row++) this.#bf16.append(bytesOf(toBf16(this.embedding(row))));
    return { lost, adopted: Math.max(0, whole - committed) };
  }

  /** Loads records up to row `upTo` into memory. */
  load(upTo: number): void {
    const count = Math.min(upTo, Math.floor(this.#meta.statSizeBytes() / META_RECORD_BYTES));
    const block = new Uint8Array(BLOCK_RECORDS * META_RECORD_BYTES);
    const words = new Uint32Array(block.buffer);
    const floats = new Float32Array(block.buffer);
    for (const column of [this.samples, this.losses, this.precisions, this.rowCrcs]) column.reserve(count);
    while (this.count < count) {
      const records = Math.min(BLOCK_RECORDS, count - this.count);
      const read = this.#meta.read(block.subarray(0, records * META_RECORD_BYTES), this.count * META_RECORD_BYTES);
      const whole = Math.floor(read / META_RECORD_BYTES);
      for (let i = 0; i < whole; i++) {
        const at = i * META_WORDS.perRecord;
        this.#remember(
          words[at + META_WORDS.sampleId]!,
          floats[at + META_WORDS.loss]!,
          words[at + META_WORDS.precision]!,
          words[at + META_WORDS.rowCrc]!,
        );
      }
      if (whole < records) break;
    }
  }

  /** Whether row `row` is intact on disk. */
  isWhole(row: number): boolean {
    const record = this.#record(row);
    if (record === undefined) return false;
    const values = new Uint8Array(this.embeddingDim * 4);
    return this.#f32.read(values, row * values.length) === values.length && crc32(values) === record.rowCrc;
  }

  /** Whether the bf16 row is the rounded f32 row. */
  isPackedRight(row: number): boolean {
    const found = new Uint8Array(this.embeddingDim * 2);
    this.#bf16.read(found, row * found.length);
    return Buffer.compare(found, bytesOf(toBf16(this.embedding(row)))) === 0;
  }

  /** The sample tag in the record of `row`; undefined if that is damaged. */
  tag(row: number): number | undefined {
    return this.#record(row)?.sampleTag;
  }

  /** Row `row` in f32, `[dim]`. */
  embedding(row: number): Float32Array {
    const out = new Float32Array(this.embeddingDim);
    this.#f32.read(bytesOf(out), row * out.byteLength);
    return out;
  }

  /** Row `row` in f32; undefined if the row or its record is damaged on disk or differs from what was loaded. */
  checkedEmbedding(row: number): Float32Array | undefined {
    const record = this.#record(row);
    if (record === undefined) return undefined;
    const asLoaded =
      record.sampleId === this.samples.array[row] &&
      Object.is(record.loss, this.losses.array[row]) &&
      record.rowCrc === this.rowCrcs.array[row];
    const embedding = this.embedding(row);
    return asLoaded && crc32(bytesOf(embedding)) === record.rowCrc ? embedding : undefined;
  }

  rowOf(sampleId: number): number | undefined {
    const row = sampleId < this.rowOfSample.length ? this.rowOfSample.array[sampleId]! : 0;
    return row === 0 ? undefined : row - 1;
  }

  /** Whether no loss was ever finite, including at least one in f32: the model is then broken on every engine. */
  get neverFinite(): boolean {
    return this.#finite === 0 && this.#exactNotFinite > 0;
  }

  precision(row: number): Precision {
    return precisionOf(this.precisions.array[row]!);
  }

  append(scores: readonly NewScore[]): void {
    const dim = this.embeddingDim;
    const f32 = new Float32Array(scores.length * dim);
    const f32Bytes = bytesOf(f32);
    const meta = new Uint8Array(scores.length * META_RECORD_BYTES);
    const rowCrcs = scores.map((score, i) => {
      if (score.embedding.length !== dim) {
        throw new QuarryError('INVALID_ARGUMENT', `"embedding" expected ${dim} values, got ${score.embedding.length}`);
      }
      f32.set(score.embedding, i * dim);
      const rowCrc = crc32(f32Bytes.subarray(i * dim * 4, (i + 1) * dim * 4));
      encodeMetaRecord({ ...score, rowCrc }, meta.subarray(i * META_RECORD_BYTES, (i + 1) * META_RECORD_BYTES));
      return rowCrc;
    });
    const undo = [this.#f32, this.#bf16].map((file) => [file, file.sizeBytes] as const);
    try {
      this.#f32.append(f32Bytes);
      this.#bf16.append(bytesOf(toBf16(f32)));
      // Write the record last, so that every intact record has its rows.
      this.#meta.append(meta);
    } catch (error) {
      for (const [file, sizeBytes] of undo) file.truncate(sizeBytes);
      throw error;
    }
    for (const [i, score] of scores.entries()) {
      this.#remember(score.sampleId, score.loss, codeOf(score.precision), rowCrcs[i]!);
    }
  }

  async sync(): Promise<void> {
    await Promise.all([this.#f32.sync(), this.#bf16.sync()]);
    await this.#meta.sync();
  }

  close(): void {
    for (const file of [this.#meta, this.#f32, this.#bf16]) file.close();
  }

  get bytesOnDisk(): number {
    return this.#meta.statSizeBytes() + this.#f32.statSizeBytes() + this.#bf16.statSizeBytes();
  }

  #record(row: number): MetaRecord | undefined {
    const bytes = new Uint8Array(META_RECORD_BYTES);
    return this.#meta.read(bytes, row * META_RECORD_BYTES) < META_RECORD_BYTES ? undefined : decodeMetaRecord(bytes);
  }

  #remember(sampleId: number, loss: number, precision: number, rowCrc: number): void {
    this.samples.push(sampleId);
    this.losses.push(loss);
    this.precisions.push(precision);
    this.rowCrcs.push(rowCrc);
    if (precision === WITHDRAWN) {
      this.rowOfSample.set(sampleId, 0);
      return;
    }
    if (Number.isFinite(loss)) this.#finite++;
    else if (precisionOf(precision) === 'f32') this.#exactNotFinite++;
    this.rowOfSample.set(sampleId, this.count);
  }
}

function bytesOf(values: Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
