import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { QuarryError } from '../errors/index.js';
import { makeDirectory } from '../files/make-directory.js';
import { AppendFile } from './append-file.js';
import { Column } from './column.js';
import {
  decodeSampleRecord,
  decodeTombstone,
  encodeSampleRecord,
  encodeTombstone,
  SAMPLE_KINDS,
  SAMPLE_RECORD_BYTES,
  SAMPLE_WORDS,
  type SampleRecord,
  TOMBSTONE_RECORD_BYTES,
  tagOf,
} from './records.js';

/** Size at which a data segment is closed; keeps offsets in 32 bits. */
const SEGMENT_BYTES = 256 * 1024 * 1024;
/** Records read from the index file at a time. */
const BLOCK_RECORDS = 65_536;

/** A sample to append. */
export interface NewSample {
  readonly checksum: Uint8Array;
  readonly bytes: Uint8Array;
  readonly origin: Uint8Array;
}

/** Log of samples, numbered from 0: raw bytes in segments, and an index with one fixed-size record per sample. */
export class SampleLog {
  readonly #dir: string;
  readonly #readonly: boolean;
  readonly #index: AppendFile;
  readonly #tombstoneFile: AppendFile;
  readonly #segments = new Map<number, AppendFile>();
  /** First four bytes of each checksum. */
  readonly tags = new Column((n) => new Uint32Array(n));
  readonly sizes = new Column((n) => new Uint32Array(n));
  /** 1 if a sample is void or tombstoned. */
  readonly dead = new Column((n) => new Uint8Array(n));
  #segment = 0;
  #tombstonesRead = 0;

  constructor(dir: string, readonly: boolean) {
    this.#dir = dir;
    this.#readonly = readonly;
    if (!readonly) makeDirectory(dir);
    this.#index = new AppendFile(join(dir, 'index.bin'), readonly);
    this.#tombstoneFile = new AppendFile(join(dir, 'tombstones.bin'), readonly);
  }

  get count(): number {
    return this.tags.length;
  }

  /**
   * Recovers after a crash. From `committed`, the last known count, goes back over damaged records or forward over
   * intact ones that were written but not committed, and truncates the rest. Lost ids below `committed` become void.
   * Writer only.
   *
   * @returns how many committed samples were lost, and how many uncommitted ones were adopted
   */
  repair(committed: number): { lost: number; adopted: number } {
    let whole = Math.min(committed, Math.floor(this.#index.sizeBytes / SAMPLE_RECORD_BYTES));
    while (whole > 0 && !this.isWhole(whole - 1)) whole--;
    const lost = committed - whole;
    // After a loss, later records cannot be adopted: they would have to be renumbered.
    if (lost === 0) while (this.isWhole(whole)) whole++;
    this.#index.truncate(whole * SAMPLE_RECORD_BYTES);
    this.#cutData(whole);
    if (lost > 0) this.#appendVoids(lost);
    this.#tombstoneFile.truncate(
      this.#tombstoneFile.sizeBytes - (this.#tombstoneFile.sizeBytes % TOMBSTONE_RECORD_BYTES),
    );
    return { lost, adopted: Math.max(0, whole - committed) };
  }

  /** Loads index records up to `upTo` into memory. */
  load(upTo: number): void {
    const count = Math.min(upTo, Math.floor(this.#index.statSizeBytes() / SAMPLE_RECORD_BYTES));
    const block = new Uint8Array(BLOCK_RECORDS * SAMPLE_RECORD_BYTES);
    const words = new Uint32Array(block.buffer);
    for (const column of [this.tags, this.sizes, this.dead]) column.reserve(count);
    while (this.count < count) {
      const records = Math.min(BLOCK_RECORDS, count - this.count);
      const read = this.#index.read(block.subarray(0, records * SAMPLE_RECORD_BYTES), this.count * SAMPLE_RECORD_BYTES);
      const whole = Math.floor(read / SAMPLE_RECORD_BYTES);
      for (let i = 0; i < whole; i++) {
        const at = i * SAMPLE_WORDS.perRecord;
        this.tags.push(words[at + SAMPLE_WORDS.tag]!);
        this.sizes.push(words[at + SAMPLE_WORDS.sizeBytes]!);
        this.dead.push(words[at + SAMPLE_WORDS.kind] === SAMPLE_KINDS.sample ? 0 : 1);
      }
      if (whole < records) break;
    }
  }

  /** Loads tombstones written since the last call; returns their sample ids. */
  loadTombstones(): number[] {
    const size = this.#tombstoneFile.statSizeBytes();
    const named: number[] = [];
    const record = new Uint8Array(TOMBSTONE_RECORD_BYTES);
    for (; this.#tombstonesRead + TOMBSTONE_RECORD_BYTES <= size; this.#tombstonesRead += TOMBSTONE_RECORD_BYTES) {
      this.#tombstoneFile.read(record, this.#tombstonesRead);
      const id = decodeTombstone(record);
      if (id === undefined || id >= this.count) continue;
      this.dead.array[id] = 1;
      named.push(id);
    }
    return named;
  }

  /** Whether a record and its bytes are intact on disk. */
  isWhole(id: number): boolean {
    const record = this.record(id);
    if (record === undefined) return false;
    if (record.kind === 'void') return true;
    const data = this.#readData(record);
    return data !== undefined && crc32(data) === record.dataCrc;
  }

  record(id: number): SampleRecord | undefined {
    const bytes = new Uint8Array(SAMPLE_RECORD_BYTES);
    if (this.#index.read(bytes, id * SAMPLE_RECORD_BYTES) < SAMPLE_RECORD_BYTES) return undefined;
    return decodeSampleRecord(bytes);
  }

  /**
   * Reads a sample's bytes and origin.
   *
   * @throws QuarryError `NOT_FOUND` when there is no such sample
   * @throws QuarryError `STORE_CORRUPT` when the bytes do not match their checksum
   */
  read(id: number): { record: SampleRecord; bytes: Uint8Array; origin: string } {
    const record = id < this.count ? this.record(id) : undefined;
    if (record === undefined || record.kind === 'void') {
      throw new QuarryError('NOT_FOUND', `the store has no sample ${id}`, { details: { sampleId: id } });
    }
    const data = this.#readData(record);
    if (data === undefined || crc32(data) !== record.dataCrc) {
      throw new QuarryError('STORE_CORRUPT', `sample ${id} is damaged on disk`, {
        hint: 'verify the store; tombstone the sample to continue without it',
        details: { sampleId: id, segment: record.segment },
      });
    }
    return {
      record,
      bytes: data.subarray(0, record.sizeBytes),
      origin: new TextDecoder().decode(data.subarray(record.sizeBytes)),
    };
  }

  /** Appends samples and returns the id of the first. Call {@link sync} to make them survive power loss. */
  append(samples: readonly NewSample[]): number {
    const first = this.count;
    const records = new Uint8Array(samples.length * SAMPLE_RECORD_BYTES);
    let pending: Uint8Array[] = [];
    const flush = (): void => {
      if (pending.length > 0) this.#openSegment(this.#segment).append(Buffer.concat(pending));
      pending = [];
    };
    let offset = this.#openSegment(this.#segment).sizeBytes;
    samples.forEach((sample, i) => {
      const total = sample.bytes.length + sample.origin.length;
      if (offset + total > SEGMENT_BYTES && offset > 0) {
        flush();
        this.#segment++;
        offset = this.#openSegment(this.#segment).sizeBytes;
      }
      encodeSampleRecord(
        {
          checksum: sample.checksum,
          segment: this.#segment,
          offset,
          sizeBytes: sample.bytes.length,
          originBytes: sample.origin.length,
          // zlib takes the null pointer of an empty array as a request for the initial value.
          dataCrc: sample.origin.length === 0 ? crc32(sample.bytes) : crc32(sample.origin, crc32(sample.bytes)),
          kind: 'sample',
        },
        records.subarray(i * SAMPLE_RECORD_BYTES, (i + 1) * SAMPLE_RECORD_BYTES),
      );
      pending.push(sample.bytes, sample.origin);
      offset += total;
    });
    flush();
    // Write bytes before records, so that every record on disk has its bytes.
    this.#index.append(records);
    for (const sample of samples) {
      this.tags.push(tagOf(sample.checksum));
      this.sizes.push(sample.bytes.length);
      this.dead.push(0);
    }
    return first;
  }

  tombstone(ids: readonly number[]): void {
    const records = new Uint8Array(ids.length * TOMBSTONE_RECORD_BYTES);
    ids.forEach((id, i) => {
      encodeTombstone(id, records.subarray(i * TOMBSTONE_RECORD_BYTES, (i + 1) * TOMBSTONE_RECORD_BYTES));
      this.dead.array[id] = 1;
    });
    this.#tombstoneFile.append(records);
    this.#tombstonesRead = this.#tombstoneFile.sizeBytes;
  }

  async sync(): Promise<void> {
    await Promise.all([...this.#segments.values()].map((segment) => segment.sync()));
    await Promise.all([this.#index.sync(), this.#tombstoneFile.sync()]);
  }

  close(): void {
    for (const segment of this.#segments.values()) segment.close();
    this.#index.close();
    this.#tombstoneFile.close();
  }

  get bytesOnDisk(): number {
    let total = this.#index.sizeBytes + this.#tombstoneFile.sizeBytes;
    for (const n of this.#segmentNumbers()) total += this.#openSegment(n).statSizeBytes();
    return total;
  }

  #path(segment: number): string {
    return join(this.#dir, `data-${String(segment).padStart(6, '0')}.bin`);
  }

  #openSegment(segment: number): AppendFile {
    let file = this.#segments.get(segment);
    if (file === undefined) {
      file = new AppendFile(this.#path(segment), this.#readonly);
      this.#segments.set(segment, file);
    }
    return file;
  }

  #readData(record: SampleRecord): Uint8Array | undefined {
    if (!this.#segments.has(record.segment) && !existsSync(this.#path(record.segment))) return undefined;
    const out = new Uint8Array(record.sizeBytes + record.originBytes);
    return this.#openSegment(record.segment).read(out, record.offset) === out.length ? out : undefined;
  }

  #segmentNumbers(): number[] {
    return readdirSync(this.#dir)
      .map((name) => /^data-(\d{6})\.bin$/.exec(name)?.[1])
      .filter((digits) => digits !== undefined)
      .map(Number)
      .sort((a, b) => a - b);
  }

  /** Truncates the data segments after the last sample below `count`. */
  #cutData(count: number): void {
    let last: SampleRecord | undefined;
    for (let id = count - 1; id >= 0 && last === undefined; id--) {
      const record = this.record(id);
      if (record?.kind === 'sample') last = record;
    }
    this.#segment = last?.segment ?? 0;
    const end = last === undefined ? 0 : last.offset + last.sizeBytes + last.originBytes;
    for (const n of this.#segmentNumbers()) {
      if (n <= this.#segment) continue;
      this.#segments.get(n)?.close();
      this.#segments.delete(n);
      rmSync(this.#path(n));
    }
    this.#openSegment(this.#segment).truncate(end);
  }

  #appendVoids(count: number): void {
    const records = new Uint8Array(count * SAMPLE_RECORD_BYTES);
    for (let i = 0; i < count; i++) {
      encodeSampleRecord(
        { checksum: new Uint8Array(32), segment: 0, offset: 0, sizeBytes: 0, originBytes: 0, dataCrc: 0, kind: 'void' },
        records.subarray(i * SAMPLE_RECORD_BYTES, (i + 1) * SAMPLE_RECORD_BYTES),
      );
    }
    this.#index.append(records);
  }
}
