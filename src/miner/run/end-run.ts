import type { MinerParts } from '../miner-parts.js';

/** How long the end of a run waits for answers; what is still open then is settled by the next run. */
const DRAIN_MS = 15_000;
/** How long what was told to stop may take. */
const STOP_MS = 5_000;

/** Lets what is in flight finish and closes what the miner opened, within a bounded time whatever the node does. */
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

/** Waits for `work`, for `ms` milliseconds at most; what takes longer goes on by itself, and its failure is not heard. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work.catch(() => {}), late]);
  clearTimeout(timer);
}
