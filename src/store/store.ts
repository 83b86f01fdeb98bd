import { join } from 'node:path';
import { lockForWriting, type WriterLock } from '../database/writer-lock.js';
import { QuarryError, throwIfAborted } from '../errors/index.js';
import { blake2b256 } from '../native/blake2b.js';
import { createBestScanner } from './best-scanner.js';
import { IndexDatabase } from './index-database.js';
import { type MatchHit, type MatchPolicy, type MatchTarget, matchSet } from './match.js';
import type { ModelKey } from './model-key.js';
import { repairStore, SAMPLES_MARK } from './repair-store.js';
import type { RowScanner } from './row-scanner.js';
import { type NewSample, SampleLog } from './sample-log.js';
import type { NewScore, ScoreLog } from './score-log.js';
import { ScoreLogs, scoresMark } from './score-logs.js';
import type {
  AppendedSample,
  SampleInput,
  ScoreInput,
  StoreDeps,
  StoredSample,
  StoredScore,
  StoreInternals,
  StoreOptions,
  StoreRepairs,
} from './store-types.js';
import type { WinnerIndex } from './winner-index.js';
import { WinnerIndexes } from './winner-indexes.js';
import { WriteQueue } from './write-queue.js';

/** Stores samples and their scores under every model, and finds samples that hit a target. */
export class Store {
  readonly dir: string;
  readonly embeddingDim: number;
  readonly isReadonly: boolean;
  readonly repairs: StoreRepairs;
  readonly #index: IndexDatabase;
  readonly #samples: SampleLog;
  readonly #scores: ScoreLogs;
  readonly #sets: WinnerIndexes;
  readonly #scanner: RowScanner;
  readonly #lock: WriterLock | undefined;
  readonly #durable: boolean;
  readonly #writes: WriteQueue;

  /** Use {@link openStore}. */
  constructor(options: StoreOptions, deps: { readonly scanner: RowScanner }) {
    this.dir = options.dir;
    this.embeddingDim = options.embeddingDim;
    this.isReadonly = options.readonly ?? false;
    this.#durable = options.durability !== 'process';
    this.#scanner = deps.scanner;
    this.#writes = new WriteQueue(this.isReadonly);
    if (!Number.isInteger(options.embeddingDim) || options.embeddingDim < 1) {
      throw new QuarryError(
        'INVALID_ARGUMENT',
        `"embeddingDim" expected a positive integer, got ${options.embeddingDim}`,
      );
    }
    this.#scores = new ScoreLogs(this.dir, this.embeddingDim, this.isReadonly);
    this.#lock = this.isReadonly ? undefined : lockForWriting(this.dir);
    const opened: { close(): void }[] = [this.#scores];
    try {
      this.#index = new IndexDatabase(this.dir, this.isReadonly);
      opened.push(this.#index);
      this.#samples = new SampleLog(join(this.dir, 'samples'), this.isReadonly);
      opened.push(this.#samples);
      this.#sets = new WinnerIndexes(this.#samples, this.#scores.byId);
      this.repairs = this.isReadonly ? this.#openAsReader() : repairStore(this.#index, this.#samples, this.#scores);
    } catch (error) {
      for (const part of opened) part.close();
      this.#lock?.release();
      throw error;
    }
  }

  /** Samples ever appended, including tombstoned and void ones; all ids are below this. */
  get sampleCount(): number {
    return this.#samples.count;
  }

  /** Size of samples and scores, without the index. */
  get bytesOnDisk(): number {
    return this.#samples.bytesOnDisk + this.#scores.bytesOnDisk;
  }

  /** Models with scores in the store. */
  get models(): ModelKey[] {
    return [...this.#scores.byId.values()].map((log) => log.key);
  }

  /** Internal parts, for maintenance within this folder. */
  get internals(): StoreInternals {
    const { dir } = this;
    return {
      dir,
      samples: this.#samples,
      logs: this.#scores.byId,
      sets: this.#sets,
      drop: (id) => this.#writes.run(async () => this.#drop(id)),
    };
  }

  /**
   * Appends samples. Bytes already in the store keep their id. Resolves when durable.
   *
   * @throws QuarryError `DATA_EMPTY` when a sample has no bytes
   * @throws QuarryError `DISK_FULL` when the disk is full; nothing of the batch is kept
   */
  appendSamples(inputs: readonly SampleInput[]): Promise<AppendedSample[]> {
    return this.#writes.run(async () => {
      const fresh: NewSample[] = [];
      const batch = new Map<string, number>();
      const first = this.#samples.count;
      for (const { bytes, origin } of inputs) {
        if (bytes.length === 0)
          throw new QuarryError('DATA_EMPTY', 'a sample needs at least one byte', { details: { origin } });
      }
      const checksums = inputs.map(({ bytes, checksum }) => checksum ?? blake2b256(bytes));
      const stored = this.#index.findAll(checksums);
      const results = inputs.map(({ bytes, origin = '' }, i): AppendedSample => {
        const checksum = checksums[i]!;
        const hex = Buffer.from(checksum).toString('hex');
        const known = batch.get(hex) ?? stored[i];
        if (known !== undefined) return { id: known, checksum, duplicate: true };
        const id = first + fresh.length;
        batch.set(hex, id);
        fresh.push({ checksum, bytes, origin: new TextEncoder().encode(origin) });
        return { id, checksum, duplicate: false };
      });
      if (fresh.length === 0) return results;
      this.#samples.append(fresh);
      await this.#commit(
        this.#samples,
        SAMPLES_MARK,
        fresh.map((sample, i) => [sample.checksum, first + i] as const),
      );
      return results;
    });
  }

  /** Whether a sample with this BLAKE2b-256 checksum was ever appended, even if tombstoned. */
  has(checksum: Uint8Array): boolean {
    return this.#index.find(checksum) !== undefined;
  }

  /** The id of the sample with this checksum. */
  find(checksum: Uint8Array): number | undefined {
    return this.#index.find(checksum);
  }

  /**
   * A sample's bytes, checksum and origin.
   *
   * @throws QuarryError `NOT_FOUND` when there is no such sample
   * @throws QuarryError `STORE_CORRUPT` when its bytes are damaged
   */
  sample(id: number): StoredSample {
    const { record, bytes, origin } = this.#samples.read(id);
    return { id, bytes, checksum: record.checksum, origin };
  }

  /** A sample's BLAKE2b-256 checksum, without reading its bytes; undefined if there is no such sample. */
  checksum(id: number): Uint8Array | undefined {
    const record = id < this.#samples.count ? this.#samples.record(id) : undefined;
    return record?.kind === 'sample' ? record.checksum : undefined;
  }

  /** A sample's size in bytes; undefined if there is no such sample. */
  sampleSize(id: number): number | undefined {
    return id < this.#samples.count ? this.#samples.sizes.array[id] : undefined;
  }

  /**
   * Appends scores under one model. A second score of a sample replaces the first. Resolves when durable.
   *
   * @throws QuarryError `INVALID_ARGUMENT` when an embedding has the wrong width
   * @throws QuarryError `NOT_FOUND` when a sample is not in the store
   * @throws QuarryError `DISK_FULL` when the disk is full; nothing of the batch is kept
   */
  appendScores(model: ModelKey, scores: readonly ScoreInput[]): Promise<void> {
    return this.#append(model, scores);
  }

  /** Withdraws scores: the samples count as unscored under the model until they are scored again. */
  withdrawScores(model: ModelKey, sampleIds: readonly number[]): Promise<void> {
    const embedding = new Float32Array(this.embeddingDim);
    const scored = sampleIds.filter((id) => this.#scores.get(model)?.rowOf(id) !== undefined);
    return this.#append(
      model,
      scored.map((sampleId) => ({ sampleId, loss: Number.NaN, embedding, precision: 'withdrawn' })),
    );
  }

  /**
   * The newest score of a sample under a model, with its f32 embedding read from disk and verified.
   *
   * @returns undefined if there is none or it is damaged on disk; scoring the sample again repairs that
   */
  score(sampleId: number, model: ModelKey): StoredScore | undefined {
    const log = this.#scores.get(model);
    const row = log?.rowOf(sampleId);
    if (log === undefined || row === undefined) return undefined;
    const embedding = log.checkedEmbedding(row);
    if (embedding === undefined) return undefined;
    return { loss: log.losses.array[row]!, embedding, precision: log.precision(row) };
  }

  /** Whether a sample has a score under a model. Does not read the disk, so the score may be damaged. */
  isScored(sampleId: number, model: ModelKey): boolean {
    return this.#scores.get(model)?.rowOf(sampleId) !== undefined;
  }

  /** Scores ever appended under a model, including replaced ones. */
  scoreCount(model: ModelKey): number {
    return this.#scores.get(model)?.count ?? 0;
  }

  /** At most `limit` sample ids in the order they were scored under a model, starting with its `first`-th score. */
  scoredFrom(model: ModelKey, first: number, limit: number): number[] {
    const log = this.#scores.get(model);
    return log === undefined ? [] : [...log.samples.array.subarray(first, Math.min(log.count, first + limit))];
  }

  /**
   * At most `limit` ids above `after` of live samples without a score under `model`, in ascending order; with
   * `newestFirst`, descending.
   */
  unscored(
    model: ModelKey,
    options: {
      readonly after?: number | undefined;
      readonly limit?: number | undefined;
      readonly newestFirst?: boolean | undefined;
    } = {},
  ): number[] {
    const { after = -1, limit = 1024, newestFirst = false } = options;
    const log = this.#scores.get(model);
    const ids: number[] = [];
    const dead = this.#samples.dead.array;
    const last = this.#samples.count - 1;
    const step = newestFirst ? -1 : 1;
    for (let id = newestFirst ? last : after + 1; id > after && id <= last && ids.length < limit; id += step) {
      if (dead[id] === 0 && log?.rowOf(id) === undefined) ids.push(id);
    }
    return ids;
  }

  /** Permanently excludes samples from matches. Their checksums stay known, so they are not scored again. */
  tombstone(ids: readonly number[]): Promise<void> {
    return this.#writes.run(async () => {
      const known = ids.filter((id) => id < this.#samples.count);
      if (known.length === 0) return;
      this.#samples.tombstone(known);
      if (this.#durable) await this.#samples.sync();
      this.#sets.update(known);
    });
  }

  /** Builds the winner index of a list of models before a target needs it; returns its number of samples. */
  prepare(models: readonly ModelKey[]): number {
    return this.#sets.of(models)?.count ?? 0;
  }

  /**
   * Models of a list that, by their scores, are indistinguishable from one another or never give a finite loss.
   *
   * @param bound largest absolute difference of losses at which two models look alike
   * @returns indices into `models`
   */
  suspects(models: readonly ModelKey[], bound: number): { lookAlikes: [number, number][]; neverFinite: number[] } {
    const set = this.#sets.of(models);
    if (set === undefined) return { lookAlikes: [], neverFinite: [] };
    const neverFinite = set.logs.flatMap((log, index) => (log.neverFinite ? [index] : []));
    return { lookAlikes: set.lookAlikes(bound), neverFinite };
  }

  /**
   * Finds samples that hit targets, among those scored under all of a target's models.
   *
   * @returns hits grouped by target, best first
   * @throws QuarryError `INVALID_ARGUMENT` when a target's embedding has the wrong width
   * @throws QuarryError `ABORTED` when the policy's signal fires
   */
  match(targets: readonly MatchTarget[], policy: MatchPolicy = {}): Promise<MatchHit[]> {
    return this.#match(targets, policy);
  }

  /** Like {@link match}, but only among the given samples, such as those just scored. */
  matchSamples(
    sampleIds: readonly number[],
    targets: readonly MatchTarget[],
    policy: MatchPolicy = {},
  ): Promise<MatchHit[]> {
    return this.#match(targets, policy, sampleIds);
  }

  /** Loads what the writer has committed since; for read-only stores. */
  refresh(): void {
    const marks = this.#index.watermarks();
    this.#samples.load(marks.get(SAMPLES_MARK) ?? 0);
    this.#sets.update(this.#samples.loadTombstones());
    for (const [id, log] of [...this.#scores.byId]) if (!marks.has(scoresMark(log.key))) this.#drop(id);
    for (const { log, from } of this.#scores.refresh(marks)) {
      this.#sets.update(log.samples.array.subarray(from, log.count), log);
    }
  }

  /** Waits for appends in progress, closes the files and releases the writer lock. */
  async close(): Promise<void> {
    if (!(await this.#writes.close())) return;
    await this.#scanner.close();
    this.#scores.close();
    this.#samples.close();
    this.#index.close();
    this.#lock?.release();
  }

  async #match(targets: readonly MatchTarget[], policy: MatchPolicy, only?: readonly number[]): Promise<MatchHit[]> {
    throwIfAborted(policy.signal, 'matching');
    const groups = new Map<WinnerIndex, MatchTarget[]>();
    for (const target of targets) {
      const set = this.#sets.of(target.models);
      if (set === undefined || set.count === 0) continue;
      const group = groups.get(set);
      if (group === undefined) groups.set(set, [target]);
      else group.push(target);
    }
    const hits: MatchHit[] = [];
    const context = { samples: this.#samples, scanner: this.#scanner };
    for (const [set, group] of groups) {
      for (const hit of await matchSet({ ...context, set }, group, policy, only)) hits.push(hit);
    }
    return hits;
  }

  #append(model: ModelKey, scores: readonly Omit<NewScore, 'sampleTag'>[]): Promise<void> {
    return this.#writes.run(async () => {
      if (scores.length === 0) return;
      for (const { sampleId } of scores) {
        if (sampleId >= this.#samples.count) throw new QuarryError('NOT_FOUND', `the store has no sample ${sampleId}`);
      }
      const log = this.#scores.open(model);
      const tags = this.#samples.tags.array;
      log.append(scores.map((score) => ({ ...score, sampleTag: tags[score.sampleId]! })));
      await this.#commit(log, scoresMark(model));
      this.#sets.update(
        scores.map((score) => score.sampleId),
        log,
      );
    });
  }

  async #commit(
    file: SampleLog | ScoreLog,
    name: string,
    samples: Iterable<readonly [Uint8Array, number]> = [],
  ): Promise<void> {
    try {
      if (this.#durable) await file.sync();
      this.#index.commit(name, file.count, samples);
    } catch (error) {
      this.#writes.fail(error);
      throw error;
    }
  }

  #openAsReader(): StoreRepairs {
    this.refresh();
    return { samplesLost: 0, scoresLost: 0, samplesAdopted: 0, scoresAdopted: 0, indexRebuilt: false };
  }

  #drop(id: string): void {
    const log = this.#scores.byId.get(id);
    if (log === undefined) return;
    this.#sets.forget(log);
    this.#scanner.release([log.f32Path, log.bf16Path]);
    if (!this.isReadonly) this.#index.forgetFile(scoresMark(log.key));
    this.#scores.remove(log);
  }
}

/**
 * Opens an embedding store; creates it if missing, unless `readonly`.
 *
 * @throws QuarryError `STORE_LOCKED` when another writer has it open
 * @throws QuarryError `FILE_NOT_FOUND` when it is opened read-only and does not exist
 * @throws QuarryError `INVALID_ARGUMENT` when it holds embeddings of a different width
 */
export async function openStore(options: StoreOptions, deps: StoreDeps = {}): Promise<Store> {
  const scanner = deps.scanner ?? createBestScanner();
  try {
    return new Store(options, { scanner });
  } catch (error) {
    await scanner.close();
    throw error;
  }
}
