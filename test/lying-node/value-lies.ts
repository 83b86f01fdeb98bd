import { varint, type WireField } from './wire.js';

/** What a field holds; `floats` are packed. */
export type FieldKind = 'integer' | 'float' | 'double' | 'floats' | 'text' | 'bytes' | 'message';

/** Turns all honest occurrences of a field into the ones that are sent. */
export type ValueLie = (honest: readonly WireField[], number: number) => readonly WireField[];

const MEBIBYTE = 2 ** 20;

const is = (type: number, value: Uint8Array): ValueLie => {
  return (_honest, number) => [{ number, type, value }];
};
const integer = (value: bigint): ValueLie => is(0, varint(value));
const text = (value: string): ValueLie => is(2, Buffer.from(value));
const bytes = (value: Uint8Array): ValueLie => is(2, value);
const each = (change: (value: Uint8Array) => Uint8Array): ValueLie => {
  return (honest) => honest.map((field) => ({ ...field, value: change(field.value) }));
};

function float(value: number): Uint8Array {
  const encoded = Buffer.alloc(4);
  encoded.writeFloatLE(value);
  return encoded;
}

function double(value: number): Uint8Array {
  const encoded = Buffer.alloc(8);
  encoded.writeDoubleLE(value);
  return encoded;
}

/** One of the packed floats is another. */
function oneFloat(value: number): ValueLie {
  return each((packed) => Buffer.concat([float(value), packed.subarray(4)]));
}

const half = each((value) => value.subarray(0, value.length >> 1));
const flipped = each((value) => value.map((byte, index) => (index === value.length >> 1 ? byte ^ 16 : byte)));
const garbage = bytes(Uint8Array.from({ length: 40 }, (_, index) => (index * 151 + 255) & 255));

/** Of every field. */
const ANY: Readonly<Record<string, ValueLie>> = {
  missing: () => [],
  'as a varint': integer(7n),
  'as eight bytes': is(1, double(Number.NaN)),
  '1000 times': (honest, number) => {
    const one = honest[0] ?? { number, type: 2, value: new Uint8Array(0) };
    return Array.from({ length: 1000 }, () => one);
  },
};

const NUMBERS = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
  '-1': -1,
  '0': 0,
  '3e38': 3e38,
  '1e-45': 1e-45,
};

function ofNumbers(lie: (value: number) => ValueLie): Record<string, ValueLie> {
  return Object.fromEntries(Object.entries(NUMBERS).map(([name, value]) => [name, lie(value)]));
}

/** What can be done to a field, by what it holds. */
export const VALUE_LIES: Readonly<Record<FieldKind, Readonly<Record<string, ValueLie>>>> = {
  integer: {
    ...ANY,
    '0': integer(0n),
    '1': integer(1n),
    '2^31': integer(2n ** 31n),
    '2^53 + 1': integer(2n ** 53n + 1n),
    '2^63': integer(2n ** 63n),
    '2^64 - 1': integer(2n ** 64n - 1n),
    'an overlong varint': is(0, new Uint8Array(11).fill(255)),
    'one more': each((value) => value.map((byte, index) => (index === 0 ? byte ^ 1 : byte))),
  },
  float: { ...ANY, ...ofNumbers((value) => is(5, float(value))) },
  double: { ...ANY, ...ofNumbers((value) => is(1, double(value))) },
  floats: { ...ANY, half, flipped, 'of 1 MiB': bytes(new Uint8Array(MEBIBYTE).fill(63)), ...ofNumbers(oneFloat) },
  text: {
    ...ANY,
    empty: text(''),
    half,
    zz: text('zz'),
    __proto__: text('__proto__'),
    'of 1 MiB': text('a'.repeat(MEBIBYTE)),
    'control characters': text('\u001b[31m\u202e\r\n\u0007'),
    'not UTF-8': bytes(Uint8Array.of(0xff, 0xfe, 0x80)),
    'another number': text('18446744073709551616'),
    'a wide id': text(`0x${'f'.repeat(64)}`),
  },
  bytes: {
    ...ANY,
    empty: bytes(new Uint8Array(0)),
    half,
    flipped,
    garbage,
    'of 1 MiB': bytes(new Uint8Array(MEBIBYTE)),
  },
  message: { ...ANY, empty: bytes(new Uint8Array(0)), half, garbage },
};
