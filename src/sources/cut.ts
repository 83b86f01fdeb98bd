import { QuarryError } from '../errors/index.js';
import type { SourceDocument } from './contract.js';

/** Bytes of a chunk: samples of an exact multiple need no padding. */
export const CHUNK_BYTES = 1024;
/** `max_submission_data_size` of every protocol version: larger samples cannot be submitted. */
export const MAX_SAMPLE_BYTES = 1_048_576;

/** How to cut documents into samples. Sizes are in bytes. */
export interface CutOptions {
  /** Bytes per sample. Default 1024: one chunk, which gives the most samples per FLOP and the cheapest bond. */
  readonly sampleBytes?: number | undefined;
  /** Make each document one sample; documents over the protocol's limit are skipped. */
  readonly wholeFiles?: boolean | undefined;
  /** Move cuts back to a UTF-8 character boundary. */
  readonly utf8Boundaries?: boolean | undefined;
  /** Skip samples with lower entropy, in bits per byte (0 to 8, order-0 Shannon entropy). Default 0. */
  readonly minEntropyBits?: number | undefined;
}

/** A piece of a document. */
export interface CutSample {
  readonly bytes: Uint8Array;
  readonly origin: string;
}

/** Counts of samples, and of what was left out by reason. */
export interface CutStats {
  samples: number;
  tooLarge: number;
  tooShort: number;
  lowEntropy: number;
}

/** Creates counters at zero. */
export function createCutStats(): CutStats {
  return { samples: 0, tooLarge: 0, tooShort: 0, lowEntropy: 0 };
}

/**
 * Cuts a document into samples. A tail shorter than a sample is kept only if the whole document is shorter: otherwise
 * it would cost a full chunk for fewer bytes.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when `sampleBytes` is not between 1 and the protocol's limit
 */
export async function* cutDocument(
  document: SourceDocument,
  options: CutOptions,
  stats: CutStats,
): AsyncGenerator<CutSample> {
  const size = options.wholeFiles ? MAX_SAMPLE_BYTES : (options.sampleBytes ?? CHUNK_BYTES);
  if (!Number.isInteger(size) || size < 1 || size > MAX_SAMPLE_BYTES) {
    throw new QuarryError('INVALID_ARGUMENT', `a sample has 1 to ${MAX_SAMPLE_BYTES} bytes, got ${size}`);
  }
  const keep = (bytes: Uint8Array, offset: number): CutSample | undefined => {
    if ((options.minEntropyBits ?? 0) > 0 && entropyBits(bytes) < (options.minEntropyBits ?? 0)) {
      stats.lowEntropy++;
      return undefined;
    }
    stats.samples++;
    return { bytes, origin: options.wholeFiles || offset === 0 ? document.origin : `${document.origin}@${offset}` };
  };
  const buffer = new Uint8Array(size);
  let filled = 0;
  let offset = 0;
  for await (const piece of document.pieces) {
    for (let at = 0; at < piece.byteLength; ) {
      if (filled === size) {
        if (options.wholeFiles) {
          stats.tooLarge++;
          return;
        }
        const end = options.utf8Boundaries ? utf8Boundary(buffer) : size;
        const sample = keep(buffer.slice(0, end), offset);
        if (sample !== undefined) yield sample;
        buffer.copyWithin(0, end, size);
        filled = size - end;
        offset += end;
      }
      const take = Math.min(size - filled, piece.byteLength - at);
      buffer.set(piece.subarray(at, at + take), filled);
      filled += take;
      at += take;
    }
  }
  if (filled === 0) return;
  if (filled < size && offset > 0 && !options.wholeFiles) {
    stats.tooShort++;
    return;
  }
  const sample = keep(buffer.slice(0, filled), offset);
  if (sample !== undefined) yield sample;
}

/** The last position that does not split a UTF-8 character, or the end if the bytes are not UTF-8. */
function utf8Boundary(bytes: Uint8Array): number {
  for (let back = 1; back <= 4 && back < bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte < 0x80 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

/** Order-0 Shannon entropy, bits per byte. */
export function entropyBits(bytes: Uint8Array): number {
  const counts = new Uint32Array(256);
  for (const byte of bytes) counts[byte] = (counts[byte] ?? 0) + 1;
  let bits = 0;
  for (const count of counts) {
    if (count > 0) bits -= (count / bytes.length) * Math.log2(count / bytes.length);
  }
  return bits;
}
