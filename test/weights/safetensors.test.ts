import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { blake2b } from '@noble/hashes/blake2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { QuarryError } from '../../src/errors/index.js';
import { openSafetensors, safetensorsFromBytes } from '../../src/weights/safetensors.js';
import { encodeSafetensors, safetensorsHeader } from '../../src/weights/safetensors-write.js';
import { assertFitsV1, v1Tensors } from '../../src/weights/v1-layout.js';
import type { TensorDtype } from '../../src/weights/weights-file.js';
import { type ArraySpec, arrayOf, vectors } from '../engine/vectors.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quarry-safetensors-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A file with any header text and `dataBytes` bytes of data. */
function raw(header: string | Uint8Array, dataBytes = 0, headerLength?: bigint): Uint8Array {
  const body = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const file = new Uint8Array(8 + body.byteLength + dataBytes);
  new DataView(file.buffer).setBigUint64(0, headerLength ?? BigInt(body.byteLength), true);
  file.set(body, 8);
  return file;
}

function tensor(begin: number, end: number, shape: unknown = [(end - begin) / 4], dtype: unknown = 'F32'): string {
  return JSON.stringify({ dtype, shape, data_offsets: [begin, end] });
}

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return error instanceof QuarryError ? error.code : `not a QuarryError: ${error}`;
  }
  return 'no error';
}

describe('what the container rules refuse', () => {
  const cases: [string, Uint8Array][] = [
    ['no bytes', new Uint8Array(0)],
    ['seven bytes', new Uint8Array(7)],
    ['a prefix that is not one', Uint8Array.from([0xde, 0xad, 0xbe, 0xef, 0, 1, 2, 3])],
    ['a header longer than the file', raw('{}', 0, 3n)],
    ['a header of 100,000,001 bytes', raw('{}', 0, 100_000_001n)],
    ['a header of 2^64 - 1 bytes', raw('{}', 0, (1n << 64n) - 1n)],
    ['a header longer than any architecture needs', raw(`{${' '.repeat(1024 * 1024)}}`)],
    ['a header that nests deep', raw(`{"a":${'['.repeat(1000)}${']'.repeat(1000)}}`)],
    ['an empty header', raw('')],
    ['a header that is not UTF-8', raw(Uint8Array.from([0x7b, 0x22, 0xff, 0x22, 0x7d]))],
    ['a byte order mark', raw('\ufeff{}')],
    ['a header that is not JSON', raw('{"a":')],
    ['an array for a header', raw('[]')],
    ['text after the object', raw('{}x')],
    ['a tensor that is not an object', raw('{"a":1}')],
    ['a null tensor', raw('{"a":null}')],
    ['no dtype', raw('{"a":{"shape":[1],"data_offsets":[0,4]}}', 4)],
    ['no shape', raw('{"a":{"dtype":"F32","data_offsets":[0,4]}}', 4)],
    ['no offsets', raw('{"a":{"dtype":"F32","shape":[1]}}', 4)],
    ['an unsupported dtype', raw(`{"a":${tensor(0, 4, [2], 'U16')}}`, 4)],
    ['an 8-bit float', raw(`{"a":${tensor(0, 4, [4], 'F8_E4M3')}}`, 4)],
    ['a dtype that is a name of Object.prototype', raw(`{"a":${tensor(0, 4, [1], 'constructor')}}`, 4)],
    ['a negative size', raw(`{"a":${tensor(0, 4, [-1])}}`, 4)],
    ['a fractional size', raw(`{"a":${tensor(0, 4, [0.5])}}`, 4)],
    ['a size beyond exact integers', raw(`{"a":${tensor(0, 4, [2 ** 53])}}`, 4)],
    ['a shape that overflows', raw(`{"a":${tensor(0, 0, [2 ** 40, 2 ** 40, 0])}}`)],
    ['a size that is text', raw(`{"a":${tensor(0, 4, ['1'])}}`, 4)],
    ['three offsets', raw('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,4]}}', 4)],
    ['an end before its begin', raw('{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}', 4)],
    ['too few bytes for the shape', raw(`{"a":${tensor(0, 4, [2])}}`, 4)],
    ['too many bytes for the shape', raw(`{"a":${tensor(0, 8, [1])}}`, 8)],
    ['a first tensor that does not start at 0', raw(`{"a":${tensor(4, 8)}}`, 8)],
    ['a gap', raw(`{"a":${tensor(0, 4)},"b":${tensor(8, 12)}}`, 12)],
    ['an overlap', raw(`{"a":${tensor(0, 8)},"b":${tensor(4, 8)}}`, 8)],
    ['two tensors in one place', raw(`{"a":${tensor(0, 4)},"b":${tensor(0, 4)}}`, 4)],
    ['data after the last tensor', raw(`{"a":${tensor(0, 4)}}`, 5)],
    ['a file cut short', raw(`{"a":${tensor(0, 8)}}`, 7)],
    ['data without tensors', raw('{}', 1)],
    ['a tensor named twice', raw(`{"a":${tensor(0, 4)}, "a" : ${tensor(0, 4)}}`, 4)],
    ['a tensor named twice, once escaped', raw(`{"a":${tensor(0, 4)},"\\u0061":${tensor(0, 4)}}`, 4)],
    ['a field given twice', raw('{"a":{"dtype":"F32","dtype":"I32","shape":[1],"data_offsets":[0,4]}}', 4)],
    ['metadata that is not strings', raw('{"__metadata__":{"a":1}}')],
    ['metadata that is a list', raw('{"__metadata__":["a"]}')],
  ];
  test.each(cases)('%s', async (name, bytes) => {
    expect(codeOf(() => safetensorsFromBytes(bytes))).toBe('WEIGHTS_INVALID');
    const path = join(folder, `${cases.findIndex(([n]) => n === name)}.bad`);
    await writeFile(path, bytes);
    await expect(openSafetensors(path)).rejects.toMatchObject({ code: 'WEIGHTS_INVALID' });
  });

  test('any bytes give an error of one kind or a consistent file', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(64), (json, extra) => {
        const outcome = codeOf(() => safetensorsFromBytes(raw(json, extra)));
        return outcome === 'WEIGHTS_INVALID' || outcome === 'no error';
      }),
      { numRuns: 300 },
    );
  });

  test('a long text in the header does not exhaust the stack', () => {
    const long = 'a'.repeat(500_000);
    const file = safetensorsFromBytes(raw(`{"__metadata__":{"note":"${long}"},"a":${tensor(0, 4)}}`, 4));
    expect([...file.tensors.keys()]).toEqual(['a']);
    expect(codeOf(() => safetensorsFromBytes(raw(`{"a":${'['.repeat(500_000)}`)))).toBe('WEIGHTS_INVALID');
  });
});

describe('what the container rules allow', () => {
  test('trailing spaces, metadata, any order, empty and scalar tensors, odd names', async () => {
    const header = `{"__metadata__":{"format":"pt"},"b":${tensor(4, 8)},"__proto__":${tensor(8, 8, [0])},"a":${tensor(0, 4, [])}}    `;
    const bytes = raw(header, 8);
    new DataView(bytes.buffer).setFloat32(bytes.byteLength - 4, 1.5, true);
    const file = safetensorsFromBytes(bytes);
    expect([...file.tensors.keys()]).toEqual(['a', 'b', '__proto__']);
    expect(await file.read('b')).toEqual(Float32Array.of(1.5));
    expect(await file.read('__proto__')).toEqual(new Float32Array(0));
    await expect(file.read('constructor')).rejects.toMatchObject({ code: 'WEIGHTS_INVALID' });
  });

  test('a container of nothing', () => {
    expect(safetensorsFromBytes(raw('{}')).tensors.size).toBe(0);
  });
});

describe('values', () => {
  const i64 = (values: bigint[]) => new Uint8Array(BigInt64Array.from(values).buffer);
  const cases: [TensorDtype, Uint8Array, number[]][] = [
    ['F64', new Uint8Array(Float64Array.of(0.1, -1e300, Number.NaN).buffer), [Math.fround(0.1), -Infinity, Number.NaN]],
    ['F32', new Uint8Array(Float32Array.of(0.1, Infinity).buffer), [Math.fround(0.1), Infinity]],
    [
      'F16',
      new Uint8Array(Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x7c00, 0x7bff, 0x8400).buffer),
      [1, -2, 2 ** -24, Infinity, 65504, -(2 ** -14)],
    ],
    ['BF16', new Uint8Array(Uint16Array.of(0x3f80, 0xc000, 0x7f80).buffer), [1, -2, Infinity]],
    // 2^54 + 2^30 + 1 lies just above the middle of two f32: rounding through f64 first would lose the last bit.
    ['I64', i64([-5n, (1n << 54n) + (1n << 30n) + 1n, -(1n << 63n)]), [-5, 2 ** 54 + 2 ** 31, -(2 ** 63)]],
    ['U64', i64([7n, -1n]), [7, 2 ** 64]],
    ['I32', new Uint8Array(Int32Array.of(-7, 16777217).buffer), [-7, 16777216]],
    ['U32', new Uint8Array(Uint32Array.of(4294967295).buffer), [4294967296]],
    ['I16', new Uint8Array(Int16Array.of(-300).buffer), [-300]],
    ['I8', Uint8Array.of(0xff, 0x7f), [-1, 127]],
    ['U8', Uint8Array.of(0xff), [255]],
    ['BOOL', Uint8Array.of(0, 1), [0, 1]],
  ];
  test.each(cases)('%s', async (dtype, data, expected) => {
    const size = data.byteLength / expected.length;
    expect(size).toBe(Math.trunc(size));
    const entry = { name: 'x', dtype, shape: [expected.length], data };
    // The odd-sized first tensor makes the second one unaligned.
    const bytes = encodeSafetensors([{ name: 'pad', dtype: 'U8', shape: [1], data: Uint8Array.of(9) }, entry]);
    expect([...(await safetensorsFromBytes(bytes).read('x'))]).toEqual(expected);
    const path = join(folder, `${dtype}.safetensors`);
    await writeFile(path, bytes);
    const file = await openSafetensors(path);
    expect([...(await file.read('x'))]).toEqual(expected);
    expect(file.checksum).toBe(bytesToHex(blake2b(bytes, { dkLen: 32 })));
    await file.close();
  });

  test('the writer refuses data of another size and a name given twice', () => {
    const data = new Float32Array(1);
    expect(codeOf(() => encodeSafetensors([{ name: 'a', shape: [2], data }]))).toBe('INVALID_ARGUMENT');
    expect(
      codeOf(() =>
        safetensorsHeader([
          { name: 'a', shape: [1] },
          { name: 'a', shape: [1] },
        ]),
      ),
    ).toBe('INVALID_ARGUMENT');
  });

  test('a missing file says so', async () => {
    await expect(openSafetensors(join(folder, 'none'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  });
});

describe('loading into a model', () => {
  interface Case {
    test: string;
    tensors?: Record<string, ArraySpec>;
    raw_bytes_hex?: string | null;
    expected: string;
  }
  // The goldens load one linear layer of shape [2, 4]; the predictor of a V1 model is such a layer.
  const shape = { embeddingDim: 2, numLayers: 0, hiddenDim: 1, vocabSize: 4 };
  const others = v1Tensors(shape)
    .filter(({ name }) => !name.startsWith('predictor'))
    .map((entry) => ({ ...entry, data: new Float32Array(entry.shape.reduce((a, b) => a * b, 1)) }));
  test.each(vectors<{ cases: Case[] }>('soma-weight-loading').cases)(
    '$test',
    ({ tensors, raw_bytes_hex, expected }) => {
      const load = () => {
        const bytes =
          tensors === undefined
            ? Buffer.from(raw_bytes_hex ?? '', 'hex')
            : encodeSafetensors([
                ...others,
                ...Object.entries(tensors).map(([name, spec]) => ({
                  name: name.replace('linear', 'predictor'),
                  shape: spec.shape,
                  data: arrayOf(spec),
                })),
              ]);
        return assertFitsV1(safetensorsFromBytes(bytes), shape);
      };
      if (expected === 'error') expect(codeOf(load)).toBe('WEIGHTS_INVALID');
      else expect(load()).toEqual(['predictor.bogus_param']);
    },
  );

  test('sizes of the network’s models', () => {
    const count = (s: Parameters<typeof v1Tensors>[0]) => {
      const all = v1Tensors(s);
      return [all.length, all.reduce((sum, t) => sum + t.shape.reduce((a, b) => a * b, 1), 0)];
    };
    expect(count({ embeddingDim: 2048, numLayers: 24, hiddenDim: 8192, vocabSize: 264 })).toEqual([389, 1_209_684_232]);
    expect(count({ embeddingDim: 16, numLayers: 2, hiddenDim: 32, vocabSize: 264 })).toEqual([37, 13_192]);
  });
});
