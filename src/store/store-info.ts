import type { ModelKey } from './model-key.js';
import type { Store } from './store.js';

/** Statistics of a store. */
export interface StoreInfo {
  readonly dir: string;
  readonly embeddingDim: number;
  /** Samples ever appended, dead ones included. */
  readonly samples: number;
  /** Tombstoned samples and ids whose sample was lost. */
  readonly deadSamples: number;
  /** Bytes of all samples, without origins. */
  readonly sampleBytes: number;
  readonly models: readonly { readonly model: ModelKey; readonly rows: number; readonly bytesOnDisk: number }[];
  readonly bytesOnDisk: number;
  /** Memory of columns and winner indexes, bytes. */
  readonly memoryBytes: number;
  /** Lists of models with a winner index in memory. */
  readonly modelSets: number;
}

/** Computes statistics of a store. */
export function storeInfo(store: Store): StoreInfo {
  const { dir, samples, logs, sets } = store.internals;
  const inMemory: { readonly byteLength: number }[] = [samples.tags, samples.sizes, samples.dead, sets];
  const models = [...logs.values()].map((log) => {
    inMemory.push(log.samples, log.losses, log.precisions, log.rowCrcs, log.rowOfSample);
    return { model: log.key, rows: log.count, bytesOnDisk: log.bytesOnDisk };
  });
  let deadSamples = 0;
  let sampleBytes = 0;
  for (let id = 0; id < samples.count; id++) {
    deadSamples += samples.dead.array[id]!;
    sampleBytes += samples.sizes.array[id]!;
  }
  return {
    dir,
    embeddingDim: store.embeddingDim,
    samples: samples.count,
    deadSamples,
    sampleBytes,
    models,
    bytesOnDisk: models.reduce((sum, model) => sum + model.bytesOnDisk, samples.bytesOnDisk),
    memoryBytes: inMemory.reduce((sum, { byteLength }) => sum + byteLength, 0),
    modelSets: sets.size,
  };
}
