import { QuarryError, throwIfAborted, toQuarryError } from '../../../errors/index.js';
import type { Checkpoint as CheckpointMessage } from '../../../gen/soma/rpc/checkpoint_pb.js';
import { SubscriptionService } from '../../../gen/soma/rpc/subscription_service_pb.js';
import { type Backoff, backoffDelayMs, childSignal } from '../../../net/index.js';
import type { ClientContext } from '../context.js';
import { type Checkpoint, checkpointFrom } from '../decode/checkpoint.js';
import { readCheckpoint } from '../read/get-checkpoint.js';
import { getServiceInfo } from '../read/get-service-info.js';
import { maskWith, type ReadMask } from '../read-mask.js';
import { assertCheckpoint } from './named-checkpoint.js';
import { Silence } from './silence.js';
import { StreamedItems } from './streamed-items.js';

/** Checkpoints that could not be read after a dropped stream: numbers `from` to `to`, inclusive. */
export interface CheckpointGap {
  readonly from: bigint;
  readonly to: bigint;
}

/** Fields to read, where to start, and callbacks for gaps and reconnections. */
export interface WatchCheckpointsOptions {
  /** Relative to Checkpoint; `sequence_number` is always included. Default: summary. */
  readonly readMask?: ReadMask | undefined;
  /** First checkpoint to deliver; past ones are read. Default: the next one. */
  readonly from?: bigint | undefined;
  /** Called with checkpoints that the node has pruned; they are skipped. */
  readonly onGap?: ((gap: CheckpointGap) => void) | undefined;
  /** Called when the stream breaks, before it is reopened. */
  readonly onReconnect?: ((error: QuarryError, attempt: number) => void) | undefined;
  /** Called whenever the node has accepted a stream. */
  readonly onConnected?: (() => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Retries quickly, as subscriptions break when a node restarts, and targets open and fill meanwhile. */
const RECONNECT: Backoff = { baseMs: 200, maxMs: 1_000 };

/** Concurrent reads of missed checkpoints, so that catching up is limited by bandwidth, not by round trips. */
const READS_IN_FLIGHT = 64n;

/** Interval and number of retries for a lagging fullnode: ten seconds in total. */
const BEHIND_PAUSE_MS = 200;
const MAX_BEHIND = 50;

/** Streams in a row that stay behind the position of a watch, after which that position counts as wrong. */
const MAX_STREAMS_BEHIND = 2;

/** From this many missed checkpoints, the node's lists are faster than reading them. */
const BACKLOG = 32n;

/** Where to start, for a caller that knows the chain to be there. */
export interface FollowOptions extends WatchCheckpointsOptions {
  /** Whether a fullnode has delivered the checkpoint before `from`. Default: it may be one to come. */
  readonly isReached?: boolean | undefined;
}

/** Missed checkpoints about to be read. */
export interface Backlog extends CheckpointGap {
  /** Skips them. */
  skip(): void;
}

/** Items of {@link followCheckpoints}: what was decoded of a checkpoint, or a backlog about to be read. */
export type FollowedItem<T> = { readonly checkpoint: T } | { readonly backlog: Backlog };

/**
 * Follows the chain: every checkpoint once, in order and without gaps. If the stream breaks, reopens it and reads what
 * was missed. Ends only by its signal, when the consumer stops, or on an error that reopening cannot fix.
 *
 * @throws QuarryError `PROTOCOL` when the fullnodes stay behind a checkpoint that one of them delivered
 * @throws QuarryError `UNSUPPORTED` when the node has no subscriptions
 * @throws QuarryError `ABORTED` when the signal fires
 */
export async function* watchCheckpoints(
  client: ClientContext,
  options: WatchCheckpointsOptions = {},
): AsyncGenerator<Checkpoint, void, void> {
  const items = followCheckpoints(client, options, checkpointFrom);
  for await (const item of items) if ('checkpoint' in item) yield item.checkpoint;
}

/**
 * Like {@link watchCheckpoints}, but also announces a backlog before reading it.
 *
 * @param decode decodes a message; its errors end the stream, which is opened again
 */
export async function* followCheckpoints<T>(
  client: ClientContext,
  options: FollowOptions,
  decode: (message: CheckpointMessage, cursor: bigint) => T,
): AsyncGenerator<FollowedItem<T>, void, void> {
  const paths = maskWith(options.readMask ?? ['summary'], ['sequence_number']);
  const control = { signal: options.signal };
  let next = options.from;
  let { isReached = false } = options;
  let streamsBehind = 0;
  const silence = new Silence(client.now, () => client.transport.reportSilence());
  const ask = async (n: bigint) => decode(await readCheckpoint(client, n, { ...control, readMask: paths }), n);

  async function* readBack(to: bigint): AsyncGenerator<FollowedItem<T>, void, void> {
    if (next !== undefined && to - next >= BACKLOG) {
      await assertCheckpoint(client, to, control);
      const skip = (): void => {
        next = to + 1n;
      };
      yield { backlog: { from: next, to, skip } };
    }
    let behind = 0;
    let doubted: bigint | undefined;
    const asked = new Map<bigint, Promise<T>>();
    for (; next !== undefined && next <= to; next++) {
      askAhead(asked, next, to, ask);
      try {
        yield { checkpoint: await asked.get(next)! };
        asked.delete(next);
      } catch (error) {
        asked.delete(next);
        if (!(error instanceof QuarryError) || error.code !== 'NOT_FOUND') throw error;
        const { lowestAvailableCheckpoint: lowest, checkpointHeight } = await getServiceInfo(client, control);
        if (checkpointHeight < next) {
          // Another fullnode than the one that announced it is answering, and will have it soon.
          if (++behind > MAX_BEHIND) throw staysBehind(next, checkpointHeight);
          await client.sleep(BEHIND_PAUSE_MS, options.signal);
          // Earlier requests went to a fullnode that did not have these checkpoints.
          asked.clear();
          next--;
          continue;
        }
        const isPruned = lowest !== undefined && lowest > next;
        if (!isPruned && doubted !== next) {
          // It may have arrived since it was requested.
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
    // Ending a generator waits for its pending item, which may never arrive: cancel the call first.
    const stop = childSignal(options.signal);
    // Opened before the reads, so that nothing is missed between them and the stream.
    const items = subscribe(client, paths, stop.signal, options.onConnected);
    try {
      if (next !== undefined) {
        const { checkpointHeight } = await getServiceInfo(client, control);
        yield* readBack(checkpointHeight);
      }
      for (;;) {
        // Known checkpoints do not show that the stream is alive.
        const { cursor, message } = await silence.bound(items.take(isReached ? next : undefined));
        attempt = 0;
        if (next !== undefined && cursor < next) continue;
        if (next !== undefined && cursor > next) yield* readBack(cursor - 1n);
        isReached = true;
        streamsBehind = 0;
        next = cursor + 1n;
        yield { checkpoint: decode(message, cursor) };
      }
    } catch (error) {
      const failure = toQuarryError(error, 'watching checkpoints');
      throwIfAborted(options.signal, 'watching checkpoints');
      if (!failure.retryable) throw failure;
      if (isBehind(failure, items) && ++streamsBehind >= MAX_STREAMS_BEHIND) throw wrongPosition(next, items);
      options.onReconnect?.(failure, attempt + 1);
    } finally {
      stop.close();
      await items.close();
    }
    await client.sleep(backoffDelayMs(attempt, RECONNECT, client.random), options.signal);
  }
}

function staysBehind(checkpoint: bigint, height: bigint): QuarryError {
  return new QuarryError('UNREACHABLE', `the fullnode stays behind checkpoint ${checkpoint}`, {
    details: { checkpointHeight: Number(height) },
  });
}

/** Whether a stream failed because it brought nothing but known checkpoints. */
function isBehind({ code }: QuarryError, { passedOver }: StreamedItems): boolean {
  return code === 'TIMEOUT' && passedOver !== undefined;
}

function wrongPosition(next: bigint | undefined, { passedOver }: StreamedItems): QuarryError {
  return new QuarryError('PROTOCOL', `the fullnodes stay below checkpoint ${next}, the next of the watch`, {
    hint: 'the fullnode that delivered those before may have been wrong: watch again to begin where the others are',
    details: { streamed: String(passedOver) },
  });
}

/** Requests checkpoints in advance, from `next` to at most `to`, up to the limit in flight. */
function askAhead<T>(
  asked: Map<bigint, Promise<T>>,
  next: bigint,
  to: bigint,
  ask: (ahead: bigint) => Promise<T>,
): void {
  for (let ahead = next; ahead <= to && ahead < next + READS_IN_FLIGHT; ahead++) {
    if (asked.has(ahead)) continue;
    const read = ask(ahead);
    // A failure is handled when its turn comes.
    read.catch(() => {});
    asked.set(ahead, read);
  }
}

function subscribe(
  client: ClientContext,
  paths: string[],
  signal: AbortSignal,
  onConnected: (() => void) | undefined,
): StreamedItems {
  const { subscribeCheckpoints } = SubscriptionService.method;
  const control = { signal, onHeaders: () => onConnected?.() };
  return new StreamedItems(client.transport.serverStream(subscribeCheckpoints, { readMask: { paths } }, control));
}
