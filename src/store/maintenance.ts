import { throwIfAborted } from '../errors/index.js';
import { blake2b256 } from '../native/blake2b.js';
import { type ModelKey, modelKeyId } from './model-key.js';
import type { Store } from './store.js';

/** Statistics of a store. */
export interface StoreInfo {
  readonly dir: string;
  readonly embeddingDim: number;
  readonly samples: number;
  /** Tombstoned samples and ids whose sample was lost. */
  readonly deadSamples: number;
  readonly sampleBytes: number;
  readonly models: readonly { readonly model: ModelKey; readonly rows: number; readonly bytesOnDisk: number }[];
  readonly bytesOnDisk: number;
  /** Memory of columns and winner indexes. */
  readonly memoryBytes: number;
  readonly modelSets: number;
}

/** Computes statistics of a store. */
export function storeInfo(store: Store): StoreInfo {
  const { dir, samples, logs, sets } = store.internals;
  const columns = [samples.tags, samples.sizes, samples.dead];
  const models = [...logs.values()].map((log) => {
    columns.push(log.samples, log.losses as never, log.precisions, log.rowCrcs, log.rowOfSample);
    return { model: log.key, rows: log.count, bytesOnDisk: log.bytesOnDisk };
  });
  let deadSamples = 0;
  let sampleBytes = 0;
  for (let id = 0; id < samples.count; id++) {
    deadSamples += samples.dead.array[id]!;
    sampleBytes += samples.sizes.array[id]!;
  }
  const memory = [...columns, sets].reduce((sum, part) => sum + part.byteLength, 0);
  return {
    dir,
    embeddingDim: store.embeddingDim,
    samples: samples.count,
    deadSamples,
    sampleBytes,
    models,
    bytesOnDisk: models.reduce((sum, model) => sum + model.bytesOnDisk, samples.bytesOnDisk),
    memoryBytes: memory,
    modelSets: sets.size,
  };
}

/** A fault found by verification. */
export interface StoreFault {
  readonly kind: 'sample-record' | 'sample-bytes' | 'score-row' | 'bf16-row' | 'score-of-another-sample';
  /** Sample id, or row index in a model's scores. */
  readonly index: number;
  readonly model?: ModelKey | undefined;
}

/** Result of {@link verifyStore}. */
export interface StoreVerification {
  readonly samples: number;
  readonly rows: number;
  readonly faults: readonly StoreFault[];
}

/**
 * Reads everything and verifies all checksums: records, sample bytes (CRC-32 and BLAKE2b-256) and rows. Also checks
 * that bf16 rows are the rounded f32 rows.
 *
 * @throws QuarryError `ABORTED` when the signal fires
 */
export async function verifyStore(
  store: Store,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<StoreVerification> {
  const { samples, logs } = store.internals;
  const faults: StoreFault[] = [];
  const breathe = async (step: number): Promise<void> => {
    if (step % 1024 !== 0) return;
    throwIfAborted(options.signal, 'verifying the store');
    await new Promise(setImmediate);
  };
  for (let id = 0; id < samples.count; id++) {
    await breathe(id);
    const record = samples.record(id);
    if (record === undefined) faults.push({ kind: 'sample-record', index: id });
    else if (record.kind === 'sample') {
      const whole = samples.isWhole(id);
      const { bytes } = whole ? samples.read(id) : { bytes: undefined };
      if (bytes === undefined || Buffer.compare(blake2b256(bytes), record.checksum) !== 0) {
        faults.push({ kind: 'sample-bytes', index: id });
      }
    }
  }
  let rows = 0;
  for (const log of logs.values()) {
    for (let row = 0; row < log.count; row++, rows++) {
      await breathe(row);
      const sampleId = log.samples.array[row]!;
      if (!log.isWhole(row)) faults.push({ kind: 'score-row', index: row, model: log.key });
      else if (!log.isPackedRight(row)) faults.push({ kind: 'bf16-row', index: row, model: log.key });
      else if (samples.dead.array[sampleId] === 0 && log.tag(row) !== samples.tags.array[sampleId]) {
        faults.push({ kind: 'score-of-another-sample', index: row, model: log.key });
      }
    }
  }
  return { samples: samples.count, rows, faults };
}

/** Result of {@link collectGarbage}. */
export interface StoreCollection {
  readonly removed: readonly { readonly model: ModelKey; readonly rows: number }[];
  readonly freedBytes: number;
}

/**
 * Removes the scores of all models not in `active`: replaced weights never compete again. Sample bytes stay, to be
 * scored under the new weights.
 */
export async function collectGarbage(store: Store, active: readonly ModelKey[]): Promise<StoreCollection> {
  const keep = new Set(active.map(modelKeyId));
  const { logs, drop } = store.internals;
  const removed: { model: ModelKey; rows: number }[] = [];
  let freedBytes = 0;
  for (const [id, log] of [...logs]) {
    if (keep.has(id)) continue;
    removed.push({ model: log.key, rows: log.count });
    freedBytes += log.bytesOnDisk;
    await drop(id);
  }
  return { removed, freedBytes };
}

/** What an export includes besides ids, checksums and losses. */
export interface ExportOptions {
  /** Sample bytes, base64. Default false. */
  readonly bytes?: boolean | undefined;
  /** Embeddings as arrays of numbers. Default false. */
  readonly embeddings?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Yields every live sample with its scores as a line of JSON, without line end. */
export async function* exportStore(store: Store, options: ExportOptions = {}): AsyncGenerator<string> {
  const { samples, logs } = store.internals;
  for (let id = 0; id < samples.count; id++) {
    throwIfAborted(options.signal, 'exporting the store');
    if (samples.dead.array[id] === 1) continue;
    const { bytes, checksum, origin } = store.sample(id);
    const scores = [...logs.values()].flatMap((log) => {
      const score = store.score(id, log.key);
      if (score === undefined) return [];
      const { embedding, ...rest } = score;
      return [{ ...log.key, ...rest, ...(options.embeddings && { embedding: Array.from(embedding) }) }];
    });
    yield JSON.stringify({
      id,
      checksum: Buffer.from(checksum).toString('hex'),
      sizeBytes: bytes.length,
      origin,
      ...(options.bytes && { bytes: Buffer.from(bytes).toString('base64') }),
      scores,
    });
  }
}
