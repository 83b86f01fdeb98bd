import { QuarryError } from '../../../errors/index.js';
import { type Address, decodeCoin, type ObjectId } from '../../chain/index.js';
import type { ClientContext } from '../context.js';
import { type FetchedObject, refOf } from '../decode/object.js';
import { batchGetObjects } from '../read/batch-get-objects.js';
import { getObject } from '../read/get-object.js';
import type { OwnedCoin } from '../read/list-coins.js';

/** A coin of ours, or why there is none: it no longer exists or is no longer ours, or the node could not tell. */
export type CoinReading = OwnedCoin | 'gone' | 'unreadable';

/** Reads requested within this many milliseconds share one call. */
const TOGETHER_MS = 10;
/** Maximum coins per call. */
const MAX_TOGETHER = 100;
const TIMEOUT_MS = 10_000;

interface Waiting {
  readonly objectId: ObjectId;
  readonly tell: (reading: CoinReading | Promise<CoinReading>) => void;
}

/** Reads single coins of one address, batching concurrent requests into one call. */
export class CoinReader {
  readonly #client: ClientContext;
  readonly #owner: Address;
  readonly #signal: AbortSignal;
  #waiting: Waiting[] = [];

  /** @param signal stops all reads */
  constructor(client: ClientContext, owner: Address, signal: AbortSignal) {
    this.#client = client;
    this.#owner = owner;
    this.#signal = signal;
  }

  /** Reads the node's current version of a coin. Rejects only when the signal fires. */
  read(objectId: ObjectId): Promise<CoinReading> {
    const reading = new Promise<CoinReading>((tell) => this.#waiting.push({ objectId, tell }));
    const flush = (): void => this.#flush();
    // If the signal fired meanwhile, the calls report it.
    if (this.#waiting.length === 1) this.#client.sleep(TOGETHER_MS, this.#signal).then(flush, flush);
    if (this.#waiting.length >= MAX_TOGETHER) flush();
    return reading;
  }

  #flush(): void {
    const waiting = this.#waiting.splice(0);
    if (waiting.length <= 1) {
      for (const { objectId, tell } of waiting) tell(this.#readAlone(objectId));
      return;
    }
    const ids = waiting.map(({ objectId }) => objectId);
    batchGetObjects(this.#client, ids, { signal: this.#signal, timeoutMs: TIMEOUT_MS }).then(
      (objects) => {
        for (const [n, { tell }] of waiting.entries()) tell(this.#readingOf(objects[n]!));
      },
      (error: unknown) => {
        // One malformed object invalidates the whole response, so read each alone.
        const isSpoilt = error instanceof QuarryError && error.code === 'PROTOCOL';
        for (const { objectId, tell } of waiting) {
          tell(isSpoilt || this.#signal.aborted ? this.#readAlone(objectId) : 'unreadable');
        }
      },
    );
  }

  async #readAlone(objectId: ObjectId): Promise<CoinReading> {
    try {
      return this.#readingOf(await getObject(this.#client, objectId, { signal: this.#signal, timeoutMs: TIMEOUT_MS }));
    } catch (error) {
      if (this.#signal.aborted) throw error;
      return absence(error);
    }
  }

  #readingOf(object: FetchedObject | QuarryError): CoinReading {
    if (object instanceof QuarryError) return absence(object);
    try {
      const mine = object.owner.kind === 'address' && object.owner.address === this.#owner && object.type === 'Coin';
      return mine ? { ...refOf(object), balanceShannons: decodeCoin(object.payload).balance } : 'gone';
    } catch {
      return 'unreadable';
    }
  }
}

function absence(error: unknown): CoinReading {
  return error instanceof QuarryError && error.code === 'NOT_FOUND' ? 'gone' : 'unreadable';
}
