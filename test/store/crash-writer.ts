/**
 * Appends samples and scores to a store as fast as it can, and prints the id of every sample once both are
 * acknowledged, until it is killed. Arguments: directory, first number.
 */
import { openStore } from '../../src/store/index.js';
import { A, sampleBytes } from './crash-samples.js';

const [dir = '', first = '0'] = process.argv.slice(2);
const store = await openStore({ dir, embeddingDim: 16, durability: 'process' });
process.stdout.write('ready\n');
for (let n = Number(first); ; n += 4) {
  const numbers = [n, n + 1, n + 2, n + 3];
  const appended = await store.appendSamples(numbers.map((k) => ({ bytes: sampleBytes(k), origin: String(k) })));
  await store.appendScores(
    A,
    appended.map(({ id }, i) => ({
      sampleId: id,
      loss: numbers[i]!,
      embedding: new Float32Array(16).fill(numbers[i]! + 1),
      precision: 'bf16' as const,
    })),
  );
  process.stdout.write(`${numbers.join(' ')}\n`);
}
