import {
  type DescField,
  type DescMessage,
  type DescOneof,
  type MessageShape,
  ScalarType,
  toBinary,
} from '@bufbuild/protobuf';
import { FeatureSet_FieldPresence, isWrapperDesc } from '@bufbuild/protobuf/wkt';
import { BackwardBytes } from './backward-bytes.js';

type Properties = Readonly<Record<string, unknown>>;

/** How values of a type are written, without their tag. */
interface Writing {
  readonly wireType: number;
  readonly write: (value: unknown) => void;
  /** Whether a field without presence is absent with this value. */
  readonly isZero: (value: unknown) => boolean;
}

/** Writes what a message has of a field, or of members of a oneof. */
type WriteField = (message: Properties) => void;

interface Shape {
  readonly typeName: string;
  /** By descending field number. */
  readonly fields: WriteField[];
}

/** Thrown at what only the runtime writes or refuses; one for all, since making one costs more than a message. */
const IRREGULAR = new Error('left to the runtime');

const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;
const FLOAT_MAX = 3.4028234663852886e38;
const DECIMAL = /^\d+$/;

/** Every message is written here at once, from its end to its beginning. */
const out = new BackwardBytes();

const string: Writing = {
  wireType: LENGTH_DELIMITED,
  isZero: (value) => value === '',
  write(value) {
    if (typeof value !== 'string') throw IRREGULAR;
    const end = out.length;
    out.text(value);
    out.varint(out.length - end);
  },
};

const bytes: Writing = {
  wireType: LENGTH_DELIMITED,
  isZero: (value) => value instanceof Uint8Array && value.length === 0,
  write(value) {
    if (!(value instanceof Uint8Array)) throw IRREGULAR;
    out.bytes(value);
    out.varint(value.length);
  },
};

const bool: Writing = {
  wireType: VARINT,
  isZero: (value) => value === false,
  write: (value) => out.varint(value ? 1 : 0),
};

const float: Writing = {
  wireType: FIXED32,
  // Minus zero is written.
  isZero: (value) => Object.is(value, 0),
  write(value) {
    if (typeof value !== 'number' || (Math.abs(value) > FLOAT_MAX && Number.isFinite(value))) throw IRREGULAR;
    out.float(value);
  },
};

const int32 = integerOf(-0x8000_0000, 0x7fff_ffff);
const uint64 = longOf(0n, 2n ** 64n - 1n);

const SCALARS: ReadonlyMap<ScalarType, Writing> = new Map([
  [ScalarType.STRING, string],
  [ScalarType.BYTES, bytes],
  [ScalarType.BOOL, bool],
  [ScalarType.FLOAT, float],
  [ScalarType.INT32, int32],
  [ScalarType.UINT32, integerOf(0, 0xffff_ffff)],
  [ScalarType.INT64, longOf(-(2n ** 63n), 2n ** 63n - 1n)],
  [ScalarType.UINT64, uint64],
]);

const LEFT_TO_RUNTIME: Writing = {
  wireType: VARINT,
  isZero: () => false,
  write() {
    throw IRREGULAR;
  },
};

const shapes = new Map<DescMessage, Shape>();

/**
 * Writes a message as the protobuf runtime does, without reflection, which is most of what an answer costs there. Whatever this
 * does not write, such as doubles, groups, unknown fields and messages with defaults, is left to the runtime together with the
 * whole message, and so is every value that the runtime may refuse.
 *
 * @throws Error when the message is not of this type, or a value not of its field's
 */
export function encodeMessage<D extends DescMessage>(schema: D, message: MessageShape<D>): Buffer {
  try {
    out.clear();
    writeFields(shapeOf(schema), message);
    return out.copy();
  } catch (error) {
    if (error !== IRREGULAR) throw error;
    const { buffer, byteOffset, byteLength } = toBinary(schema, message);
    return Buffer.from(buffer, byteOffset, byteLength);
  }
}

function writeFields({ typeName, fields }: Shape, value: unknown): void {
  const message = objectOf(value);
  // Where fields have defaults, messages inherit these, and a value does not show that its field is set.
  if (Object.getPrototypeOf(message) !== Object.prototype) throw IRREGULAR;
  if (message.$typeName !== typeName || message.$unknown !== undefined) throw IRREGULAR;
  for (const write of fields) write(message);
}

function objectOf(value: unknown): Properties {
  if (typeof value !== 'object' || value === null) throw IRREGULAR;
  return value as Properties;
}

function shapeOf(schema: DescMessage): Shape {
  let shape = shapes.get(schema);
  if (shape !== undefined) return shape;
  shape = { typeName: schema.typeName, fields: [] };
  // Before its fields: one of them may be of the same type.
  shapes.set(schema, shape);
  const descending = [...schema.fields].sort((a, b) => b.number - a.number);
  while (descending.length > 0) {
    const { oneof } = descending[0]!;
    // Fields of others may lie between the members of a oneof.
    const next = oneof === undefined ? 1 : descending.findIndex((field) => field.oneof !== oneof);
    const fields = descending.splice(0, next < 0 ? descending.length : next);
    shape.fields.push(oneof === undefined ? writerOf(fields[0]!) : oneofWriterOf(oneof, fields));
  }
  return shape;
}

function oneofWriterOf({ localName }: DescOneof, members: readonly DescField[]): WriteField {
  const writers = new Map<unknown, Writing['write']>(members.map((field) => [field.localName, taggedWriterOf(field)]));
  return (message) => {
    const chosen = objectOf(message[localName]);
    writers.get(chosen.case)?.(chosen.value);
  };
}

function writerOf(field: DescField): WriteField {
  const { localName } = field;
  if (field.fieldKind === 'map') return mapWriterOf(field);
  if (field.fieldKind === 'list') return listWriterOf(field);
  const write = taggedWriterOf(field);
  if (field.presence === FeatureSet_FieldPresence.EXPLICIT) {
    return (message) => {
      const value = message[localName];
      if (value !== undefined) write(value);
    };
  }
  // Required fields are written in any case, or refused by the runtime.
  const isRequired = field.presence === FeatureSet_FieldPresence.LEGACY_REQUIRED;
  const { isZero } = writingOf(field);
  return (message) => {
    const value = message[localName];
    if (isRequired || !isZero(value)) write(value);
  };
}

function taggedWriterOf(field: DescField): Writing['write'] {
  const { wireType, write } = writingOf(field);
  const tag = field.number * 8 + wireType;
  return (value) => {
    write(value);
    out.varint(tag);
  };
}

function listWriterOf(field: DescField & { readonly fieldKind: 'list' }): WriteField {
  const { localName, number, packed } = field;
  const write = packed ? writingOf(field).write : taggedWriterOf(field);
  const tag = number * 8 + LENGTH_DELIMITED;
  return (message) => {
    const list = message[localName];
    if (!Array.isArray(list)) throw IRREGULAR;
    if (list.length === 0) return;
    const end = out.length;
    for (let n = list.length - 1; n >= 0; n--) write(list[n]);
    if (!packed) return;
    out.varint(out.length - end);
    out.varint(tag);
  };
}

/** Entries are messages with the key as field 1 and the value as field 2. */
function mapWriterOf(field: DescField & { readonly fieldKind: 'map' }): WriteField {
  const { localName } = field;
  const key = keyOf(field.mapKey);
  const { wireType, write } = writingOf(field);
  const tag = field.number * 8 + LENGTH_DELIMITED;
  return (message) => {
    const map = objectOf(message[localName]);
    for (const name of Object.keys(map).reverse()) {
      const end = out.length;
      write(map[name]);
      out.varint(16 + wireType);
      key.write(name);
      out.varint(8 + key.wireType);
      out.varint(out.length - end);
      out.varint(tag);
    }
  };
}

/** Keys are names of properties, thus text. */
function keyOf(type: ScalarType): Writing {
  if (type === ScalarType.STRING) return string;
  if (type !== ScalarType.UINT64) return LEFT_TO_RUNTIME;
  return {
    ...uint64,
    write(name) {
      if (!DECIMAL.test(name as string)) throw IRREGULAR;
      uint64.write(BigInt(name as string));
    },
  };
}

function writingOf(field: DescField): Writing {
  if (field.enum !== undefined) return int32;
  if (field.scalar !== undefined) return SCALARS.get(field.scalar) ?? LEFT_TO_RUNTIME;
  const { message: schema } = field;
  // In fields, wrappers are the bare value, and structs JSON.
  const isBare = schema === undefined || isWrapperDesc(schema) || schema.typeName === 'google.protobuf.Struct';
  if (isBare || ('delimitedEncoding' in field && field.delimitedEncoding)) return LEFT_TO_RUNTIME;
  const shape = shapeOf(schema);
  return {
    wireType: LENGTH_DELIMITED,
    isZero: () => false,
    write(message) {
      const end = out.length;
      writeFields(shape, message);
      out.varint(out.length - end);
    },
  };
}

function integerOf(min: number, max: number): Writing {
  return {
    wireType: VARINT,
    isZero: (value) => value === 0,
    write(value) {
      if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) throw IRREGULAR;
      if ((value as number) < 0) out.varint64(BigInt(value as number));
      else out.varint(value as number);
    },
  };
}

function longOf(min: bigint, max: bigint): Writing {
  return {
    wireType: VARINT,
    isZero: (value) => value === 0n,
    write(value) {
      if (typeof value !== 'bigint' || value < min || value > max) throw IRREGULAR;
      out.varint64(value);
    },
  };
}
