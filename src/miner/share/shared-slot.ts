import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { lockForWriting, type WriterLock } from '../../database/writer-lock.js';
import type { Precision } from '../../engine/contract.js';
import { QuarryError } from '../../errors/index.js';
import { type ModelKey, modelKeyId, openStore, type Store, type StoredSample } from '../../store/index.js';
import { INDEX_FILE } from '../../store/index-database.js';
import { storeDirOf } from '../state/state-entries.js';

/** Samples, and bytes of samples, imported per page, so that the racing thread is never blocked for long. */
const ROWS_AT_ONCE = 256;
const BYTES_AT_ONCE = 4 * 2 ** 20;
/** Pages read per call while they contain nothing new, as after a restart. */
export const PAGES_AT_ONCE = 16;
/** How long a sample waits for its scores under other models, which are usually on their way. */
const HOLD_MS = 10_000;
/** Files of a store other than the lock, in order of removal: without its index a store counts as empty. */
const FILES = [INDEX_FILE, `${INDEX_FILE}-wal`, `${INDEX_FILE}-shm`, 'samples', 'scores'] as const;

export interface SharedSlotDeps {
  /** This miner's store, which the rows are imported into. */
  readonly store: Store;
  /** Precision of this miner's own engine. */
  readonly precision: Precision;
  /** Models whose scores are imported. */
  readonly wanted: () => readonly ModelKey[];
  /** The models under which every sample gets scored; a sample is imported once it has scores under all of them. */
  readonly awaited: () => readonly ModelKey[];
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** Result of one import. */
export interface TakenRows {
  /** Local ids of samples that got new scores. */
  readonly scored: readonly number[];
  /** Whether more can be imported right away. */
  readonly more: boolean;
}

interface Cursor {
  /** Rows imported so far. */
  row: number;
  /** Since when rows up to `upTo` have been waiting for scores of the same samples under other models. */
  hold: { readonly since: number; readonly upTo: number } | undefined;
}

/** The store of one process that scores for this miner, read while that process writes it. */
export class SharedSlot {
  readonly #dir: string;
  readonly #deps: SharedSlotDeps;
  readonly #rows: Store;
  readonly #cursors = new Map<string, Cursor>();
  /** Held once the process that wrote the store has ended. */
  #lock: WriterLock | undefined;
  /** Samples checked since then, with or without a score. */
  #looked = 0;

  private constructor(dir: string, rows: Store, deps: SharedSlotDeps) {
    this.#dir = dir;
    this.#rows = rows;
    this.#deps = deps;
  }

  /** @returns `undefined` while the store is empty */
  static async open(dir: string, deps: SharedSlotDeps): Promise<SharedSlot | undefined> {
    // After a complete import only the lock file remains.
    if (!existsSync(join(storeDirOf(dir), INDEX_FILE))) return undefined;
    try {
      const { embeddingDim } = deps.store;
      return new SharedSlot(dir, await openStore({ dir: storeDirOf(dir), embeddingDim, readonly: true }), deps);
    } catch (error) {
      if (error instanceof QuarryError && error.code === 'FILE_NOT_FOUND') return undefined;
      throw error;
    }
  }

  /** Imports a page of new scores. */
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
   * Once the writing process has ended: imports a page of what is left, including samples without a score. When nothing
   * is left, removes the store and closes.
   *
   * @returns `undefined` while the process is running, `'gone'` once the store is removed
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
    // Keep the lock file: a process that is starting may have it open.
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

  /** Samples newly scored under a model, up to the first that still lacks scores under other models. */
  #next(
    model: ModelKey,
    awaited: readonly ModelKey[],
    holdMs: number,
  ): { readonly ids: readonly number[]; readonly more: boolean } {
    const id = modelKeyId(model);
    const count = this.#rows.scoreCount(model);
    let cursor = this.#cursors.get(id);
    // Fewer rows than before: scores were dropped and computed again.
    if (cursor === undefined || cursor.row > count) cursor = { row: 0, hold: undefined };
    this.#cursors.set(id, cursor);
    const ids = this.#fitting(this.#rows.scoredFrom(model, cursor.row, ROWS_AT_ONCE));
    const partial = ids.findIndex((sample) => !awaited.every((key) => this.#rows.isScored(sample, key)));
    const now = this.#deps.now();
    if (partial === 0) cursor.hold ??= { since: now, upTo: count };
    // All rows up to `upTo` have waited at least as long as the hold.
    const due = cursor.hold !== undefined && now - cursor.hold.since >= holdMs ? cursor.hold.upTo - cursor.row : 0;
    const taken = partial === -1 ? ids : ids.slice(0, Math.max(partial, due));
    cursor.row += taken.length;
    if (cursor.hold !== undefined && cursor.row >= cursor.hold.upTo) cursor.hold = undefined;
    return { ids: taken, more: taken.length > 0 && cursor.row < count };
  }

  /** Imports a page of unknown samples; skips several pages of known ones. */
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
   * Whether the error bound measured for this miner's engine holds for scores in a precision. Each precision below f32
   * belongs to one engine: bf16 to the native one, f16 to onnxruntime.
   */
  #isComparable(precision: Precision): boolean {
    return precision === 'f32' || precision === this.#deps.precision;
  }

  #ownId(id: number): number | undefined {
    const checksum = this.#rows.checksum(id);
    return checksum === undefined ? undefined : this.#deps.store.find(checksum);
  }

  /** The first of these samples that fit in {@link BYTES_AT_ONCE} together, at least one. */
  #fitting(ids: readonly number[]): readonly number[] {
    let bytes = 0;
    const over = ids.findIndex((id, i) => {
      bytes += this.#rows.sampleSize(id) ?? 0;
      return i > 0 && bytes > BYTES_AT_ONCE;
    });
    return over === -1 ? ids : ids.slice(0, over);
  }

  /** Reads samples; skips damaged ones. */
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
