import { QuarryError, throwIfAborted, toQuarryError } from '../../../errors/index.js';
import {
  type SubscribeCheckpointsResponse,
  SubscriptionService,
} from '../../../gen/soma/rpc/subscription_service_pb.js';
import { type Backoff, backoffDelayMs, childSignal } from '../../../http/index.js';
import type { ClientContext } from '../context.js';
import { type Checkpoint, checkpointFrom } from '../decode/checkpoint.js';
import { required } from '../decode/required.js';
import { getCheckpoint } from '../read/get-checkpoint.js';
import { getServiceInfo } from '../read/get-service-info.js';
import { maskWith, type ReadMask } from '../read-mask.js';
import { Silence } from './silence.js';

/** Checkpoints that could not be read again after a dropped stream: numbers `from` to `to`, both included. */
export interface CheckpointGap {
  readonly from: bigint;
  readonly to: bigint;
}

/** What is read of each checkpoint, where to begin, and what to tell of gaps and reconnections. */
export interface WatchCheckpointsOptions {
  /** Relative to Checkpoint; `sequence_number` is always read. Default: summary. */
  readonly readMask?: ReadMask | undefined;
  /** First checkpoint to deliver, read back if it is past. Default: the next one. */
  readonly from?: bigint | undefined;
  /** Called with checkpoints that the node has pruned meanwhile; they are skipped. */
  readonly onGap?: ((gap: CheckpointGap) => void) | undefined;
  /** Called when the stream breaks, before it is opened again. */
  readonly onReconnect?: ((error: QuarryError, attempt: number) => void) | undefined;
  /** Told whenever the node has accepted a stream. */
  readonly onConnected?: (() => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A subscription is lost while the node restarts, so the first tries come soon; targets open and go meanwhile. */
const RECONNECT: Backoff = { baseMs: 200, maxMs: 1_000 };

/** Checkpoints read back at a time: what an outage left is a matter of bandwidth then, not of the way there and back. */
const READS_IN_FLIGHT = 64n;

/** How long and how often a fullnode that is behind is waited for: ten seconds in all. */
const BEHIND_PAUSE_MS = 200;
const MAX_BEHIND = 50;

/** So many missed checkpoints, or more, are a backlog: what they did is found sooner in the node's lists. */
const BACKLOG = 32n;

/** Checkpoints that were missed and are about to be read back. */
export interface Backlog extends CheckpointGap {
  /** Leaves them out. */
  skip(): void;
}

/** What {@link followCheckpoints} yields: a checkpoint, or the news that many are about to be read back. */
export type FollowedItem = { readonly checkpoint: Checkpoint } | { readonly backlog: Backlog };

/**
 * Follows the chain: every checkpoint once, in order and without gaps. When the stream breaks, it is opened again and
 * what was missed is read back. Ends only by its signal, by the consumer leaving, or by an error that a new stream
 * cannot mend.
 *
 * @throws QuarryError `UNSUPPORTED` when the node offers no subscriptions
 * @throws QuarryError `ABORTED` when the signal fires
 */
export async function* watchCheckpoints(
  client: ClientContext,
  options: WatchCheckpointsOptions = {},
): AsyncGenerator<Checkpoint, void, void> {
  for await (const item of followCheckpoints(client, options)) if ('checkpoint' in item) yield item.checkpoint;
}

/** As {@link watchCheckpoints}, and tells before it reads a backlog. */
export async function* followCheckpoints(
  client: ClientContext,
  options: WatchCheckpointsOptions = {},
): AsyncGenerator<FollowedItem, void, void> {
  const paths = maskWith(options.readMask ?? ['summary'], ['sequence_number']);
  const control = { signal: options.signal };
  let next = options.from;
  const silence = new Silence(client.now);

  async function* readBack(to: bigint): AsyncGenerator<FollowedItem, void, void> {
    if (next !== undefined && to - next >= BACKLOG) {
      const skip = (): void => {
        next = to + 1n;
      };
      yield { backlog: { from: next, to, skip } };
    }
    let behind = 0;
    let doubted: bigint | undefined;
    const asked = new Map<bigint, Promise<Checkpoint>>();
    for (; next !== undefined && next <= to; next++) {
      askAhead(asked, next, to, (ahead) => getCheckpoint(client, ahead, { ...control, readMask: paths }));
      try {
        yield { checkpoint: await asked.get(next)! };
        asked.delete(next);
      } catch (error) {
        asked.delete(next);
        if (!(error instanceof QuarryError) || error.code !== 'NOT_FOUND') throw error;
        const { lowestAvailableCheckpoint: lowest, checkpointHeight } = await getServiceInfo(client, control);
        if (checkpointHeight < next) {
          // Another fullnode answers than the one that told us of it: this one has it soon.
          if (++behind > MAX_BEHIND) {
            throw new QuarryError('UNREACHABLE', `the fullnode stays behind checkpoint ${next}`, {
              details: { checkpointHeight: Number(checkpointHeight) },
            });
          }
          await client.sleep(BEHIND_PAUSE_MS, options.signal);
          // What was asked ahead was asked of a fullnode that had none of it.
          asked.clear();
          next--;
          continue;
        }
        const isPruned = lowest !== undefined && lowest > next;
        if (!isPruned && doubted !== next) {
          // It may have come since it was asked for.
          doubted = next--;
          continue;
        }
        const end: bigint = isPruned ? (lowest <= to ? lowest - 1n : to) : next;
        options.onGap?.({ from: next, to: end });
        next = end;
      }
    }
  }

  for (let attempt = 0; ; attempt++) {
    // Leaving a generator waits for the item it is asked for, which may never come: the call must be cancelled first.
    const stop = childSignal(options.signal);
    const stream = subscribe(client, paths, stop.signal, options.onConnected);
    try {
      // Asking for the first item opens the stream, so that nothing falls between what is read back and what it brings.
      let pending = stream.next();
      pending.catch(() => {});
      if (next !== undefined) {
        const { checkpointHeight } = await getServiceInfo(client, control);
        yield* readBack(checkpointHeight);
      }
      for (;;) {
        const item = await silence.bound(pending);
        if (item.done) break;
        attempt = 0;
        const cursor = required(item.value.cursor, 'cursor');
        if (next !== undefined && cursor > next) yield* readBack(cursor - 1n);
        if (next === undefined || cursor >= next) {
          next = cursor + 1n;
          yield { checkpoint: checkpointFrom(required(item.value.checkpoint, 'checkpoint'), cursor) };
        }
        pending = stream.next();
        pending.catch(() => {});
      }
      throw new QuarryError('UNREACHABLE', 'the checkpoint stream ended', { hint: 'the node drops slow subscribers' });
    } catch (error) {
      const failure = toQuarryError(error, 'watching checkpoints');
      throwIfAborted(options.signal, 'watching checkpoints');
      if (!failure.retryable) throw failure;
      options.onReconnect?.(failure, attempt + 1);
    } finally {
      stop.close();
      await stream.return();
    }
    await client.sleep(backoffDelayMs(attempt, RECONNECT, client.random), options.signal);
  }
}

/** Asks for the checkpoints from `next` on that have not been asked for, so many as may be in flight, `to` the last. */
function askAhead(
  asked: Map<bigint, Promise<Checkpoint>>,
  next: bigint,
  to: bigint,
  ask: (ahead: bigint) => Promise<Checkpoint>,
): void {
  for (let ahead = next; ahead <= to && ahead < next + READS_IN_FLIGHT; ahead++) {
    if (asked.has(ahead)) continue;
    const read = ask(ahead);
    // One that fails is heard of when its turn comes.
    read.catch(() => {});
    asked.set(ahead, read);
  }
}

function subscribe(
  client: ClientContext,
  paths: string[],
  signal: AbortSignal,
  onConnected: (() => void) | undefined,
): AsyncGenerator<SubscribeCheckpointsResponse, void, void> {
  const { subscribeCheckpoints } = SubscriptionService.method;
  return client.transport.serverStream(
    subscribeCheckpoints,
    { readMask: { paths } },
    { signal, onHeaders: () => onConnected?.() },
  );
}
