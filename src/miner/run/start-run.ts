import { warmUpSubmitPath } from '../../soma/client/execute/warm-up-submit-path.js';
import type { MinerOptions } from '../miner-options.js';
import type { MinerParts } from '../miner-parts.js';
import { quarantineSignedCoins } from '../submit/quarantine-signed-coins.js';

/**
 * Starts a run: reads the chain state, open targets and coins, and starts background tasks.
 *
 * @throws QuarryError when the network does not answer
 */
export async function startRun(parts: MinerParts, options: MinerOptions, signal: AbortSignal): Promise<void> {
  const { account, background, book, chain, claims, emitter, follower, hosting, mend, models, settlement } = parts;
  await chain.refresh(signal);
  await follower.openListed(signal);
  await quarantineSignedCoins(parts, signal);
  background.run('hosting data that may still be audited', hosting.restore(mend, signal));
  if (!options.dryRun) {
    background.run('warming up the submit path', warmUpSubmitPath(options.config.embeddingDim, signal));
  }
  const unsettled = settlement.expectEarlier();
  if (unsettled > 0) background.run('recovering submissions of an earlier run', settleEarlier(parts, signal));
  emitter.emit('started', {
    address: account.address,
    epoch: chain.epoch ?? 0n,
    openTargets: book.size,
    models: models.active.length,
    unsettled,
  });
  claims.start(signal);
}

/** Settles submissions of an earlier run. If one was rejected, adds its target again. */
async function settleEarlier({ follower, matcher, settlement, wake }: MinerParts, signal: AbortSignal): Promise<void> {
  if (!(await settlement.settle(signal))) return;
  await follower.openListed(signal);
  matcher.askAgain();
  wake.now();
}
