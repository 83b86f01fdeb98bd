import fc from 'fast-check';
import { varint } from '../lying-node/wire.js';
import { HOSTILE_NUMBERS } from './hostile.js';

const edit = fc.record({
  where: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  number: fc.constantFrom(...HOSTILE_NUMBERS),
  isAdded: fc.boolean(),
});

/** A Parquet file whose metadata have other numbers, types and lengths in them, and whose length is right again. */
export function parquetLies(file: Uint8Array): fc.Arbitrary<Uint8Array> {
  const end = file.length - 8;
  const footerBytes = Buffer.from(file).readUInt32LE(end);
  const pages = Buffer.from(file.subarray(4, end - footerBytes));
  const footer = Buffer.from(file.subarray(end - footerBytes, end));
  const change = (bytes: Buffer, { where, number, isAdded }: { where: number; number: bigint; isAdded: boolean }) => {
    const at = Math.floor(where * bytes.length);
    let rest = at;
    // What stood there was a number perhaps: as long as it says it goes on.
    if (!isAdded) while (rest < bytes.length && (bytes[rest++] ?? 0) >= 128);
    return Buffer.concat([bytes.subarray(0, at), varint(number), bytes.subarray(rest)]);
  };
  const inFooter = fc.array(edit, { minLength: 1, maxLength: 3 });
  return fc.tuple(inFooter, fc.array(edit, { maxLength: 1 })).map(([ofFooter, ofPages]) => {
    const told = ofFooter.reduce(change, footer);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(told.length);
    // Places of pages are in the footer: their bytes keep their number.
    const data = ofPages.reduce(change, pages).subarray(0, pages.length);
    const magic = Buffer.from('PAR1');
    return Buffer.concat([magic, data, Buffer.alloc(pages.length - data.length), told, length, magic]);
  });
}
