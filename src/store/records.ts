import { crc32 } from 'node:zlib';
import type { Precision } from '../engine/contract.js';

// Records on disk. Numbers are little-endian, and every record ends with the CRC-32 of the bytes before it.

/** Byte offsets in a record of `samples/index.bin`. */
const SAMPLE = {
  checksum: 0,
  segment: 32,
  offset: 36,
  sizeBytes: 40,
  originBytes: 44,
  /** CRC-32 of the bytes and, after them, the origin. */
  dataCrc: 48,
  kind: 52,
  zero: 56,
} as const;
export const SAMPLE_RECORD_BYTES = 64;

/** Byte offsets in a record of `scores/<model>/meta.bin`. Record i belongs to row i of `f32.bin` and of `bf16.bin`. */
const META = {
  sampleId: 0,
  sampleTag: 4,
  loss: 8,
  precision: 12,
  /** CRC-32 of the f32 row. */
  rowCrc: 16,
} as const;
export const META_RECORD_BYTES = 24;

/** A record of `samples/tombstones.bin` is a sample id. */
export const TOMBSTONE_RECORD_BYTES = 8;

/** Indices of 32-bit words, for reading millions of records as one array. */
export const SAMPLE_WORDS = {
  tag: SAMPLE.checksum / 4,
  sizeBytes: SAMPLE.sizeBytes / 4,
  kind: SAMPLE.kind / 4,
  perRecord: SAMPLE_RECORD_BYTES / 4,
} as const;
/** Like {@link SAMPLE_WORDS}, for scores. */
export const META_WORDS = {
  sampleId: META.sampleId / 4,
  loss: META.loss / 4,
  precision: META.precision / 4,
  rowCrc: META.rowCrc / 4,
  perRecord: META_RECORD_BYTES / 4,
} as const;

/** A sample's place in the data segments. */
export interface SampleRecord {
  readonly checksum: Uint8Array;
  readonly segment: number;
  readonly offset: number;
  readonly sizeBytes: number;
  readonly originBytes: number;
  readonly dataCrc: number;
  /** `void` reserves the id of a lost sample, so that it is never reused. */
  readonly kind: 'sample' | 'void';
}

/** Codes of {@link SampleRecord.kind}. */
export const SAMPLE_KINDS = { sample: 1, void: 2 } as const;

/** Stored in place of a precision: withdraws the sample's earlier score. */
export const WITHDRAWN = 255;

const PRECISIONS: readonly Precision[] = ['f32', 'bf16', 'f16'];

/** Metadata of one row of embeddings. */
export interface MetaRecord {
  readonly sampleId: number;
  readonly sampleTag: number;
  readonly loss: number;
  readonly precision: Precision | 'withdrawn';
  readonly rowCrc: number;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function seal(bytes: Uint8Array): void {
  view(bytes).setUint32(bytes.length - 4, crc32(bytes.subarray(0, -4)), true);
}

/** Whether a record's own CRC-32 matches. That of an all-zero record does not. */
function isSealed(bytes: Uint8Array): boolean {
  return view(bytes).getUint32(bytes.length - 4, true) === crc32(bytes.subarray(0, -4));
}

/** The first four bytes of a checksum, which tie a score to its sample. */
export function tagOf(checksum: Uint8Array): number {
  return view(checksum).getUint32(0, true);
}

export function encodeSampleRecord(record: SampleRecord, out: Uint8Array): void {
  const v = view(out);
  out.set(record.checksum, SAMPLE.checksum);
  v.setUint32(SAMPLE.segment, record.segment, true);
  v.setUint32(SAMPLE.offset, record.offset, true);
  v.setUint32(SAMPLE.sizeBytes, record.sizeBytes, true);
  v.setUint32(SAMPLE.originBytes, record.originBytes, true);
  v.setUint32(SAMPLE.dataCrc, record.dataCrc, true);
  v.setUint32(SAMPLE.kind, SAMPLE_KINDS[record.kind], true);
  v.setUint32(SAMPLE.zero, 0, true);
  seal(out);
}

/** Decodes the record of a sample; undefined if it is damaged. */
export function decodeSampleRecord(bytes: Uint8Array): SampleRecord | undefined {
  if (!isSealed(bytes)) return undefined;
  const v = view(bytes);
  return {
    checksum: bytes.slice(SAMPLE.checksum, SAMPLE.segment),
    segment: v.getUint32(SAMPLE.segment, true),
    offset: v.getUint32(SAMPLE.offset, true),
    sizeBytes: v.getUint32(SAMPLE.sizeBytes, true),
    originBytes: v.getUint32(SAMPLE.originBytes, true),
    dataCrc: v.getUint32(SAMPLE.dataCrc, true),
    kind: v.getUint32(SAMPLE.kind, true) === SAMPLE_KINDS.sample ? 'sample' : 'void',
  };
}

export function encodeMetaRecord(record: MetaRecord, out: Uint8Array): void {
  const v = view(out);
  v.setUint32(META.sampleId, record.sampleId, true);
  v.setUint32(META.sampleTag, record.sampleTag, true);
  v.setFloat32(META.loss, record.loss, true);
  v.setUint32(META.precision, codeOf(record.precision), true);
  v.setUint32(META.rowCrc, record.rowCrc, true);
  seal(out);
}

/** Decodes the record of a score; undefined if it is damaged. */
export function decodeMetaRecord(bytes: Uint8Array): MetaRecord | undefined {
  if (!isSealed(bytes)) return undefined;
  const v = view(bytes);
  const code = v.getUint32(META.precision, true);
  return {
    sampleId: v.getUint32(META.sampleId, true),
    sampleTag: v.getUint32(META.sampleTag, true),
    loss: v.getFloat32(META.loss, true),
    precision: code === WITHDRAWN ? 'withdrawn' : precisionOf(code),
    rowCrc: v.getUint32(META.rowCrc, true),
  };
}

/** Encodes a precision. */
export function codeOf(precision: MetaRecord['precision']): number {
  return precision === 'withdrawn' ? WITHDRAWN : PRECISIONS.indexOf(precision);
}

/** Decodes a precision; unknown codes count as bf16. */
export function precisionOf(code: number): Precision {
  return PRECISIONS[code] ?? 'bf16';
}

export function encodeTombstone(sampleId: number, out: Uint8Array): void {
  view(out).setUint32(0, sampleId, true);
  seal(out);
}

/** Decodes the sample id of a tombstone; undefined if it is damaged. */
export function decodeTombstone(bytes: Uint8Array): number | undefined {
  return isSealed(bytes) ? view(bytes).getUint32(0, true) : undefined;
}
