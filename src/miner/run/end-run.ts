import type { MinerParts } from '../miner-parts.js';

/** How long the end of a run waits for answers; the next run settles submissions that are still open. */
const DRAIN_MS = 15_000;
/** How long each part may take to stop. */
const STOP_MS = 5_000;

/** Drains submissions in flight and closes what the miner opened, in bounded time even if the node does not answer. */
export async function endRun(parts: MinerParts, drainMs = DRAIN_MS): Promise<void> {
  const { background, composer, ingest, models, shared, submitter } = parts;
  submitter.resume();
  await within(drainMs + STOP_MS, submitter.drain(drainMs));
  ingest.close();
  await shared?.close();
  await within(
    STOP_MS,
    background.settled().then(() => Promise.all([composer.close(), models.close()])),
  );
}

/** Waits up to `ms` milliseconds for `work`, which otherwise continues in the background. Ignores its failure. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work.catch(() => {}), late]);
  clearTimeout(timer);
}
