import { QuarryError } from '../../../errors/index.js';
import { BcsReader } from './bcs-reader.js';
import { BcsWriter } from './bcs-writer.js';

/** Writes values of `T` to BCS and reads them back. */
export interface Codec<T> {
  /** Minimum bytes per value; bounds the allocation for a claimed item count. */
  readonly minBytes: number;
  /**
   * Appends a value.
   *
   * @throws QuarryError `INVALID_ARGUMENT` for a value outside the type
   */
  write(writer: BcsWriter, value: T): void;
  /**
   * Reads a value.
   *
   * @throws QuarryError `BCS_INVALID` for bytes that are not canonical
   */
  read(reader: BcsReader): T;
}

/**
 * The BCS bytes of `value`.
 *
 * @throws QuarryError `INVALID_ARGUMENT` when a field is outside its type's range
 */
export function encodeBcs<T>(codec: Codec<T>, value: T): Uint8Array {
  // Values within values are encoded meanwhile, with writers of their own.
  const writer = spare ?? new BcsWriter();
  spare = undefined;
  writer.clear();
  codec.write(writer, value);
  const bytes = writer.finish();
  if (bytes.length <= SPARE_BYTES) spare = writer;
  return bytes;
}

/** A writer to use again: growing a buffer for each value would cost more than writing it. */
let spare: BcsWriter | undefined;
/** A writer that has grown beyond this is left to the collector. */
const SPARE_BYTES = 64 * 1024;

/**
 * Decodes a value that takes up all of `bytes`.
 *
 * @param what names the value in errors
 * @throws QuarryError `BCS_INVALID` when the bytes are malformed, not canonical, too few or too many
 */
export function decodeBcs<T>(codec: Codec<T>, bytes: Uint8Array, what: string): T {
  const reader = new BcsReader(bytes, what);
  const value = codec.read(reader);
  reader.finish();
  return value;
}

/** One byte. */
export const u8: Codec<number> = { minBytes: 1, write: (w, v) => w.u8(v), read: (r) => r.u8() };
/** Two bytes, little-endian. */
export const u16: Codec<number> = { minBytes: 2, write: (w, v) => w.u16(v), read: (r) => r.u16() };
/** Four bytes, little-endian. */
export const u32: Codec<number> = { minBytes: 4, write: (w, v) => w.u32(v), read: (r) => r.u32() };
/** Eight bytes, little-endian, as a bigint. */
export const u64: Codec<bigint> = { minBytes: 8, write: (w, v) => w.u64(v), read: (r) => r.u64() };
/** One byte, 0 or 1. */
export const bool: Codec<boolean> = { minBytes: 1, write: (w, v) => w.bool(v), read: (r) => r.bool() };
/** A ULEB128 byte length and UTF-8. */
export const string: Codec<string> = { minBytes: 1, write: (w, v) => w.string(v), read: (r) => r.string() };
/** A ULEB128 length and the bytes. */
export const bytes: Codec<Uint8Array> = { minBytes: 1, write: (w, v) => w.bytes(v), read: (r) => r.bytes() };

/** Converts a codec to another representation of the same bytes. */
export function mapped<A, B>(codec: Codec<A>, to: (value: A) => B, from: (value: B) => A): Codec<B> {
  return {
    minBytes: codec.minBytes,
    write: (w, v) => codec.write(w, from(v)),
    read: (r) => to(codec.read(r)),
  };
}

/** Exactly `size` raw bytes without a length prefix. */
export function fixedBytes(size: number): Codec<Uint8Array> {
  return {
    minBytes: size,
    write: (w, v) => {
      checkSize(v, size);
      w.raw(v);
    },
    read: (r) => r.raw(size),
  };
}

/** A byte string that must be `size` bytes long, with its length prefix. */
export function sizedBytes(size: number): Codec<Uint8Array> {
  return {
    minBytes: size + 1,
    write: (w, v) => {
      checkSize(v, size);
      w.bytes(v);
    },
    read: (r) => {
      const length = r.uleb128();
      if (length !== size) throw r.invalid(`a byte string of ${length} bytes instead of ${size}`);
      return r.raw(size);
    },
  };
}

function checkSize(value: Uint8Array, size: number): void {
  if (value.length !== size) {
    throw new QuarryError('INVALID_ARGUMENT', `expected ${size} bytes, got ${value.length}`);
  }
}

/** `00`, or `01` and the value. */
export function option<T>(item: Codec<T>): Codec<T | undefined> {
  return {
    minBytes: 1,
    write: (w, v) => {
      w.bool(v !== undefined);
      if (v !== undefined) item.write(w, v);
    },
    read: (r) => (r.bool() ? item.read(r) : undefined),
  };
}

/** A ULEB128 count and the items. */
export function vector<T>(item: Codec<T>): Codec<readonly T[]> {
  return {
    minBytes: 1,
    write: (w, v) => {
      w.uleb128(v.length);
      for (const each of v) item.write(w, each);
    },
    read: (r) => {
      const count = r.count(Math.max(1, item.minBytes));
      const items: T[] = [];
      for (let index = 0; index < count; index++) items.push(item.read(r));
      return items;
    },
  };
}

/** Two values, one after the other. */
export function pair<A, B>(first: Codec<A>, second: Codec<B>): Codec<readonly [A, B]> {
  return {
    minBytes: first.minBytes + second.minBytes,
    write: (w, v) => {
      first.write(w, v[0]);
      second.write(w, v[1]);
    },
    read: (r) => {
      const head = first.read(r);
      return [head, second.read(r)];
    },
  };
}

/** The fields of `T` in the order in which `fields` names them, without framing. */
export function struct<T extends object>(fields: { readonly [K in keyof T]-?: Codec<T[K]> }): Codec<T> {
  const entries = Object.entries(fields) as [keyof T & string, Codec<unknown>][];
  return {
    minBytes: entries.reduce((sum, [, codec]) => sum + codec.minBytes, 0),
    write: (w, v) => {
      for (const [name, codec] of entries) codec.write(w, v[name]);
    },
    read: (r) => {
      const value: Record<string, unknown> = {};
      for (const [name, codec] of entries) value[name] = codec.read(r);
      return value as T;
    },
  };
}

/** A variant without fields. */
export const unit: Codec<object> = { minBytes: 0, write: () => {}, read: () => ({}) };

type VariantsOf<T, D extends keyof T> = {
  readonly [N in T[D] & string]: Codec<Omit<Extract<T, Record<D, N>>, D>>;
};

/**
 * An enum: a ULEB128 index, which is the position in `variants`, then the variant's fields.
 *
 * @param tag the property that names the variant
 * @param variants the variants in index order
 */
export function union<T extends object, D extends keyof T & string>(
  tag: D,
  variants: VariantsOf<T, D>,
): Codec<T> & {
  /** The index of a variant, as BCS writes it. */
  readonly indexOf: (name: T[D] & string) => number;
} {
  const names = Object.keys(variants);
  const codecs = Object.values(variants) as Codec<object>[];
  const indexes = new Map(names.map((name, index) => [name, index]));
  const indexOf = (name: string): number => {
    const index = indexes.get(name);
    if (index === undefined) throw new QuarryError('INVALID_ARGUMENT', `unknown ${tag} "${name}"`);
    return index;
  };
  return {
    minBytes: 1 + Math.min(...codecs.map((codec) => codec.minBytes)),
    indexOf,
    write: (w, v) => {
      const index = indexOf(v[tag] as string);
      w.uleb128(index);
      codecs[index]!.write(w, v);
    },
    read: (r) => {
      const index = r.uleb128();
      const codec = codecs[index];
      if (codec === undefined) throw r.invalid(`variant ${index} of a ${tag} with ${names.length} variants`);
      return { [tag]: names[index], ...codec.read(r) } as T;
    },
  };
}

/** An enum whose variants have no fields, as one of `names`. */
export function plainEnum<N extends string>(names: readonly N[]): Codec<N> {
  return {
    minBytes: 1,
    write: (w, v) => {
      const index = names.indexOf(v);
      if (index < 0) throw new QuarryError('INVALID_ARGUMENT', `"${v}" is none of ${names.join(', ')}`);
      w.uleb128(index);
    },
    read: (r) => {
      const index = r.uleb128();
      const name = names[index];
      if (name === undefined) throw r.invalid(`variant ${index} of an enum with ${names.length} variants`);
      return name;
    },
  };
}

/** An enum with a single variant, which is hidden: the form of every versioned structure at version 1. */
export function versionOne<T>(inner: Codec<T>): Codec<T> {
  return {
    minBytes: 1 + inner.minBytes,
    write: (w, v) => {
      w.uleb128(0);
      inner.write(w, v);
    },
    read: (r) => {
      const index = r.uleb128();
      if (index !== 0) throw r.invalid(`structure version ${index + 1}; only 1 is known`);
      return inner.read(r);
    },
  };
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let index = 0; index < shared; index++) {
    const difference = a[index]! - b[index]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** A map: a count and entries in ascending order of their keys' BCS bytes. Reading rejects any other order. */
export function map<K, V>(key: Codec<K>, value: Codec<V>): Codec<ReadonlyMap<K, V>> {
  const entry = pair(key, value);
  return {
    minBytes: 1,
    write: (w, v) => {
      const sorted = [...v].map(([k, each]) => ({ bytes: encodeBcs(key, k), each }));
      sorted.sort((a, b) => compareBytes(a.bytes, b.bytes));
      w.uleb128(sorted.length);
      for (const { bytes: keyBytes, each } of sorted) {
        w.raw(keyBytes);
        value.write(w, each);
      }
    },
    read: (r) => {
      const count = r.count(Math.max(1, entry.minBytes));
      const entries = new Map<K, V>();
      let previous: Uint8Array | undefined;
      for (let index = 0; index < count; index++) {
        const [k, v] = entry.read(r);
        const keyBytes = encodeBcs(key, k);
        if (previous !== undefined && compareBytes(previous, keyBytes) >= 0) {
          throw r.invalid('map keys not in ascending order');
        }
        previous = keyBytes;
        entries.set(k, v);
      }
      return entries;
    },
  };
}

/** A set as an array: a count and elements in ascending order of their bytes. Reading rejects any other order. */
export function sortedSet<T>(item: Codec<T>): Codec<readonly T[]> {
  const asMap = map(item, unit);
  return {
    minBytes: 1,
    write: (w, v) => asMap.write(w, new Map(v.map((each) => [each, {}]))),
    read: (r) => [...asMap.read(r).keys()],
  };
}
