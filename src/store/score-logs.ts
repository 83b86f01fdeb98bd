import { readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { QuarryError } from '../errors/index.js';
import { makeDirectory } from '../files/make-directory.js';
import { readModelFile } from './model-file.js';
import { type ModelKey, modelKeyId } from './model-key.js';
import { ScoreLog } from './score-log.js';

const REMOVED = '.removed-';
const SCORES = 'scores:';

/** The scores of every model in a store: a folder and a log for each. */
export class ScoreLogs {
  readonly #storeDir: string;
  readonly #dir: string;
  readonly #embeddingDim: number;
  readonly #readonly: boolean;
  readonly #logs = new Map<string, ScoreLog>();

  constructor(storeDir: string, embeddingDim: number, readonly: boolean) {
    this.#storeDir = storeDir;
    this.#dir = join(storeDir, 'scores');
    this.#embeddingDim = embeddingDim;
    this.#readonly = readonly;
    if (!readonly) makeDirectory(this.#dir);
  }

  /** By the id of their model. */
  get byId(): ReadonlyMap<string, ScoreLog> {
    return this.#logs;
  }

  get(model: ModelKey): ScoreLog | undefined {
    return this.#logs.get(modelKeyId(model));
  }

  /** The log of a model; creates it if there is none. */
  open({ architecture, checksum }: ModelKey): ScoreLog {
    const key = { architecture, checksum };
    const id = modelKeyId(key);
    let log = this.#logs.get(id);
    if (log === undefined) {
      log = new ScoreLog(join(this.#dir, id), key, this.#embeddingDim, this.#readonly);
      this.#logs.set(id, log);
    }
    return log;
  }

  /**
   * Opens, repairs and loads every log, and cleans up interrupted removals. Writer only.
   *
   * @param marks rows committed, by {@link scoresMark}
   * @returns each log with what its repair found
   * @throws QuarryError `INVALID_ARGUMENT` when one holds embeddings of a different width
   */
  *repair(marks: ReadonlyMap<string, number>): Generator<{ log: ScoreLog; lost: number; adopted: number }> {
    for (const name of readdirSync(this.#dir)) {
      const path = join(this.#dir, name);
      const key = readModelFile(path);
      if (name.startsWith(REMOVED) || key === undefined) {
        rmSync(path, { recursive: true, force: true });
        continue;
      }
      if (key.embeddingDim !== undefined && key.embeddingDim !== this.#embeddingDim) {
        throw new QuarryError('INVALID_ARGUMENT', `the store ${this.#storeDir} holds embeddings of a different width`, {
          details: { expected: this.#embeddingDim, found: key.embeddingDim },
        });
      }
      const log = this.open(key);
      const rows = log.repair(marks.get(scoresMark(log.key)) ?? 0);
      log.load(Number.MAX_SAFE_INTEGER);
      yield { log, ...rows };
    }
  }

  /** Loads what the writer has committed since; yields each log with its first new row. Reader only. */
  *refresh(marks: ReadonlyMap<string, number>): Generator<{ log: ScoreLog; from: number }> {
    for (const [name, count] of marks) {
      if (!name.startsWith(SCORES)) continue;
      const id = name.slice(SCORES.length);
      const key = this.#logs.get(id)?.key ?? readModelFile(join(this.#dir, id));
      if (key === undefined) continue;
      const log = this.open(key);
      const from = log.count;
      log.load(count);
      yield { log, from };
    }
  }

  /** Closes a log and, as the writer, deletes it. */
  remove(log: ScoreLog): void {
    const id = modelKeyId(log.key);
    this.#logs.delete(id);
    log.close();
    if (this.#readonly) return;
    // The rename removes the model atomically; the next open cleans up after an interrupted deletion.
    const trash = join(this.#dir, REMOVED + id);
    renameSync(log.dir, trash);
    rmSync(trash, { recursive: true, force: true });
  }

  get bytesOnDisk(): number {
    let bytes = 0;
    for (const log of this.#logs.values()) bytes += log.bytesOnDisk;
    return bytes;
  }

  close(): void {
    for (const log of this.#logs.values()) log.close();
  }
}

/** Name of a model's rows in the index's watermarks. */
export function scoresMark(model: ModelKey): string {
  return SCORES + modelKeyId(model);
}
