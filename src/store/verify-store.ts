import { setImmediate as nextTurn } from 'node:timers/promises';
import { throwIfAborted } from '../errors/index.js';
import { blake2b256 } from '../native/blake2b.js';
import type { ModelKey } from './model-key.js';
import type { Store } from './store.js';

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
    await nextTurn();
  };
  for (let id = 0; id < samples.count; id++) {
    await breathe(id);
    const record = samples.record(id);
    if (record === undefined) faults.push({ kind: 'sample-record', index: id });
    else if (record.kind === 'sample') {
      const isIntact = samples.isWhole(id) && Buffer.compare(blake2b256(samples.read(id).bytes), record.checksum) === 0;
      if (!isIntact) faults.push({ kind: 'sample-bytes', index: id });
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
