import { normalArray } from '../src/engine/reference/index.js';
import { type ModelKey, openStore } from '../src/store/index.js';
import { letterSamples } from './letter-samples.js';

const BATCH = 1_000;

/** What a store of made-up scores is like. */
export interface MadeUpRows {
  readonly dir: string;
  readonly rows: number;
  readonly embeddingDim: number;
  readonly sampleBytes: number;
  readonly models: readonly ModelKey[];
}

/**
 * Fills a store with samples and scores that no model gave: random directions, and losses far enough apart that the
 * winner is certain. What a submission takes does not depend on where its numbers come from.
 */
export async function fillStore({ dir, rows, embeddingDim, sampleBytes, models }: MadeUpRows): Promise<void> {
  const store = await openStore({ dir, embeddingDim, durability: 'process' });
  try {
    const data = letterSamples(rows, sampleBytes, 1);
    for (let first = 0; first < rows; first += BATCH) {
      const count = Math.min(BATCH, rows - first);
      const ids = Array.from({ length: count }, (_, k) => first + k);
      await store.appendSamples(
        ids.map((id) => ({ bytes: data.subarray(id * sampleBytes, (id + 1) * sampleBytes), origin: `bench#${id}` })),
      );
      for (const [m, model] of models.entries()) {
        const values = normalArray(BigInt(first * models.length + m), count * embeddingDim);
        const scores = ids.map((sampleId, k) => ({
          sampleId,
          loss: 3 + ((sampleId + m) % models.length),
          embedding: values.subarray(k * embeddingDim, (k + 1) * embeddingDim),
          precision: 'f32' as const,
        }));
        await store.appendScores(model, scores);
      }
    }
  } finally {
    await store.close();
  }
}
