import { QuarryError } from '../../errors/index.js';

/** JSON fields followed by rows in raw little-endian f32, four bytes a number. */
export interface Frame {
  readonly json: unknown;
  readonly floats: Float32Array;
}

/** `u32 length of the JSON | JSON | f32…` */
export function packFrame(json: unknown, floats: readonly Float32Array[] = []): Uint8Array {
  const text = Buffer.from(JSON.stringify(json));
  const rows = floats.map((row) => Buffer.from(row.buffer, row.byteOffset, row.byteLength));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  return Buffer.concat([length, text, ...rows]);
}

/** @throws QuarryError `PROTOCOL` when the frame is malformed */
export function unpackFrame(bytes: Uint8Array): Frame {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = buffer.length < 4 ? Number.POSITIVE_INFINITY : 4 + buffer.readUInt32LE(0);
  if (end > buffer.length || (buffer.length - end) % 4 !== 0) throw malformed();
  try {
    const json: unknown = JSON.parse(buffer.toString('utf8', 4, end));
    return { json, floats: new Float32Array(Uint8Array.from(buffer.subarray(end)).buffer) };
  } catch (cause) {
    throw malformed(cause);
  }
}

function malformed(cause?: unknown): QuarryError {
  return new QuarryError('PROTOCOL', 'a malformed message about rows', { cause });
}
