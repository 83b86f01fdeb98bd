import fc from 'fast-check';
import { QuarryError } from '../../src/errors/index.js';
import { safetensorsFromBytes } from '../../src/weights/safetensors.js';
import { parseSafetensorsHeader, safetensorsHeaderBytes } from '../../src/weights/safetensors-header.js';
import { encodeSafetensors } from '../../src/weights/safetensors-write.js';
import type { Decoder } from './decoder.js';
import { HOSTILE_NUMBERS } from './hostile.js';
import { jsonLies } from './json-lies.js';

const WEIGHTS = encodeSafetensors(
  [
    { name: 'embedding.weight', shape: [4, 8], data: new Float32Array(32).fill(0.5) },
    { name: 'norm.bias', dtype: 'BF16', shape: [3], data: new Uint8Array(6) },
  ],
  { format: 'pt' },
);
const PREFIX = 8;

function headerOf(file: Uint8Array): { header: unknown; data: Uint8Array } {
  const end = PREFIX + safetensorsHeaderBytes(file, file.length);
  return { header: JSON.parse(Buffer.from(file.subarray(PREFIX, end)).toString()), data: file.subarray(end) };
}

function withHeader(header: string, data: Uint8Array): Uint8Array {
  const text = Buffer.from(header);
  const prefix = Buffer.alloc(PREFIX);
  prefix.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([prefix, text, data]);
}

const size = fc.oneof(fc.nat(20), fc.constantFrom(...HOSTILE_NUMBERS).map(Number), fc.constantFrom(-1, 0.5, -0));
/** Tensors that may be said to lie anywhere, beside each other or not, and be of any size. */
const tensors = fc.dictionary(
  fc.constantFrom('a', 'b', '__proto__', 'constructor', '__metadata__', ''),
  fc.record({
    dtype: fc.constantFrom('F64', 'F32', 'BF16', 'F16', 'I64', 'U8', 'BOOL', 'F8_E4M3', 'f32'),
    shape: fc.array(size, { maxLength: 4 }),
    data_offsets: fc.array(size, { minLength: 1, maxLength: 3 }),
  }),
);

/** The container of weights. */
export function weightsDecoders(): Decoder[] {
  const { header, data } = headerOf(WEIGHTS);
  const lies = fc
    .oneof(
      jsonLies(header),
      tensors.map((told) => JSON.stringify(told)),
    )
    .map((text) => withHeader(text, data));
  return [
    {
      name: 'safetensors header',
      seeds: [WEIGHTS],
      lies,
      decode: (bytes) => {
        const length = safetensorsHeaderBytes(bytes, bytes.length);
        return parseSafetensorsHeader(bytes.subarray(PREFIX, PREFIX + length), bytes.length);
      },
    },
    { name: 'safetensors', seeds: [WEIGHTS], lies, decode: readAll },
  ];
}

/** Reads every tensor: as many values as its shape says, or a typed error. */
async function readAll(bytes: Uint8Array): Promise<void> {
  const file = safetensorsFromBytes(bytes);
  for (const [name, { shape }] of file.tensors) {
    let values: Float32Array;
    try {
      values = await file.read(name);
    } catch (error) {
      if (!(error instanceof QuarryError)) throw error;
      continue;
    }
    const expected = shape.reduce((product, length) => product * length, 1);
    if (values.length !== expected) throw new Error(`${values.length} values of a tensor of ${expected}`);
  }
}
