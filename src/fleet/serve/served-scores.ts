import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import PQueue from 'p-queue';
import { type QuarryError, toQuarryError } from '../../errors/index.js';
import { makeDirectory } from '../../files/make-directory.js';
import { lockForWriting, type ModelKey, modelKeyId, type WriterLock } from '../../store/index.js';
import { type Scored, type ScoredSample, type ScoreQuery, ServedPart } from './served-part.js';

export interface ServedScoresOptions {
  readonly dir: string;
  /** Disk limit, bytes. */
  readonly mostBytes: number;
  /** Called at the first failure to store scores, and again only after a success. */
  readonly onWarning: (error: QuarryError) => void;
  /** Monotonic milliseconds. Default `performance.now`. */
  readonly now?: (() => number) | undefined;
}

/** A part has its own directory, named after its number and the width of its embeddings. */
interface Numbered {
  readonly number: number;
  readonly width: number;
  /** Closed after a failed write: reopening repairs it. */
  part?: ServedPart | undefined;
}

const NAME = /^(\d{1,9})-(\d{1,7})$/;
/** Parts that fill the disk limit; the oldest is deleted when it is exceeded. */
const PARTS = 4;
/** Models per part: each holds three files open. */
const MOST_MODELS = 64;
/** Pause after a failed write. */
const PAUSE_MS = 10_000;

/**
 * The Scoring service's scores on disk, which answer repeated data across restarts. Stored in parts, so that the oldest can
 * be deleted when the disk limit is exceeded.
 */
export class ServedScores {
  readonly #options: ServedScoresOptions;
  readonly #lock: WriterLock;
  readonly #now: () => number;
  readonly #writes = new PQueue({ concurrency: 1 });
  /** Keys of scores that each withdrawal under way has yet to remove from disk; these are not given out. */
  readonly #withdrawals = new Set<ReadonlySet<string>>();
  /** Oldest first. */
  #parts: readonly Numbered[] = [];
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #isFailing = false;
  #closed = false;

  private constructor(options: ServedScoresOptions, lock: WriterLock) {
    this.#options = options;
    this.#lock = lock;
    this.#now = options.now ?? (() => performance.now());
  }

  /**
   * Opens the scores of earlier processes.
   *
   * @throws QuarryError `STORE_LOCKED` when another process has them open; also whatever opening files throws
   */
  static async open(options: ServedScoresOptions): Promise<ServedScores> {
    const { dir } = options;
    makeDirectory(dir);
    const served = new ServedScores(options, lockForWriting(dir));
    try {
      await served.#openParts();
      return served;
    } catch (error) {
      await served.close();
      throw toQuarryError(error, 'reading the scores that are kept');
    }
  }

  /** Looks up a score, newest part first. */
  find(width: number, query: ScoreQuery): Scored | undefined {
    if (this.#isWithdrawn(query)) return undefined;
    try {
      for (const { width: each, part } of this.#parts.toReversed()) {
        const found = each === width ? part?.find(query) : undefined;
        if (found !== undefined) return found;
      }
    } catch (error) {
      this.#warn(error);
    }
    return undefined;
  }

  /** Stores scores under one model. Resolves once they are on disk; failures go to `onWarning`. */
  keep(width: number, model: ModelKey, scored: readonly ScoredSample[]): Promise<void> {
    return this.#writes.add(async () => {
      if (this.#closed || scored.length === 0 || this.#now() < this.#pausedUntil) return;
      let current: Numbered | undefined;
      try {
        current = await this.#current(width);
        await current.part?.append(model, scored);
        await this.#makeRoom();
        this.#isFailing = false;
      } catch (error) {
        this.#warn(error);
        this.#pausedUntil = this.#now() + PAUSE_MS;
        await this.#shut(current);
      }
    });
  }

  /** Hides scores under a model at once, and removes them. A part that fails to do so is deleted. */
  withdraw(model: ModelKey, checksums: readonly Uint8Array[]): Promise<void> {
    const keys = new Set(checksums.map((checksum) => withdrawalKey(model, checksum)));
    this.#withdrawals.add(keys);
    return this.#writes.add(async () => {
      for (const each of this.#parts) {
        try {
          each.part ??= await this.#openPart(each);
          await each.part.withdraw(model, checksums);
        } catch (error) {
          this.#warn(error);
          await this.#drop(each).catch((failure: unknown) => this.#warn(failure));
        }
      }
      this.#withdrawals.delete(keys);
    });
  }

  /** Waits for writes in progress. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#writes.onIdle();
    for (const each of this.#parts) await this.#shut(each);
    this.#parts = [];
    this.#lock.release();
  }

  async #openParts(): Promise<void> {
    const found = (await readdir(this.#options.dir)).flatMap((name) => {
      const [, number, width] = NAME.exec(name) ?? [];
      return number === undefined ? [] : [{ number: Number(number), width: Number(width) }];
    });
    found.sort((a, b) => a.number - b.number);
    for (const each of found) this.#parts = [...this.#parts, { ...each, part: await this.#openPart(each) }];
    await this.#makeRoom();
  }

  #isWithdrawn({ model, checksum }: ScoreQuery): boolean {
    if (this.#withdrawals.size === 0) return false;
    const key = withdrawalKey(model, checksum);
    return [...this.#withdrawals].some((keys) => keys.has(key));
  }

  #openPart(numbered: Numbered): Promise<ServedPart> {
    return ServedPart.open(this.#dirOf(numbered), numbered.width);
  }

  /** The part to append to: the newest of this width, or a new one if that is full. */
  async #current(width: number): Promise<Numbered> {
    const newest = this.#parts.findLast((each) => each.width === width);
    if (newest !== undefined) {
      newest.part ??= await this.#openPart(newest);
      const { bytesOnDisk, models } = newest.part;
      if (bytesOnDisk < this.#options.mostBytes / PARTS && models < MOST_MODELS) return newest;
    }
    const next: Numbered = { number: (this.#parts.at(-1)?.number ?? 0) + 1, width };
    next.part = await this.#openPart(next);
    this.#parts = [...this.#parts, next];
    return next;
  }

  async #makeRoom(): Promise<void> {
    for (;;) {
      const bytes = this.#parts.reduce((sum, { part }) => sum + (part?.bytesOnDisk ?? 0), 0);
      const [oldest, next] = this.#parts;
      if (bytes <= this.#options.mostBytes || oldest === undefined || next === undefined) return;
      await this.#drop(oldest);
    }
  }

  async #drop(numbered: Numbered): Promise<void> {
    this.#parts = this.#parts.filter((each) => each !== numbered);
    await this.#shut(numbered);
    await rm(this.#dirOf(numbered), { recursive: true, force: true });
  }

  async #shut(numbered: Numbered | undefined): Promise<void> {
    const part = numbered?.part;
    if (numbered !== undefined) numbered.part = undefined;
    await part?.close().catch((error: unknown) => this.#warn(error));
  }

  #dirOf({ number, width }: Numbered): string {
    return join(this.#options.dir, `${number}-${width}`);
  }

  #warn(error: unknown): void {
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.#options.onWarning(toQuarryError(error, 'keeping scores'));
  }
}

function withdrawalKey(model: ModelKey, checksum: Uint8Array): string {
  return `${modelKeyId(model)} ${Buffer.from(checksum).toString('hex')}`;
}
