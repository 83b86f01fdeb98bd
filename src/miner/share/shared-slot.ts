import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { lockForWriting } from '../../database/writer-lock.js';
import { QuarryError } from '../../errors/index.js';
import { type ModelKey, modelKeyId, openStore, type Store, type StoredSample } from '../../store/index.js';
import { storeDirOf } from './slots.js';

/** Scores taken over at a time, so that the thread that races is never held long. */
const ROWS_AT_ONCE = 256;
/** How long a sample is left alone that lacks scores under other models: they are on their way, as a rule. */
const HOLD_MS = 10_000;
/** What a store consists of, beside the lock. */
const FILES = ['samples', 'scores', 'index.db', 'index.db-wal', 'index.db-shm'] as const;

export interface SharedSlotDeps {
  /** Takes the rows. */
  readonly store: Store;
  /** Models that this miner scores under. */
  readonly wanted: () => readonly ModelKey[];
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

interface Cursor {
  /** Scores taken over. */
  row: number;
  /** Since when the next one waits for others. */
  heldSince: number | undefined;
}

/** What one process scored for this miner, read beside it. */
export class SharedSlot {
  readonly #dir: string;
  readonly #deps: SharedSlotDeps;
  readonly #rows: Store;
  readonly #cursors = new Map<string, Cursor>();

  private constructor(dir: string, rows: Store, deps: SharedSlotDeps) {
    this.#dir = dir;
    this.#rows = rows;
    this.#deps = deps;
  }

  /** @returns `undefined` while there is nothing in it */
  static async open(dir: string, deps: SharedSlotDeps): Promise<SharedSlot | undefined> {
    try {
      const { embeddingDim } = deps.store;
      return new SharedSlot(dir, await openStore({ dir: storeDirOf(dir), embeddingDim, readonly: true }), deps);
    } catch (error) {
      if (error instanceof QuarryError && error.code === 'FILE_NOT_FOUND') return undefined;
      throw error;
    }
  }

  /** Takes over some of what was scored since the last time, and returns the ids it has here. */
  async take(holdMs = HOLD_MS): Promise<number[]> {
    this.#rows.refresh();
    const models = this.#deps.wanted().filter((key) => this.#rows.scoreCount(key) > 0);
    const ids = new Set(models.flatMap((key) => this.#next(key, models, holdMs)));
    return this.#adopt([...ids], models);
  }

  /**
   * Takes over what is left, samples without a score included, and removes it, once the process that wrote it is gone.
   *
   * @returns the ids that have scores; `undefined` while that process is there
   */
  async finish(): Promise<number[] | undefined> {
    const lock = this.#lock();
    if (lock === undefined) return undefined;
    try {
      const taken: number[] = [];
      for (let more = await this.take(0); more.length > 0; more = await this.take(0))
        for (const id of more) taken.push(id);
      for (let first = 0; first < this.#rows.sampleCount; first += ROWS_AT_ONCE) {
        const last = Math.min(this.#rows.sampleCount, first + ROWS_AT_ONCE);
        const ids = Array.from({ length: last - first }, (_, i) => first + i);
        await this.#deps.store.appendSamples(this.#read(ids));
      }
      await this.close();
      // The lock's own file stays: one that is starting may have it open.
      for (const name of FILES) rmSync(join(storeDirOf(this.#dir), name), { recursive: true, force: true });
      return taken;
    } finally {
      lock.release();
    }
  }

  close(): Promise<void> {
    return this.#rows.close();
  }

  #lock(): ReturnType<typeof lockForWriting> | undefined {
    try {
      return lockForWriting(storeDirOf(this.#dir));
    } catch (error) {
      if (error instanceof QuarryError && error.code === 'STORE_LOCKED') return undefined;
      throw error;
    }
  }

  /** Samples that were scored under a model since, up to the first that others have yet to score. */
  #next(model: ModelKey, models: readonly ModelKey[], holdMs: number): number[] {
    const id = modelKeyId(model);
    const cursor = this.#cursors.get(id) ?? { row: 0, heldSince: undefined };
    this.#cursors.set(id, cursor);
    // Scores that were dropped and made anew are fewer.
    if (cursor.row > this.#rows.scoreCount(model)) cursor.row = 0;
    const ids = this.#rows.scoredFrom(model, cursor.row, ROWS_AT_ONCE);
    const partial = ids.findIndex((sample) => models.some((key) => this.#rows.score(sample, key) === undefined));
    let count = partial === -1 ? ids.length : partial;
    if (count === 0 && ids.length > 0) {
      cursor.heldSince ??= this.#deps.now();
      if (this.#deps.now() - cursor.heldSince < holdMs) return [];
      count = ids.length;
    }
    cursor.heldSince = undefined;
    cursor.row += count;
    return ids.slice(0, count);
  }

  async #adopt(ids: readonly number[], models: readonly ModelKey[]): Promise<number[]> {
    const { store } = this.#deps;
    const samples = this.#read(ids);
    if (samples.length === 0) return [];
    const own = (await store.appendSamples(samples)).map(({ id }) => id);
    const scored = new Set<number>();
    for (const key of models) {
      const rows = samples.flatMap((sample, i) => {
        const sampleId = own[i]!;
        if (store.score(sampleId, key) !== undefined) return [];
        const score = this.#rows.score(sample.id, key);
        return score === undefined ? [] : [{ sampleId, ...score }];
      });
      await store.appendScores(key, rows);
      for (const { sampleId } of rows) scored.add(sampleId);
    }
    return [...scored];
  }

  /** Samples that are whole; the others are the loss of the process that wrote them. */
  #read(ids: readonly number[]): StoredSample[] {
    return ids.flatMap((id) => {
      try {
        return [this.#rows.sample(id)];
      } catch (error) {
        if (error instanceof QuarryError) return [];
        throw error;
      }
    });
  }
}
