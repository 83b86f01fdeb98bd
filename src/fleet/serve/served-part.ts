import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ErrorBound, Score } from '../../engine/contract.js';
import { makeDirectory } from '../../files/make-directory.js';
import { assertRegularFile } from '../../files/regular-file.js';
import { replaceFile } from '../../files/replace-file.js';
import { type ModelKey, modelKeyId, openStore, type Store } from '../../store/index.js';
import { MOST_BOUND } from '../wire.js';

/** A score and its engine's error bound. */
export interface Scored {
  readonly score: Score;
  readonly bound: ErrorBound;
}

/** A sample with its score. */
export interface ScoredSample extends Scored {
  readonly bytes: Uint8Array;
  /** BLAKE2b-256 of the bytes. */
  readonly checksum: Uint8Array;
}

/** Which score to look up. */
export interface ScoreQuery {
  readonly model: ModelKey;
  readonly checksum: Uint8Array;
  readonly sizeBytes: number;
  /** `f32` accepts only f32 scores. */
  readonly precision: 'f32' | undefined;
}

const NO_BOUND: ErrorBound = { loss: 0, distance: 0 };
/** Origin of samples, for people inspecting the store. */
const ORIGIN = 'scoring service';

/**
 * An embedding store of scores, plus the error bound of each model's low-precision rows, which the store does not record.
 */
export class ServedPart {
  readonly #store: Store;
  readonly #dir: string;
  /** By id of the model. */
  readonly #bounds: Map<string, ErrorBound>;

  private constructor(dir: string, store: Store, bounds: Map<string, ErrorBound>) {
    this.#dir = dir;
    this.#store = store;
    this.#bounds = bounds;
  }

  /**
   * Opens or creates a part.
   *
   * @param width of the embeddings
   * @throws QuarryError as `openStore` does
   */
  static async open(dir: string, width: number): Promise<ServedPart> {
    makeDirectory(dir);
    const store = await openStore({ dir, embeddingDim: width, durability: 'process' });
    return new ServedPart(dir, store, await readBounds(boundsFile(dir)));
  }

  get bytesOnDisk(): number {
    return this.#store.bytesOnDisk;
  }

  get models(): number {
    return this.#store.models.length;
  }

  find({ model, checksum, sizeBytes, precision }: ScoreQuery): Scored | undefined {
    const id = this.#store.find(checksum);
    // A wrong size is an error of the request, which fetching the data reports.
    if (id === undefined || this.#store.sampleSize(id) !== sizeBytes) return undefined;
    const score = this.#store.score(id, model);
    if (score === undefined) return undefined;
    if (score.precision === 'f32') return { score, bound: NO_BOUND };
    return precision === 'f32' ? undefined : { score, bound: this.#bounds.get(modelKeyId(model)) ?? MOST_BOUND };
  }

  /** Stores scores under one model. An f32 score is never replaced by one in lower precision. */
  async append(model: ModelKey, scored: readonly ScoredSample[]): Promise<void> {
    await this.#noteBound(model, scored);
    const appended = await this.#store.appendSamples(
      scored.map(({ bytes, checksum }) => ({ bytes, checksum, origin: ORIGIN })),
    );
    const rows = scored.flatMap(({ score }, i) => {
      const sampleId = appended[i]?.id;
      if (sampleId === undefined) return [];
      const isBetter = score.precision === 'f32' || this.#store.score(sampleId, model)?.precision !== 'f32';
      return isBetter ? [{ sampleId, ...score }] : [];
    });
    await this.#store.appendScores(model, rows);
  }

  async withdraw(model: ModelKey, checksums: readonly Uint8Array[]): Promise<void> {
    const ids = checksums.flatMap((checksum) => this.#store.find(checksum) ?? []);
    await this.#store.withdrawScores(model, ids);
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  /** Written before the rows it applies to. */
  async #noteBound(model: ModelKey, scored: readonly ScoredSample[]): Promise<void> {
    const id = modelKeyId(model);
    const low = scored.filter(({ score }) => score.precision !== 'f32');
    const known = this.#bounds.get(id);
    const loss = Math.max(known?.loss ?? 0, ...low.map(({ bound }) => bound.loss));
    const distance = Math.max(known?.distance ?? 0, ...low.map(({ bound }) => bound.distance));
    if (low.length === 0 || (loss === known?.loss && distance === known.distance)) return;
    const bounds = new Map(this.#bounds).set(id, { loss, distance });
    await replaceFile(boundsFile(this.#dir), JSON.stringify(Object.fromEntries(bounds)), { mode: 0o666 });
    this.#bounds.set(id, { loss, distance });
  }
}

function boundsFile(dir: string): string {
  return join(dir, 'bounds.json');
}

/** An unreadable file yields no bounds: lookups then assume the widest one, and more scores count as near-ties. */
async function readBounds(path: string): Promise<Map<string, ErrorBound>> {
  try {
    assertRegularFile(path);
    const told = JSON.parse(await readFile(path, 'utf8')) as Record<string, Partial<ErrorBound> | null>;
    return new Map(
      Object.entries(told).flatMap(([id, bound]) => {
        const { loss, distance } = bound ?? {};
        return isBound(loss) && isBound(distance) ? [[id, { loss, distance }] as const] : [];
      }),
    );
  } catch {
    return new Map();
  }
}

function isBound(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
