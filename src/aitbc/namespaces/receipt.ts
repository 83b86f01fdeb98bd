import { QuarryError } from '../../errors/index.js';
import { isJsonMembers, type JsonMembers, JsonNumber, parseLosslessJson, toPlainJson } from '../receipts/index.js';
import { fromUnixSeconds, normaliseTimestamp } from '../timestamp.js';
import type { Wire } from '../wire.js';

/** A receipt: its exact text, and the documented names for the fields of both server generations. */
export class Receipt {
  /** The text as received. Keep this: a reprint may not verify. */
  readonly text: string;
  readonly receiptId: string | undefined;
  readonly jobId: string | undefined;
  /** The documented `miner_id`, or `provider` of live servers, where it may be an API key: treat it as a secret. */
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

  /** The receipt as plain JSON. Numbers are doubles, so it must not be used for verification. */
  toJSON(): Wire {
    return toPlainJson(this.#members) as Wire;
  }

  #plain(name: string): unknown {
    const node = this.#members.get(name);
    return node === undefined ? undefined : toPlainJson(node);
  }
}
