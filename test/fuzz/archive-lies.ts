import fc from 'fast-check';
import { zipSync } from 'fflate';
import { HOSTILE_NUMBERS, HOSTILE_TEXTS } from './hostile.js';

const BLOCK = 512;
const text = fc.oneof(
  fc.constantFrom(...HOSTILE_TEXTS),
  fc.constantFrom('a.txt', 'b/c.jsonl', '/etc/x', 'a/', 'a.tar'),
);
const content = fc.oneof(
  fc.constantFrom('first '.repeat(100), '{"text":"a"}\n{"text":', '28 path=a\n', '999999999 path=a\n', '12 size=-9\n'),
  fc.string({ maxLength: 600 }),
);

/** What a header may say of a size: eleven octal digits, or a sign bit and a number of 64 or more bits. */
const claim: fc.Arbitrary<Buffer> = fc.oneof(
  fc.constantFrom('00000000000', '77777777777', '00000001000', 'x', '', '-0000000001', ' 144 ').map(Buffer.from),
  fc.constantFrom(...HOSTILE_NUMBERS).map((number) => {
    const field = Buffer.alloc(12, 0);
    field[0] = 0x80;
    field.writeBigUInt64BE(number, 4);
    return field;
  }),
);
const member = fc.record({
  name: text,
  content,
  claim: fc.option(claim, { freq: 2 }),
  type: fc.constantFrom(...'0001257xgLKSV\0'),
  isWhole: fc.boolean(),
});

function tarMember({ name, content, claim, type }: typeof member extends fc.Arbitrary<infer T> ? T : never): Buffer {
  const header = Buffer.alloc(BLOCK);
  const body = Buffer.from(content);
  header.write(name.slice(0, 100), 0, 100, 'utf8');
  header.write('0000644\0', 100);
  (claim ?? Buffer.from(body.length.toString(8).padStart(11, '0'))).copy(header, 124);
  header.write('00000000000', 136);
  header.write(type, 156, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  // A reader that checks the sum must still meet the rest.
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, body, Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK)]);
}

/** Tar files whose sums are right and whose sizes, types and names are anything. */
export const tarLies: fc.Arbitrary<Uint8Array> = fc
  .array(member, { minLength: 1, maxLength: 5 })
  .map((members) =>
    Buffer.concat([...members.map(tarMember), Buffer.alloc(members.at(-1)?.isWhole === true ? 2 * BLOCK : 0)]),
  );

/** The parts of a zip file by their signatures, with the places and widths of their numbers. */
const ZIP_FIELDS: readonly { readonly signature: string; readonly fields: readonly (readonly [number, 2 | 4])[] }[] = [
  { signature: 'PK\x03\x04', fields: fieldsFrom([4, 6, 8, 26, 28], [14, 18, 22]) },
  { signature: 'PK\x01\x02', fields: fieldsFrom([8, 10, 28, 30, 32, 34, 36], [16, 20, 24, 38, 42]) },
  { signature: 'PK\x05\x06', fields: fieldsFrom([4, 6, 8, 10, 20], [12, 16]) },
];

function fieldsFrom(short: readonly number[], long: readonly number[]): (readonly [number, 2 | 4])[] {
  return [...short.map((at) => [at, 2] as const), ...long.map((at) => [at, 4] as const)];
}

const zipEdit = fc.record({
  part: fc.constantFrom(...ZIP_FIELDS),
  which: fc.nat(20),
  field: fc.nat(20),
  number: fc.constantFrom(...HOSTILE_NUMBERS),
});

/** Zip files in which numbers of headers, of the directory or of its end are not true. */
export const zipLies: fc.Arbitrary<Uint8Array> = fc
  .tuple(
    fc.array(fc.tuple(text, content, fc.constantFrom(0, 6)), { minLength: 1, maxLength: 4 }),
    fc.array(zipEdit, { maxLength: 4 }),
  )
  .map(([members, edits]) => {
    const files = members.map(([name, body, level], i) => [
      `${name.slice(0, 60_000)}${i}`,
      [Buffer.from(body), { level }],
    ]);
    const zip = Buffer.from(zipSync(Object.fromEntries(files) as Parameters<typeof zipSync>[0]));
    for (const { part, which, field, number } of edits) {
      const starts: number[] = [];
      for (
        let at = zip.indexOf(part.signature, 0, 'latin1');
        at >= 0;
        at = zip.indexOf(part.signature, at + 1, 'latin1')
      )
        starts.push(at);
      const [offset, width] = part.fields[field % part.fields.length] ?? [4, 2];
      const at = (starts[which % starts.length] ?? 0) + offset;
      if (at + width > zip.length) continue;
      zip.writeUIntLE(Number(BigInt.asUintN(8 * width, number)), at, width);
    }
    return zip;
  });
