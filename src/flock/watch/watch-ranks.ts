import { sameWallet } from '../identifiers.js';
import type { CallOptions } from '../transport.js';
import type { ModelRank, ValidatorRank } from '../types.js';
import { type DegradedEvent, type PollDeps, type PollOptions, poll } from './poll.js';

/** Options for watching a ranking. */
export interface WatchRanksOptions extends PollOptions {
  /** Watch validators instead of models. Default false. */
  readonly validators?: boolean | undefined;
  /** Report only this wallet. */
  readonly wallet?: string | undefined;
  /** Also report the ranks present at the first poll. Default false. */
  readonly emitExisting?: boolean | undefined;
}

/** A wallet's rank appeared (`from` null), changed or disappeared (`to` null). */
export type RankEvent =
  | {
      readonly event: 'rank';
      readonly wallet: string;
      readonly from: number | null;
      readonly to: number | null;
      /** Score of the new rank. */
      readonly score: number | null;
    }
  | DegradedEvent;

/** Source of rankings. */
export interface RankSource {
  allModels(taskId: number, call: CallOptions): AsyncIterable<ModelRank>;
  allValidators(taskId: number, call: CallOptions): AsyncIterable<ValidatorRank>;
}

/** Watches the ranking of a task until the signal fires. */
export function watchRanks(
  taskId: number,
  options: WatchRanksOptions,
  deps: PollDeps & { readonly leaderboard: RankSource },
): AsyncGenerator<RankEvent, void, undefined> {
  const { signal, wallet, validators } = options;
  const call = { signal };
  let ranks = new Map<string, number>();
  let baseline = !options.emitExisting;
  const look = async (): Promise<RankEvent[]> => {
    const all: AsyncIterable<ModelRank | ValidatorRank> = validators
      ? deps.leaderboard.allValidators(taskId, call)
      : deps.leaderboard.allModels(taskId, call);
    const next = new Map<string, number>();
    const events: RankEvent[] = [];
    for await (const row of all) {
      if (wallet !== undefined && !sameWallet(row.wallet, wallet)) continue;
      // A wallet with several models counts by its best.
      const known = next.get(row.wallet);
      if (known !== undefined && known <= row.rank) continue;
      next.set(row.wallet, row.rank);
      const from = ranks.get(row.wallet) ?? null;
      const score = ('score' in row ? row.score : row['submission_phase_score']) as number | null | undefined;
      const event = { event: 'rank', wallet: row.wallet, from, to: row.rank, score: score ?? null } as const;
      const earlier = events.findIndex((other) => other.event === 'rank' && other.wallet === row.wallet);
      if (earlier !== -1) events.splice(earlier, 1);
      if (from !== row.rank) events.push(event);
    }
    for (const [gone, from] of ranks) {
      if (!next.has(gone)) events.push({ event: 'rank', wallet: gone, from, to: null, score: null });
    }
    ranks = next;
    const first = baseline;
    baseline = false;
    return first ? [] : events;
  };
  return poll(look, options, deps);
}
