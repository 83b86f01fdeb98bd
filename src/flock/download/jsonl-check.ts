import { isJsonObject } from '../json.js';

/** Bad lines listed; further ones are only counted. */
const LISTED = 20;
/** Maximum line length, bytes; longer lines count as bad, to limit memory. */
const LONGEST_LINE = 32 * 1024 * 1024;

/** Statistics of a JSONL file of conversations. */
export interface JsonlReport {
  /** Number of non-blank lines. */
  readonly lines: number;
  /** Lines that are not a JSON object; the first 20 are listed with their 1-based numbers. */
  readonly badLines: number;
  readonly bad: readonly { readonly line: number; readonly message: string }[];
  /** Objects without a `conversations` array. */
  readonly withoutConversations: number;
  /** Turns per role. */
  readonly roles: Readonly<Record<string, number>>;
  /** Bytes per line. */
  readonly lineBytes: { readonly min: number; readonly max: number; readonly mean: number };
}

/** Checks a JSONL file incrementally, holding one line at a time. */
export class JsonlCheck {
  #parts: Uint8Array[] = [];
  #partBytes = 0;
  #tooLong = false;
  #number = 0;
  #lines = 0;
  #badLines = 0;
  readonly #bad: { line: number; message: string }[] = [];
  #withoutConversations = 0;
  readonly #roles = new Map<string, number>();
  #min = Number.POSITIVE_INFINITY;
  #max = 0;
  #sum = 0;

  /** Adds the next bytes of the file. */
  push(chunk: Uint8Array): void {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      this.#append(chunk.subarray(start, end));
      this.#endLine();
      start = end + 1;
    }
    // The reader may reuse its buffer, so copy the unfinished line.
    if (start < chunk.length) this.#append(Uint8Array.from(chunk.subarray(start)));
  }

  /** Finishes and returns the report. */
  finish(): JsonlReport {
    if (this.#partBytes > 0 || this.#tooLong) this.#endLine();
    return {
      lines: this.#lines,
      badLines: this.#badLines,
      bad: this.#bad,
      withoutConversations: this.#withoutConversations,
      roles: Object.fromEntries([...this.#roles].sort((a, b) => b[1] - a[1])),
      lineBytes: {
        min: this.#lines === 0 ? 0 : this.#min,
        max: this.#max,
        mean: this.#lines === 0 ? 0 : Math.round(this.#sum / this.#lines),
      },
    };
  }

  #append(part: Uint8Array): void {
    this.#partBytes += part.length;
    if (this.#partBytes > LONGEST_LINE) {
      this.#tooLong = true;
      this.#parts = [];
    } else if (part.length > 0) this.#parts.push(part);
  }

  #endLine(): void {
    this.#number++;
    const bytes = this.#partBytes;
    const tooLong = this.#tooLong;
    const text = tooLong ? '' : Buffer.concat(this.#parts).toString('utf8').trim();
    this.#parts = [];
    this.#partBytes = 0;
    this.#tooLong = false;
    if (text === '' && !tooLong) return;
    this.#lines++;
    this.#min = Math.min(this.#min, bytes);
    this.#max = Math.max(this.#max, bytes);
    this.#sum += bytes;
    if (tooLong) this.#noteBad(`longer than ${LONGEST_LINE} bytes`);
    else this.#read(text);
  }

  #read(text: string): void {
    let record: unknown;
    try {
      record = JSON.parse(text);
    } catch {
      this.#noteBad('not JSON');
      return;
    }
    if (!isJsonObject(record)) {
      this.#noteBad('not an object');
      return;
    }
    const conversations = record['conversations'];
    if (!Array.isArray(conversations)) {
      this.#withoutConversations++;
      return;
    }
    for (const turn of conversations) {
      const role = isJsonObject(turn) && typeof turn['role'] === 'string' ? turn['role'].slice(0, 40) : '(none)';
      // Limits memory for files with many invented roles.
      const name = this.#roles.has(role) || this.#roles.size < 50 ? role : '(other)';
      this.#roles.set(name, (this.#roles.get(name) ?? 0) + 1);
    }
  }

  #noteBad(message: string): void {
    this.#badLines++;
    if (this.#bad.length < LISTED) this.#bad.push({ line: this.#number, message });
  }
}
