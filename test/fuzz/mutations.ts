import fc from 'fast-check';
import { HOSTILE_NUMBERS, HOSTILE_TEXTS } from './hostile.js';

/** One change of some bytes. Positions and lengths are shares of what there is. */
type Edit = (bytes: Buffer) => Buffer;

const share = fc.double({ min: 0, max: 1, noNaN: true });
const at = (bytes: Buffer, where: number): number => Math.floor(where * bytes.length);

const overwrite = fc.tuple(share, fc.uint8Array({ minLength: 1, maxLength: 8 })).map(
  ([where, value]): Edit =>
    (bytes) => {
      const edited = Buffer.from(bytes);
      edited.set(value.subarray(0, Math.max(0, bytes.length - at(bytes, where))), at(bytes, where));
      return edited;
    },
);
const flip = fc.tuple(share, fc.nat(7)).map(
  ([where, bit]): Edit =>
    (bytes) => {
      const edited = Buffer.from(bytes);
      const index = at(bytes, where);
      if (index < edited.length) edited[index] = (edited[index] ?? 0) ^ (1 << bit);
      return edited;
    },
);
const truncate = share.map(
  (where): Edit =>
    (bytes) =>
      bytes.subarray(0, at(bytes, where)),
);
const remove = fc.tuple(share, share).map(
  ([where, much]): Edit =>
    (bytes) => {
      const from = at(bytes, where);
      const end = from + Math.ceil(much ** 4 * (bytes.length - from));
      return Buffer.concat([bytes.subarray(0, from), bytes.subarray(end)]);
    },
);
const repeat = fc.tuple(share, share, fc.integer({ min: 1, max: 50 })).map(
  ([where, much, times]): Edit =>
    (bytes) => {
      const from = at(bytes, where);
      const piece = bytes.subarray(from, from + Math.ceil(much ** 4 * 4096));
      return Buffer.concat([bytes.subarray(0, from), ...Array<Buffer>(times).fill(piece), bytes.subarray(from)]);
    },
);
const insertNumber = fc
  .tuple(share, fc.constantFrom(...HOSTILE_NUMBERS), fc.constantFrom(1, 2, 4, 8), fc.boolean())
  .map(([where, number, width, big]): Edit => {
    const encoded = Buffer.alloc(8);
    if (big) encoded.writeBigUInt64BE(number);
    else encoded.writeBigUInt64LE(number);
    const value = big ? encoded.subarray(8 - width) : encoded.subarray(0, width);
    return (bytes) => {
      const edited = Buffer.from(bytes);
      edited.set(value.subarray(0, Math.max(0, bytes.length - at(bytes, where))), at(bytes, where));
      return edited;
    };
  });
/** Replaces the number, word or string that stands at a place, as in JSON, YAML or a header of text. */
const replaceToken = fc.tuple(share, fc.constantFrom(...HOSTILE_TEXTS, ...HOSTILE_NUMBERS.map(String))).map(
  ([where, token]): Edit =>
    (bytes) => {
      const text = bytes.toString('latin1');
      const from = at(bytes, where);
      const found = /[\w.+-]+/.exec(text.slice(from));
      if (found === null) return bytes;
      const begin = from + found.index;
      return Buffer.concat([bytes.subarray(0, begin), Buffer.from(token), bytes.subarray(begin + found[0].length)]);
    },
);

const edit = fc.oneof(overwrite, flip, truncate, remove, repeat, insertNumber, replaceToken);

/** Bytes near one of the seeds: it, with a few changes; now and then anything at all. */
export function near(seeds: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const changed = fc
    .tuple(fc.constantFrom(...seeds), fc.array(edit, { maxLength: 6 }))
    .map(([seed, edits]) => edits.reduce<Buffer>((bytes, change) => change(bytes), Buffer.from(seed)));
  return fc.oneof<fc.MaybeWeightedArbitrary<Uint8Array>[]>(
    { weight: 20, arbitrary: changed },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 512 }) },
  );
}
