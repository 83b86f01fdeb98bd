import { isAbort, QuarryError, toQuarryError } from '../../errors/index.js';
import type { Target } from '../../soma/client/decode/target.js';
import type { SomaClient } from '../../soma/client/soma-client.js';
import type { Journal } from '../journal/journal.js';
import type { NodeWatch } from '../run/node-watch.js';
import { fits } from './fits.js';
import type { OpenTargets } from './open-targets.js';

export interface TargetFollowerDeps {
  readonly client: Pick<SomaClient, 'listAllTargets' | 'watchTargets' | 'nodeUrl'>;
  readonly journal: Pick<Journal, 'submissions'>;
  readonly book: OpenTargets;
  /** Width of the network's embeddings. */
  readonly embeddingDim: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Called for targets that are skipped. */
  readonly complain: (error: QuarryError) => void;
  /** Is told when the feed connects, delivers data or breaks. */
  readonly node: Pick<NodeWatch, 'listeners' | 'heard'>;
  /** Called for every open target without a live submission of this miner. */
  readonly onKnown: (targetId: string) => void;
  /** Called for every target that opens while following and was added. */
  readonly onOpened: (targetId: string, signal: AbortSignal) => void;
  /** Called when any miner fills a target. */
  readonly onFilled: (targetId: string) => void;
  /** Called with each epoch, and its protocol version if known; may repeat one. */
  readonly onEpoch: (epoch: bigint, protocolVersion: bigint | undefined, signal: AbortSignal) => Promise<void>;
}

/** Keeps {@link OpenTargets} in sync with the network. */
export class TargetFollower {
  readonly #deps: TargetFollowerDeps;

  constructor(deps: TargetFollowerDeps) {
    this.#deps = deps;
  }

  /**
   * Adds the targets that the node lists. If the list breaks off midway, {@link follow} reads it again.
   *
   * @throws QuarryError when listing fails before the first target
   */
  async openListed(signal: AbortSignal): Promise<void> {
    const { client, complain } = this.#deps;
    let listed = 0;
    try {
      for await (const target of client.listAllTargets({ status: 'open', signal, onUnfit: complain })) {
        listed++;
        this.#open(target);
      }
    } catch (error) {
      if (isAbort(error) || listed === 0) throw error;
      complain(toQuarryError(error, 'listing open targets'));
    }
  }

  /**
   * Follows the feed until the signal fires.
   *
   * @param succeeded called once the node has listed all open targets
   * @throws QuarryError when the feed ends
   */
  async follow(succeeded: () => void, signal: AbortSignal): Promise<void> {
    const { book, client, complain, node, onEpoch, onFilled, onOpened } = this.#deps;
    // Targets listed at the start; `undefined` once the list is complete.
    let listed: Set<string> | undefined = new Set();
    const watching = { signal, onUnfit: complain, backlog: 'skip' as const, ...node.listeners };
    for await (const event of client.watchTargets(watching)) {
      switch (event.type) {
        case 'opened':
          listed?.add(event.target.id);
          if (this.#open(event.target)) onOpened(event.target.id, signal);
          break;
        case 'synced':
          // No event for targets filled while disconnected.
          if (listed !== undefined && !event.isPartial) book.keepOnly(listed);
          listed = undefined;
          node.heard();
          succeeded();
          break;
        case 'filled':
          onFilled(event.targetId);
          book.remove(event.targetId);
          break;
        case 'expired':
          book.remove(event.targetId);
          break;
        case 'epoch':
          await onEpoch(event.epoch, event.protocolVersion, signal);
          break;
        default:
          break;
      }
    }
  }

  #open(target: Target): boolean {
    const { book, client, complain, embeddingDim, journal, now, onKnown } = this.#deps;
    if (!fits(target, embeddingDim)) {
      complain(new QuarryError('PROTOCOL', `target ${target.id} cannot be hit and is skipped`));
      return false;
    }
    if (journal.submissions.isLive(target.id)) return false;
    onKnown(target.id);
    return book.add(target, now(), client.nodeUrl);
  }
}
