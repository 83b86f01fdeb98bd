import { LatestMap } from '../../../collections/latest-map.js';
import { QuarryError, throwIfAborted, toQuarryError } from '../../../errors/index.js';
import { type Address, type ObjectId, scalarValue, type TargetPayload } from '../../chain/index.js';
import type { ClientContext } from '../context.js';
import type { Target } from '../decode/target.js';
import { getCheckpoint } from '../read/get-checkpoint.js';
import { listAllTargets } from '../read/list-targets.js';
import { EpochTracker } from './epoch-tracker.js';
import { getPosition } from './named-checkpoint.js';
import { TARGET_CHANGES_MASK, type TargetChanges, targetChangesFrom } from './target-changes.js';
import { type CheckpointGap, followCheckpoints, type WatchCheckpointsOptions } from './watch-checkpoints.js';

/** A change to targets. `checkpoint` is absent if it was found in a list, not a checkpoint. */
export type TargetEvent =
  /**
   * All targets open at the start of the watch have been reported; `isPartial` if the node's list could not be read
   * completely.
   */
  | { readonly type: 'synced'; readonly open: number; readonly isPartial?: true }
  | { readonly type: 'opened'; readonly target: Target; readonly checkpoint: bigint | undefined }
  | {
      readonly type: 'filled';
      readonly targetId: ObjectId;
      readonly checkpoint: bigint | undefined;
      /** Known only from checkpoints. */
      readonly submitter: Address | undefined;
      readonly winningModelId: ObjectId | undefined;
      readonly distance: number | undefined;
    }
  | { readonly type: 'expired'; readonly targetId: ObjectId }
  | {
      readonly type: 'epoch';
      readonly epoch: bigint;
      readonly checkpoint: bigint | undefined;
      /** Known only from the checkpoint that ended the epoch before. */
      readonly protocolVersion: bigint | undefined;
    };

/** Which target events to report, and how to handle gaps in the stream. */
export interface WatchTargetsOptions
  extends Pick<WatchCheckpointsOptions, 'signal' | 'onGap' | 'onReconnect' | 'onConnected'> {
  /** Interval of comparisons with the node's own list, which also follow every gap. Default 60 s; 0 disables them. */
  readonly reconcileMs?: number | undefined;
  /** Called with every checkpoint, whether it contains targets or not. */
  readonly onCheckpoint?: ((checkpoint: bigint) => void) | undefined;
  /**
   * How to handle many missed checkpoints, once the open targets are listed: `read` them for each target's history, or
   * `skip` them to see new targets sooner. Default `read`.
   */
  readonly backlog?: 'read' | 'skip' | undefined;
  /** Called with each malformed target, which is left out. */
  readonly onUnfit?: ((error: QuarryError) => void) | undefined;
}

/** Converts the object of an open target. */
function targetOf(id: ObjectId, payload: TargetPayload): Target {
  return {
    id,
    status: 'open',
    embedding: payload.embedding.values,
    modelIds: payload.modelIds,
    distanceThreshold: scalarValue(payload.distanceThreshold),
    rewardPoolShannons: payload.rewardPool,
    generationEpoch: payload.generationEpoch,
    bondShannons: payload.bondAmount,
  };
}

/**
 * Follows targets through the checkpoints that create and change them, which is faster than polling. Starts with the
 * open targets as `opened`, then `synced`. Each target opens once and ends once, filled or expired.
 */
export async function* watchTargets(
  client: ClientContext,
  options: WatchTargetsOptions = {},
): AsyncGenerator<TargetEvent, void, void> {
  const control = { signal: options.signal };
  const onUnfit = options.onUnfit ?? (() => {});
  const feed = new TargetFeed();
  let gap = false;
  const info = await getPosition(client, control);
  yield* feed.begin(info.epoch);
  // Changes during the reading of the list are in the checkpoints after `info`, which are read.
  const first = await openTargets(client, control, onUnfit);
  yield* feed.reconcile(first);
  yield { type: 'synced', open: feed.open, ...(!first.isWhole && { isPartial: true as const }) };
  let reconciledAt = client.now();
  const reconcileMs = options.reconcileMs ?? 60_000;
  const following = {
    ...options,
    from: info.checkpointHeight + 1n,
    isReached: true,
    readMask: TARGET_CHANGES_MASK,
    onGap: (missing: CheckpointGap) => {
      gap = true;
      options.onGap?.(missing);
    },
  };
  const items = followCheckpoints(client, following, (message, cursor) => targetChangesFrom(message, cursor, onUnfit));
  for await (const item of items) {
    if ('checkpoint' in item) {
      options.onCheckpoint?.(item.checkpoint.sequenceNumber);
      yield* feed.apply(item.checkpoint);
    }
    const backlog = 'backlog' in item ? item.backlog : undefined;
    // Open targets can be answered now; the backlog's other targets are history.
    if (backlog !== undefined) yield* feed.catchUp(await newestEpochs(client, backlog.to, control), backlog.to);
    const isDue = reconcileMs > 0 && client.now() - reconciledAt >= reconcileMs;
    if (backlog === undefined && !gap && !feed.takeListNeeded() && !isDue) continue;
    gap = false;
    reconciledAt = client.now();
    yield* feed.reconcile(await openTargets(client, control, onUnfit));
    if (options.backlog === 'skip') backlog?.skip();
  }
}

/** Number of checkpoints read for the epoch after an outage: as many as are needed to believe it. */
const WITNESSES = 3n;

/** The epochs of the newest checkpoints; fewer if some cannot be read. */
async function newestEpochs(
  client: ClientContext,
  to: bigint,
  control: { signal?: AbortSignal | undefined },
): Promise<bigint[]> {
  const numbers = Array.from({ length: Number(WITNESSES) }, (_, n) => to - WITNESSES + 1n + BigInt(n));
  const read = numbers.map((number) =>
    getCheckpoint(client, number, { ...control, readMask: ['summary'] }).catch((error: unknown) => {
      throwIfAborted(control.signal, 'reading checkpoints');
      return toQuarryError(error, 'reading a checkpoint');
    }),
  );
  return (await Promise.all(read)).flatMap((each) =>
    each instanceof QuarryError || each.summary === undefined ? [] : [each.summary.epoch],
  );
}

/** The node's list of open targets. */
interface OpenList {
  readonly targets: ReadonlyMap<ObjectId, Target>;
  /** Whether the list is complete: only then has a missing target ended. */
  readonly isWhole: boolean;
}

async function openTargets(
  client: ClientContext,
  control: { signal?: AbortSignal | undefined },
  onUnfit: (error: QuarryError) => void,
): Promise<OpenList> {
  const targets = new Map<ObjectId, Target>();
  let isWhole = true;
  const leaveOut = (error: QuarryError): void => {
    isWhole = false;
    onUnfit(error);
  };
  for await (const target of listAllTargets(client, { ...control, status: 'open', onUnfit: leaveOut }))
    targets.set(target.id, target);
  return { targets, isWhole };
}

/** Ended targets remembered. If an older one is reported as open, it is reopened until the next list. */
const MOST_ENDED = 20_000;

/** Converts checkpoints and lists to events without duplicates. */
export class TargetFeed {
  readonly #epochs = new EpochTracker();
  /** Open targets by id, with their generation epoch. */
  readonly #open = new Map<ObjectId, bigint>();
  /** Targets opened up to this checkpoint are known from a list. */
  #listedUpTo = -1n;
  /** Targets of this epoch that have ended, as lists and checkpoints may still report them. */
  readonly #ended = new LatestMap<ObjectId, true>(MOST_ENDED);
  /** Whether open targets may have been dropped, because an epoch was believed that had not begun. */
  #listNeeded = false;

  get open(): number {
    return this.#open.size;
  }

  /** Whether the node's list must be read; resets the flag. */
  takeListNeeded(): boolean {
    const needed = this.#listNeeded;
    this.#listNeeded = false;
    return needed;
  }

  /** Starts with the epoch reported by the node. */
  *begin(epoch: bigint): Generator<TargetEvent, void, void> {
    if (this.#epochs.observe(epoch)) yield* this.#changeEpoch(-1n, undefined);
  }

  get #epoch(): bigint {
    return this.#epochs.epoch ?? -1n;
  }

  *#changeEpoch(
    before: bigint,
    checkpoint: bigint | undefined,
    protocolVersion?: bigint,
  ): Generator<TargetEvent, void, void> {
    const epoch = this.#epoch;
    this.#ended.clear();
    this.#listNeeded ||= before >= 0n && epoch !== before + 1n;
    yield { type: 'epoch', epoch, checkpoint, protocolVersion };
    for (const [targetId, generationEpoch] of [...this.#open]) {
      if (generationEpoch >= epoch) continue;
      this.#open.delete(targetId);
      yield { type: 'expired', targetId };
    }
  }

  /**
   * Skips checkpoints up to `upTo`, whose targets come from a list: they open no targets and start no epoch.
   *
   * @param epochs the epochs of the newest checkpoints
   */
  *catchUp(epochs: readonly bigint[], upTo: bigint): Generator<TargetEvent, void, void> {
    this.#listedUpTo = upTo;
    for (const epoch of epochs) {
      const before = this.#epoch;
      if (this.#epochs.observe(epoch)) yield* this.#changeEpoch(before, undefined);
    }
  }

  *apply(changes: TargetChanges): Generator<TargetEvent, void, void> {
    const { summary, sequenceNumber, targets, deleted } = changes;
    if (sequenceNumber <= this.#listedUpTo) return yield* this.#recount(changes);
    const before = this.#epoch;
    if (summary !== undefined && this.#epochs.observe(summary.epoch)) yield* this.#changeEpoch(before, sequenceNumber);
    for (const { id, payload } of targets) {
      // Objects of the next epoch are reported below, after it has begun.
      if (payload.generationEpoch > this.#epoch && summary?.endOfEpoch !== undefined) continue;
      yield* this.#change(id, payload, sequenceNumber);
    }
    // Only ended targets are claimed; one still counted as open was filled before this client could see it.
    for (const id of deleted) this.#open.delete(id);
    if (summary?.endOfEpoch === undefined || !this.#epochs.end(summary.epoch)) return;
    yield* this.#changeEpoch(summary.epoch, sequenceNumber, summary.endOfEpoch.nextProtocolVersion);
    for (const { id, payload } of targets) {
      if (payload.generationEpoch >= this.#epoch) yield* this.#change(id, payload, sequenceNumber);
    }
  }

  /** Processes changes to known targets in an old checkpoint. */
  *#recount({ targets, sequenceNumber }: TargetChanges): Generator<TargetEvent, void, void> {
    for (const { id, payload } of targets) {
      if (payload.status.kind !== 'open') yield* this.#filled(id, payload, sequenceNumber);
    }
  }

  /** Compares with the node's list of open targets. */
  *reconcile({ targets, isWhole }: OpenList): Generator<TargetEvent, void, void> {
    for (const target of targets.values()) yield* this.#opened(target, undefined);
    if (!isWhole) return;
    for (const targetId of [...this.#open.keys()]) {
      if (!targets.has(targetId)) yield* this.#filled(targetId, undefined, undefined);
    }
  }

  *#change(id: ObjectId, payload: TargetPayload, checkpoint: bigint): Generator<TargetEvent, void, void> {
    if (payload.status.kind !== 'open') yield* this.#filled(id, payload, checkpoint);
    else if (payload.generationEpoch >= this.#epoch) yield* this.#opened(targetOf(id, payload), checkpoint);
  }

  *#opened(target: Target, checkpoint: bigint | undefined): Generator<TargetEvent, void, void> {
    if (this.#open.has(target.id) || this.#ended.has(target.id)) return;
    this.#open.set(target.id, target.generationEpoch);
    yield { type: 'opened', target, checkpoint };
  }

  *#filled(
    targetId: ObjectId,
    payload: TargetPayload | undefined,
    checkpoint: bigint | undefined,
  ): Generator<TargetEvent, void, void> {
    const wasOpen = this.#open.delete(targetId);
    this.#ended.set(targetId, true);
    if (!wasOpen) return;
    const score = payload?.winningDistanceScore;
    yield {
      type: 'filled',
      targetId,
      checkpoint,
      submitter: payload?.submitter,
      winningModelId: payload?.winningModelId,
      distance: score === undefined ? undefined : scalarValue(score),
    };
  }
}
