import { appendFile, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeDirectory } from '../files/make-directory.js';
import { assertRegularFile } from '../files/regular-file.js';
import { isJsonObject } from './json.js';

/** A submission made from this machine. */
export interface LedgerEntry {
  readonly at: string;
  readonly taskId: number;
  readonly repo: string;
  readonly revision: string;
}

/** Records the submissions made from this machine as JSON lines, to warn before a daily limit is reached. */
export class SubmissionLedger {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /**
   * Appends an entry.
   *
   * @throws QuarryError `FILE_UNREADABLE` when it is not a regular file
   * @throws Node's error when the file cannot be written
   */
  async append(entry: LedgerEntry): Promise<void> {
    assertRegularFile(this.path);
    makeDirectory(dirname(this.path));
    await appendFile(this.path, `${JSON.stringify(entry)}\n`);
  }

  /**
   * Submissions to a task since `sinceMs`; unreadable lines are skipped.
   *
   * @throws QuarryError `FILE_UNREADABLE` when it is not a regular file
   */
  async since(taskId: number, sinceMs: number): Promise<LedgerEntry[]> {
    assertRegularFile(this.path);
    const text = await readFile(this.path, 'utf8').catch(() => '');
    return text.split('\n').flatMap((line) => {
      try {
        const entry: unknown = JSON.parse(line);
        if (!isJsonObject(entry) || entry['taskId'] !== taskId || typeof entry['at'] !== 'string') return [];
        return Date.parse(entry['at']) >= sinceMs ? [entry as unknown as LedgerEntry] : [];
      } catch {
        return [];
      }
    });
  }
}
