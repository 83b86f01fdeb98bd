// Writes test/vectors/reference-1mib.json: what the reference engine makes of the most data a submission holds. It takes
// a minute, too long for every test run. Run: npx tsx test/vectors/make-reference-1mib.ts
import { writeFile } from 'node:fs/promises';
import { createReferenceEngine } from '../../src/engine/reference/index.js';
import { safetensorsFromBytes } from '../../src/weights/safetensors.js';
import { wordBytes } from '../native/models.js';
import { MEBIBYTE_CONFIG, mebibyteWeights } from '../engine/mebibyte-case.js';

const model = await createReferenceEngine().load(safetensorsFromBytes(mebibyteWeights()), MEBIBYTE_CONFIG);
const [score] = await model.score([wordBytes(2 ** 20, 3)]);
const vector = {
  origin: 'the reference engine, by make-reference-1mib.ts; not an upstream value',
  config: MEBIBYTE_CONFIG,
  data: 'wordBytes(2 ** 20, 3) of test/native/models.ts',
  weights: 'weightsBytes(config) of test/native/models.ts',
  seed: 0,
  loss: score!.loss,
  embedding: [...score!.embedding],
};
await writeFile(new URL('reference-1mib.json', import.meta.url), `${JSON.stringify(vector, null, 2)}\n`);
