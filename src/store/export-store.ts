import { throwIfAborted } from '../errors/index.js';
import type { Store } from './store.js';

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
