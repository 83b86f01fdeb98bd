import { crc32 } from 'node:zlib';
import type { Precision } from '../engine/contract.js';

/*
 * Records on disk. All numbers are little-endian; every record ends with the CRC-32 of what precedes it.
 *
 * samples/index.bin, 64 bytes each:
 *   0  checksum, BLAKE2b-256   32 segment   36 offset   40 size   44 origin size   48 CRC-32 of bytes + origin
 *   52 kind (1 sample, 2 void) 56 zero      60 CRC-32 of bytes 0..60
 * scores/<model>/meta.bin, 24 bytes each; row i of f32.bin and of bf16.bin belongs to record i:
 *   0  sample id   4 first four bytes of the sample's checksum   8 loss, f32   12 precision, or 255 for a score
 *   withdrawn 16 CRC-32 of the f32 row   20 CRC-32 of bytes 0..20 tombstones.bin, 8 bytes each: 0 sample id   4 CRC-32
 *   of bytes 0..4
 */
export const SAMPLE_RECORD_BYTES = 64;
export const META_RECORD_BYTES = 24;
export const TOMBSTONE_RECORD_BYTES = 8;

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
export function isSealed(bytes: Uint8Array): boolean {
  return view(bytes).getUint32(bytes.length - 4, true) === crc32(bytes.subarray(0, -4));
}

/** The first four bytes of a checksum, which tie a score to its sample. */
export function tagOf(checksum: Uint8Array): number {
  return view(checksum).getUint32(0, true);
}

export function encodeSampleRecord(record: SampleRecord, out: Uint8Array): void {
  const v = view(out);
  out.set(record.checksum, 0);
  v.setUint32(32, record.segment, true);
  v.setUint32(36, record.offset, true);
  v.setUint32(40, record.sizeBytes, true);
  v.setUint32(44, record.originBytes, true);
  v.setUint32(48, record.dataCrc, true);
  v.setUint32(52, record.kind === 'sample' ? 1 : 2, true);
  v.setUint32(56, 0, true);
  seal(out);
}

export function decodeSampleRecord(bytes: Uint8Array): SampleRecord | undefined {
  if (!isSealed(bytes)) return undefined;
  const v = view(bytes);
  return {
    checksum: bytes.slice(0, 32),
    segment: v.getUint32(32, true),
    offset: v.getUint32(36, true),
    sizeBytes: v.getUint32(40, true),
    originBytes: v.getUint32(44, true),
    dataCrc: v.getUint32(48, true),
    kind: v.getUint32(52, true) === 1 ? 'sample' : 'void',
  };
}

export function encodeMetaRecord(record: MetaRecord, out: Uint8Array): void {
  const v = view(out);
  v.setUint32(0, record.sampleId, true);
  v.setUint32(4, record.sampleTag, true);
  v.setFloat32(8, record.loss, true);
  v.setUint32(12, codeOf(record.precision), true);
  v.setUint32(16, record.rowCrc, true);
  seal(out);
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
