import { QuarryError } from '../../../errors/index.js';
import type { SubscribeCheckpointsResponse } from '../../../gen/soma/rpc/subscription_service_pb.js';
import { numberedItem } from './named-checkpoint.js';

type Item = ReturnType<typeof numberedItem>;

/** The items of one stream of checkpoints. */
export class StreamedItems {
  readonly #stream: AsyncGenerator<SubscribeCheckpointsResponse, void, void>;
  #pending: Promise<IteratorResult<SubscribeCheckpointsResponse, void>> | undefined;
  #passedOver: bigint | undefined;

  /** Opens the stream, by requesting its first item. */
  constructor(stream: AsyncGenerator<SubscribeCheckpointsResponse, void, void>) {
    this.#stream = stream;
    this.#request();
  }

  /** The last item that {@link take} has passed over since it returned one. */
  get passedOver(): bigint | undefined {
    return this.#passedOver;
  }

  /**
   * Takes the next item, and passes over those numbered below `least`.
   *
   * @throws QuarryError `UNREACHABLE` at the end of the stream
   * @throws QuarryError `PROTOCOL` when an item is not the checkpoint of its number
   */
  async take(least = 0n): Promise<Item> {
    for (;;) {
      const received = await this.#request();
      this.#pending = undefined;
      if (received.done) {
        throw new QuarryError('UNREACHABLE', 'the checkpoint stream ended', {
          hint: 'the node drops slow subscribers',
        });
      }
      const item = numberedItem(received.value);
      this.#passedOver = item.cursor < least ? item.cursor : undefined;
      if (this.#passedOver === undefined) return item;
    }
  }

  /** Ends the stream; its call must have been cancelled, as this waits for the pending item. */
  async close(): Promise<void> {
    await this.#stream.return();
  }

  #request(): Promise<IteratorResult<SubscribeCheckpointsResponse, void>> {
    if (this.#pending !== undefined) return this.#pending;
    this.#pending = this.#stream.next();
    // A failure is handled when the item is taken.
    this.#pending.catch(() => {});
    return this.#pending;
  }
}
