import { type DescField, type DescMessage, fromBinary, type MessageShape, ScalarType } from '@bufbuild/protobuf';
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt';

type ReadValue = 'string' | 'bytes' | 'bool' | 'number' | 'bigint';

interface ShapeField {
  readonly name: string;
  readonly value: ReadValue | Shape;
  readonly isList: boolean;
}

/** What the quick way reads of a message type. */
interface Shape {
  readonly typeName: string;
  readonly fields: Map<number, ShapeField>;
  readonly lists: string[];
  /** Values of absent fields whose absence does not show. */
  readonly zeros: (readonly [name: string, value: string | number | bigint | boolean])[];
}

/** Thrown at bytes that only the runtime reads; one for all, since making one costs more than a message. */
const IRREGULAR = new Error('left to the runtime');

const VARINT = 0;
const LENGTH_DELIMITED = 2;
/** Varints of up to seven bytes fit into a number. */
const VARINT_BYTES = 7;
const SCALARS: ReadonlyMap<ScalarType, ReadValue> = new Map([
  [ScalarType.STRING, 'string'],
  [ScalarType.BYTES, 'bytes'],
  [ScalarType.BOOL, 'bool'],
  [ScalarType.INT32, 'number'],
  [ScalarType.UINT32, 'number'],
  [ScalarType.INT64, 'bigint'],
  [ScalarType.UINT64, 'bigint'],
]);
const ZEROS = { string: '', bool: false, number: 0, bigint: 0n } as const;

const shapes = new Map<DescMessage, Shape>();

/**
 * Reads a message as the protobuf runtime does, in a third of the time: without reflection, for the types that nodes send
 * most. Whatever else there is in it, and everything that is malformed, is left to the runtime.
 *
 * @throws Error when the bytes are no such message
 */
export function decodeMessage<D extends DescMessage>(schema: D, bytes: Uint8Array): MessageShape<D> {
  if (!isQuick(schema)) return fromBinary(schema, bytes);
  try {
    return new QuickReader(bytes).message(shapeOf(schema), bytes.length) as MessageShape<D>;
  } catch (error) {
    if (error === IRREGULAR) return fromBinary(schema, bytes);
    throw error;
  }
}

function shapeOf(schema: DescMessage): Shape {
  let shape = shapes.get(schema);
  if (shape !== undefined) return shape;
  shape = { typeName: schema.typeName, fields: new Map(), lists: [], zeros: [] };
  // Before its fields: one of them may be of the same type.
  shapes.set(schema, shape);
  for (const field of schema.fields) {
    if (field.fieldKind === 'list') shape.lists.push(field.localName);
    const value = readingOf(field);
    const zero = zeroOf(field);
    if (zero !== undefined) shape.zeros.push([field.localName, zero]);
    if (value === undefined) continue;
    shape.fields.set(field.number, { name: field.localName, value, isList: field.fieldKind === 'list' });
  }
  return shape;
}

/** How a field is read; undefined for those that are left to the runtime. */
function readingOf(field: DescField): ReadValue | Shape | undefined {
  if (field.oneof !== undefined) return undefined;
  switch (field.fieldKind) {
    case 'message':
      return isQuick(field.message) ? shapeOf(field.message) : undefined;
    case 'enum':
      return 'number';
    case 'scalar':
      return SCALARS.get(field.scalar);
    case 'list':
      if (field.listKind === 'message') return isQuick(field.message) ? shapeOf(field.message) : undefined;
      // Numbers in lists are packed.
      return field.listKind === 'scalar' && field.scalar === ScalarType.STRING ? 'string' : undefined;
    default:
      return undefined;
  }
}

/** What an absent field reads as; undefined if its absence shows, or it takes an object of its own. */
function zeroOf(field: DescField): string | number | bigint | boolean | undefined {
  if (field.presence !== FeatureSet_FieldPresence.IMPLICIT) return undefined;
  if (field.fieldKind === 'enum') return field.enum.values[0]?.number;
  const value = field.fieldKind === 'scalar' ? SCALARS.get(field.scalar) : undefined;
  return value === undefined || value === 'bytes' ? undefined : ZEROS[value];
}

/** Whether a message without any fields is no more than its name, empty lists and zeros. */
function isQuick({ fields }: DescMessage): boolean {
  return fields.every(
    (field) =>
      field.oneof === undefined &&
      (field.fieldKind === 'list' ||
        field.presence !== FeatureSet_FieldPresence.IMPLICIT ||
        zeroOf(field) !== undefined),
  );
}

class QuickReader {
  readonly #bytes: Uint8Array;
  readonly #text: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  message({ typeName, fields, lists, zeros }: Shape, end: number): Record<string, unknown> {
    const message: Record<string, unknown> = { $typeName: typeName };
    for (const name of lists) message[name] = [];
    for (const [name, zero] of zeros) message[name] = zero;
    while (this.#at < end) {
      const tag = this.#varint(end);
      const field = fields.get(Math.floor(tag / 8));
      if (field === undefined) throw IRREGULAR;
      const value = this.#value(field.value, tag % 8, end);
      if (field.isList) (message[field.name] as unknown[]).push(value);
      // The runtime merges messages that come twice.
      else if (typeof field.value !== 'string' && message[field.name] !== undefined) throw IRREGULAR;
      else message[field.name] = value;
    }
    return message;
  }

  #value(kind: ReadValue | Shape, wireType: number, end: number): unknown {
    if (kind === 'bool' || kind === 'number' || kind === 'bigint') {
      if (wireType !== VARINT) throw IRREGULAR;
      const value = this.#varint(end);
      if (kind === 'bigint') return BigInt(value);
      if (value > 0x7fff_ffff) throw IRREGULAR;
      return kind === 'bool' ? value !== 0 : value;
    }
    if (wireType !== LENGTH_DELIMITED) throw IRREGULAR;
    const length = this.#varint(end);
    const start = this.#at;
    const stop = start + length;
    if (stop > end) throw IRREGULAR;
    if (typeof kind !== 'string') return this.message(kind, stop);
    this.#at = stop;
    return kind === 'bytes' ? this.#bytes.subarray(start, stop) : this.#ascii(start, stop);
  }

  #varint(end: number): number {
    let value = 0;
    let scale = 1;
    for (let n = 0; n < VARINT_BYTES && this.#at < end; n++) {
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
    throw IRREGULAR;
  }

  #ascii(start: number, stop: number): string {
    for (let at = start; at < stop; at++) if (this.#bytes[at]! > 127) throw IRREGULAR;
    return this.#text.toString('latin1', start, stop);
  }
}
