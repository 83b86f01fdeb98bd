import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { lockForWriting, type WriterLock } from '../../database/writer-lock.js';
import type { Precision } from '../../engine/contract.js';
import { QuarryError } from '../../errors/index.js';
import { type ModelKey, modelKeyId, openStore, type Store, type StoredSample } from '../../store/index.js';
import { storeDirOf } from './slots.js';

/** Samples taken over at a time, and bytes of them, so that the thread that races is never held long. */
const ROWS_AT_ONCE = 256;
const BYTES_AT_ONCE = 4 * 2 ** 20;
/** Pages looked through at a time while they hold nothing new: after a restart all of a store is known. */
export const PAGES_AT_ONCE = 16;
/** How long a sample is left alone that lacks scores under other models: they are on their way, as a rule. */
const HOLD_MS = 10_000;
/** What a store consists of, beside the lock, in the order of removal: without its index it counts as empty. */
const FILES = ['index.db', 'index.db-wal', 'index.db-shm', 'samples', 'scores'] as const;

export interface SharedSlotDeps {
  /** Takes the rows. */
  readonly store: Store;
  /** What this miner's own engine scores in. */
  readonly precision: Precision;
  /** Models whose scores are taken over. */
  readonly wanted: () => readonly ModelKey[];
  /** Those of them under which every sample is being scored: a sample is taken over with all of these. */
  readonly awaited: () => readonly ModelKey[];
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** What was taken over. */
export interface TakenRows {
  /** Samples, by their ids here, that have scores now which they had not. */
  readonly scored: readonly number[];
  /** Whether there is more that can be taken over at once. */
  readonly more: boolean;
}

interface Cursor {
  /** Scores taken over. */
  row: number;
  /** Since when scores up to a row wait for others of the same samples. */
  hold: { readonly since: number; readonly upTo: number } | undefined;
}

/** What one process scored for this miner, read beside it. */
export class SharedSlot {
  readonly #dir: string;
  readonly #deps: SharedSlotDeps;
  readonly #rows: Store;
  readonly #cursors = new Map<string, Cursor>();
  /** Held from when the process that wrote it was found gone. */
  #lock: WriterLock | undefined;
  /** Samples looked at since, with a score or without. */
  #looked = 0;

  private constructor(dir: string, rows: Store, deps: SharedSlotDeps) {
    this.#dir = dir;
    this.#rows = rows;
    this.#deps = deps;
  }

  /** @returns `undefined` while there is nothing in it */
  static async open(dir: string, deps: SharedSlotDeps): Promise<SharedSlot | undefined> {
    // What a process left that has been taken over is a lock and no more.
    if (!existsSync(join(storeDirOf(dir), 'index.db'))) return undefined;
    try {
      const { embeddingDim } = deps.store;
      return new SharedSlot(dir, await openStore({ dir: storeDirOf(dir), embeddingDim, readonly: true }), deps);
    } catch (error) {
      if (error instanceof QuarryError && error.code === 'FILE_NOT_FOUND') return undefined;
      throw error;
    }
  }

  /** Takes over some of what was scored since the last time. */
  async take(holdMs = HOLD_MS): Promise<TakenRows> {
    this.#rows.refresh();
    const models = this.#deps.wanted().filter((key) => this.#rows.scoreCount(key) > 0);
    const awaited = this.#deps.awaited();
    const scored = new Set<number>();
    let more = false;
    for (const key of models) {
      const next = this.#next(key, awaited, holdMs);
      for (const id of await this.#adopt(next.ids, models)) scored.add(id);
      more ||= next.more;
    }
    return { scored: [...scored], more };
  }

  /**
   * Takes over some of what is left, samples without a score included, once the process that wrote it is gone; when nothing
   * is, removes it and closes itself.
   *
   * @returns `undefined` while that process is there, `gone` when this is
   */
  async finish(): Promise<TakenRows | 'gone' | undefined> {
    this.#lock ??= this.#lockSlot();
    if (this.#lock === undefined) return undefined;
    const taken = await this.take(0);
    if (taken.more || taken.scored.length > 0) return taken;
    if (this.#looked < this.#rows.sampleCount) {
      await this.#adoptUnscored();
      return { scored: [], more: true };
    }
    await this.#rows.close();
    // The lock's own file stays: one that is starting may have it open.
    for (const name of FILES) rmSync(join(storeDirOf(this.#dir), name), { recursive: true, force: true });
    this.#release();
    return 'gone';
  }

  async close(): Promise<void> {
    await this.#rows.close();
    this.#release();
  }

  #release(): void {
    this.#lock?.release();
    this.#lock = undefined;
  }

  #lockSlot(): WriterLock | undefined {
    try {
      return lockForWriting(storeDirOf(this.#dir));
    } catch (error) {
      if (error instanceof QuarryError && error.code === 'STORE_LOCKED') return undefined;
      throw error;
    }
  }

  /** Samples that were scored under a model since, up to the first that others have yet to score. */
  #next(
    model: ModelKey,
    awaited: readonly ModelKey[],
    holdMs: number,
  ): { readonly ids: readonly number[]; readonly more: boolean } {
    const id = modelKeyId(model);
    const count = this.#rows.scoreCount(model);
    let cursor = this.#cursors.get(id);
    // Scores that were dropped and computed again are fewer.
    if (cursor === undefined || cursor.row > count) cursor = { row: 0, hold: undefined };
    this.#cursors.set(id, cursor);
    const ids = this.#fitting(this.#rows.scoredFrom(model, cursor.row, ROWS_AT_ONCE));
    const partial = ids.findIndex((sample) => !awaited.every((key) => this.#rows.isScored(sample, key)));
    const now = this.#deps.now();
    if (partial === 0) cursor.hold ??= { since: now, upTo: count };
    // What was there when the wait began has waited as long.
    const due = cursor.hold !== undefined && now - cursor.hold.since >= holdMs ? cursor.hold.upTo - cursor.row : 0;
    const taken = partial === -1 ? ids : ids.slice(0, Math.max(partial, due));
    cursor.row += taken.length;
    if (cursor.hold !== undefined && cursor.row >= cursor.hold.upTo) cursor.hold = undefined;
    return { ids: taken, more: taken.length > 0 && cursor.row < count };
  }

  /** A page of samples that are unknown here; of those that are known, several. */
  async #adoptUnscored(): Promise<void> {
    for (let page = 0; page < PAGES_AT_ONCE && this.#looked < this.#rows.sampleCount; page++) {
      const last = Math.min(this.#rows.sampleCount, this.#looked + ROWS_AT_ONCE);
      const ids = this.#fitting(Array.from({ length: last - this.#looked }, (_, i) => this.#looked + i));
      const unknown = ids.filter((id) => this.#ownId(id) === undefined);
      await this.#deps.store.appendSamples(this.#read(unknown));
      this.#looked += ids.length;
      if (unknown.length > 0) return;
      await nextTurn();
    }
  }

  async #adopt(ids: readonly number[], models: readonly ModelKey[]): Promise<Set<number>> {
    const { store } = this.#deps;
    const scored = new Set<number>();
    const lacking = [...new Set(ids)].filter((id) => {
      const own = this.#ownId(id);
      return own === undefined || models.some((key) => this.#rows.isScored(id, key) && !store.isScored(own, key));
    });
    await nextTurn();
    const samples = this.#read(lacking);
    const own = await store.appendSamples(samples);
    for (const key of models) {
      const rows = samples.flatMap((sample, i) => {
        const sampleId = own[i]!.id;
        if (store.isScored(sampleId, key)) return [];
        const score = this.#rows.score(sample.id, key);
        return score === undefined || !this.#isComparable(score.precision) ? [] : [{ sampleId, ...score }];
      });
      await store.appendScores(key, rows);
      for (const { sampleId } of rows) scored.add(sampleId);
      if (samples.length > 0) await nextTurn();
    }
    return scored;
  }

  /**
   * Whether scores in a precision are judged rightly by the error that was measured of this miner's own engine. Each
   * precision below f32 is that of one engine: bf16 of the native one, f16 of onnxruntime.
   */
  #isComparable(precision: Precision): boolean {
    return precision === 'f32' || precision === this.#deps.precision;
  }

  #ownId(id: number): number | undefined {
    const checksum = this.#rows.checksum(id);
    return checksum === undefined ? undefined : this.#deps.store.find(checksum);
  }

  /** The first of these samples that may be in memory together, at least one. */
  #fitting(ids: readonly number[]): readonly number[] {
    let bytes = 0;
    const over = ids.findIndex((id, i) => {
      bytes += this.#rows.sampleSize(id) ?? 0;
      return i > 0 && bytes > BYTES_AT_ONCE;
    });
    return over === -1 ? ids : ids.slice(0, over);
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
