import type { MinerEmitter } from '../run/events.js';
import type { MinerStats } from '../run/stats.js';
import type { ClaimOutcome } from './claim-target.js';

/** Counts a claim's outcome and emits the event for it. */
export function reportClaim(outcome: ClaimOutcome, stats: MinerStats, emitter: MinerEmitter): void {
  if (outcome.kind === 'failed') emitter.emit('warning', { error: outcome.error });
  if (outcome.kind !== 'claimed') return;
  const { targetId, receivedShannons, rewardShannons, own } = outcome;
  stats.claimed++;
  stats.claimedShannons += receivedShannons;
  stats.rewardShannons += rewardShannons;
  emitter.emit('claimed', { targetId, receivedShannons, own });
}
