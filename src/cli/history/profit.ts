import type { PastSubmission } from '../../miner/index.js';

/** Result of mining over a period. Amounts in shannons. */
export interface Profit {
  /** Length of the period in days: from its start, or from the first submission if that was later, until now. */
  readonly days: number;
  readonly accepted: number;
  readonly earnedShannons: bigint;
  /** Claimed part of the rewards. */
  readonly claimedShannons: bigint;
  /** Fees of submissions and claims. */
  readonly feesShannons: bigint;
  readonly netShannons: bigint;
  /** Bonds of accepted submissions not yet returned by a claim; not limited to the period. */
  readonly bondsOutShannons: bigint;
  /** Net per day; `undefined` for less than an hour of data. */
  readonly forecastPerDayShannons: bigint | undefined;
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/**
 * Computes the result of submissions.
 *
 * @param window milliseconds since the Unix epoch
 */
export function profitOf(
  submissions: Iterable<PastSubmission>,
  { sinceMs, nowMs }: { readonly sinceMs: number; readonly nowMs: number },
): Profit {
  const sum = { accepted: 0, earned: 0n, claimed: 0n, fees: 0n, bonds: 0n };
  let firstMs: number | undefined;
  for (const { outcome, claim, atMs, bondShannons, rewardShannons, feeShannons } of submissions) {
    if (outcome === 'accepted' && (claim?.state === 'waiting' || claim?.state === 'built')) sum.bonds += bondShannons;
    if (atMs < sinceMs) continue;
    firstMs ??= atMs;
    sum.fees += (feeShannons ?? 0n) + (claim?.feeShannons ?? 0n);
    if (outcome !== 'accepted') continue;
    sum.accepted++;
    sum.earned += rewardShannons;
    if (claim?.state === 'claimed') sum.claimed += rewardShannons;
  }
  const spanMs = firstMs === undefined ? 0 : Math.max(0, nowMs - firstMs);
  const net = sum.earned - sum.fees;
  return {
    days: spanMs / DAY_MS,
    accepted: sum.accepted,
    earnedShannons: sum.earned,
    claimedShannons: sum.claimed,
    feesShannons: sum.fees,
    netShannons: net,
    bondsOutShannons: sum.bonds,
    forecastPerDayShannons: spanMs < HOUR_MS ? undefined : (net * BigInt(DAY_MS)) / BigInt(Math.round(spanMs)),
  };
}
