import { QuarryError } from '../errors/index.js';
import { SAFETENSORS_PREFIX_BYTES, TENSOR_DTYPE_BYTES } from './safetensors-header.js';
import type { TensorDtype } from './weights-file.js';

/** A tensor to write, without its data. */
export interface SafetensorsEntry {
  readonly name: string;
  /** Default `F32`. */
  readonly dtype?: TensorDtype | undefined;
  readonly shape: readonly number[];
}

/** A tensor with its data: f32 values, or little-endian bytes of another dtype. */
export interface SafetensorsTensor extends SafetensorsEntry {
  readonly data: Float32Array | Uint8Array;
}

function entryBytes(entry: SafetensorsEntry): number {
  return entry.shape.reduce((product, size) => product * size, TENSOR_DTYPE_BYTES[entry.dtype ?? 'F32']);
}

/**
 * Builds length prefix and header of a file whose data follows in the order of `entries`. Pads with spaces so that the
 * data starts at a multiple of 8.
 *
 * @param metadata strings stored in the file; ignored by loaders
 * @throws QuarryError `INVALID_ARGUMENT` when two entries have the same name
 */
export function safetensorsHeader(
  entries: readonly SafetensorsEntry[],
  metadata?: Readonly<Record<string, string>>,
): Uint8Array {
  const fields: [string, unknown][] = metadata === undefined ? [] : [['__metadata__', metadata]];
  const names = new Set<string>(['__metadata__']);
  let offset = 0;
  for (const entry of entries) {
    if (names.has(entry.name)) {
      throw new QuarryError('INVALID_ARGUMENT', `tensor "${entry.name}" is named twice or reserved`);
    }
    names.add(entry.name);
    const end = offset + entryBytes(entry);
    fields.push([entry.name, { dtype: entry.dtype ?? 'F32', shape: entry.shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  // Built by hand: an object literal would reorder names that look like numbers.
  const json = `{${fields.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`;
  const body = new TextEncoder().encode(json);
  const padded = Math.ceil(body.byteLength / 8) * 8;
  const header = new Uint8Array(SAFETENSORS_PREFIX_BYTES + padded).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(body, SAFETENSORS_PREFIX_BYTES);
  return header;
}

/**
 * Encodes a safetensors file in memory, for small models.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when a tensor's data does not match its shape, or a name occurs twice
 */
export function encodeSafetensors(
  tensors: readonly SafetensorsTensor[],
  metadata?: Readonly<Record<string, string>>,
): Uint8Array {
  const header = safetensorsHeader(tensors, metadata);
  const total = tensors.reduce((sum, tensor) => sum + entryBytes(tensor), header.byteLength);
  const file = new Uint8Array(total);
  file.set(header, 0);
  let offset = header.byteLength;
  for (const tensor of tensors) {
    const { data } = tensor;
    const bytes = entryBytes(tensor);
    if (data.byteLength !== bytes) {
      throw new QuarryError(
        'INVALID_ARGUMENT',
        `"${tensor.name}" expected ${bytes} bytes of data, got ${data.byteLength}`,
      );
    }
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += bytes;
  }
  return file;
}
