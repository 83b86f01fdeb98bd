import { within } from '../../net/index.js';
import type { MinerParts } from '../miner-parts.js';

/** How long the end of a run waits for answers; the next run settles submissions that are still open. */
const DRAIN_MS = 15_000;
/** How long each part may take to stop. */
const STOP_MS = 5_000;

/** Drains submissions in flight and closes what the miner opened, in bounded time even if the node does not answer. */
export async function endRun(parts: MinerParts, drainMs = DRAIN_MS): Promise<void> {
  const { background, composer, ingest, models, shared, submitter } = parts;
  submitter.resume();
  // Work that takes longer continues in the background; its failure no longer matters.
  await within(drainMs + STOP_MS, submitter.drain(drainMs)).catch(() => {});
  ingest.close();
  await shared?.close();
  const closed = background.settled().then(() => Promise.all([composer.close(), models.close()]));
  await within(STOP_MS, closed).catch(() => {});
}
