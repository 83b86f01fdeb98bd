import type { PastSubmission } from '../../miner/index.js';

/** What mining brought in a stretch of time. Amounts in shannons. */
export interface Profit {
  /** Length of the stretch in days: from its begin, or the first submission if that came later, to now. */
  readonly days: number;
  readonly accepted: number;
  readonly earnedShannons: bigint;
  /** The part of it that was claimed. */
  readonly claimedShannons: bigint;
  /** Of submissions and claims. */
  readonly feesShannons: bigint;
  readonly netShannons: bigint;
  /** Bonds of accepted submissions that no claim has returned yet; of all time. */
  readonly bondsOutShannons: bigint;
  /** Net per day; `undefined` before an hour has passed. */
  readonly forecastPerDayShannons: bigint | undefined;
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/**
 * Reckons what submissions brought.
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
