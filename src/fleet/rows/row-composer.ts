import { blake2b256 } from '../../native/blake2b.js';
import { Composer, type Composition, joinParts, type MatchTarget, modelKeyId, type Store } from '../../store/index.js';
import { type KeptRows, keyOf } from './kept-rows.js';
import type { ScanRequest } from './scan-wire.js';

/** Searches for one target's composition; between them its parts are scored in f32. */
const MAX_ATTEMPTS = 4;
/** Joined samples kept until they are fetched: 16 MiB if each is a whole batch. */
const MOST_JOINED = 1_024;

/** A joined sample that hits a target. */
export interface Joined {
  readonly target: MatchTarget;
  readonly checksum: Uint8Array;
  readonly bytes: Uint8Array;
  readonly composition: Composition;
}

/** Joins kept chunks for targets that no single one hits. Joined samples are not added to the store. */
export class RowComposer {
  readonly #rows: KeptRows;
  readonly #joined = new Map<string, Uint8Array>();
  #composer: Composer | undefined;

  constructor(rows: KeptRows) {
    this.#rows = rows;
  }

  /** Bytes of a recently joined sample, by checksum in hex. */
  bytes(checksum: string): Uint8Array | undefined {
    return this.#joined.get(checksum);
  }

  /** Finds compositions, confirmed in f32, for targets that all name the same models. */
  async *compose(
    store: Store,
    targets: readonly MatchTarget[],
    { maxParts, margin, fewest }: ScanRequest,
    signal: AbortSignal,
  ): AsyncGenerator<Joined> {
    const shape = this.#rows.models[0]?.config;
    if (shape === undefined || targets.length === 0) return;
    this.#composer ??= new Composer(store, { chunkBytes: shape.sequenceLength });
    const composer = this.#composer;
    // The default loss bounds do: low-precision rows are scored again in f32 below.
    const policy = { maxParts: Math.min(maxParts, shape.batchSize), margin, fewest };
    await composer.refresh(targets[0], signal);
    const found = await composer.compose(targets, policy);
    for (const [i, target] of targets.entries()) {
      let composition = found[i];
      for (let attempt = 1; composition !== undefined && !composition.isF32 && !signal.aborted; attempt++) {
        const isExact = attempt < MAX_ATTEMPTS && (await this.#scoreExactly(store, target, composition.parts, signal));
        if (isExact) [composition] = await composer.compose([target], policy);
        else composition = undefined;
      }
      // A single part is a sample that the scan excluded.
      if (composition === undefined || composition.parts.length < 2 || signal.aborted) continue;
      const parts = composition.parts.map((id) => store.sample(id).bytes);
      const { bytes } = joinParts(parts, shape);
      const checksum = blake2b256(bytes);
      this.#remember(Buffer.from(checksum).toString('hex'), bytes);
      yield { target, checksum, bytes, composition };
    }
  }

  async close(): Promise<void> {
    await this.#composer?.close();
  }

  #remember(checksum: string, bytes: Uint8Array): void {
    this.#joined.set(checksum, bytes);
    const [oldest] = this.#joined.keys();
    if (this.#joined.size > MOST_JOINED && oldest !== undefined) this.#joined.delete(oldest);
  }

  /** Re-scores parts in f32 under the target's models where needed; false if a model is unavailable. */
  async #scoreExactly(
    store: Store,
    target: MatchTarget,
    parts: readonly number[],
    signal: AbortSignal,
  ): Promise<boolean> {
    const known = new Map(this.#rows.models.map((model) => [modelKeyId(keyOf(model)), model]));
    for (const key of target.models) {
      const low = [...new Set(parts)].filter((part) => store.score(part, key)?.precision !== 'f32');
      if (low.length === 0) continue;
      const model = known.get(modelKeyId(key));
      if (model === undefined || !(await this.#rows.score(store, model, low, signal, 'f32'))) return false;
    }
    return true;
  }
}
