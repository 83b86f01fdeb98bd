import { QuarryError } from '../../errors/index.js';
import { isJsonMembers, type JsonMembers, JsonNumber, parseLosslessJson, toPlainJson } from '../receipts/index.js';
import { fromUnixSeconds, normaliseTimestamp } from '../timestamp.js';
import type { Wire } from '../wire.js';

/** A receipt: its exact text, and the documented names for what both generations of servers write. */
export class Receipt {
  /** What was received, byte for byte as text. Keep this: a reprint may no longer verify. */
  readonly text: string;
  readonly receiptId: string | undefined;
  readonly jobId: string | undefined;
  /** The document's `miner_id`; `provider` on live servers. May be an API key there: treat it as one. */
  readonly minerId: string | undefined;
  readonly createdAt: string | undefined;
  /** Unix seconds, live servers only. */
  readonly completedAtSeconds: number | undefined;
  readonly #members: JsonMembers;

  private constructor(text: string, members: JsonMembers) {
    const string = (name: string): string | undefined => {
      const value = members.get(name);
      return typeof value === 'string' ? value : undefined;
    };
    this.text = text;
    this.#members = members;
    this.receiptId = string('receipt_id');
    this.jobId = string('job_id');
    this.minerId = string('miner_id') ?? string('provider');
    const completed = members.get('completed_at');
    this.completedAtSeconds = completed instanceof JsonNumber ? completed.valueOf() : undefined;
    const created = string('created_at');
    this.createdAt =
      created !== undefined
        ? normaliseTimestamp(created)
        : this.completedAtSeconds === undefined
          ? undefined
          : fromUnixSeconds(this.completedAtSeconds);
  }

  /** @throws QuarryError `DATA_INVALID` when the text is not a JSON object */
  static parse(text: string): Receipt {
    const node = parseLosslessJson(text);
    if (!isJsonMembers(node)) throw new QuarryError('DATA_INVALID', 'a receipt is a JSON object');
    return new Receipt(text, node);
  }

  /** The signature object, `{sig, public_key}` or `{alg, key_id, sig}`. */
  get signature(): unknown {
    return this.#plain('signature');
  }

  get attestations(): readonly unknown[] {
    const list = this.#plain('attestations');
    return Array.isArray(list) ? list : [];
  }

  /** The whole receipt as ordinary JSON; numbers are doubles, so it is for reading and not for verifying. */
  toJSON(): Wire {
    return toPlainJson(this.#members) as Wire;
  }

  #plain(name: string): unknown {
    const node = this.#members.get(name);
    return node === undefined ? undefined : toPlainJson(node);
  }
}
