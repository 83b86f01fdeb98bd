import { join } from 'node:path';
import { type QuarryError, toQuarryError } from '../../errors/index.js';
import type { Miner } from '../../miner/index.js';
import { STATE_ENTRIES } from '../../miner/state/state-entries.js';
import type { MinerStatus } from '../../telemetry/api/api-types.js';
import { VitalsLog } from '../../telemetry/vitals.js';

const EVERY_MS = 60_000;

/**
 * Records a miner's state once per minute in its state directory. Write failures cause a warning and never stop mining.
 *
 * @returns a function that writes the last point and stops
 */
export function recordVitals(
  stateDir: string,
  miner: Miner,
  status: () => MinerStatus,
  onWarning: (error: QuarryError) => void,
): () => void {
  const guard = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      onWarning(toQuarryError(error, 'recording the history of balance and speed'));
    }
  };
  let log: VitalsLog | undefined;
  guard(() => {
    log = new VitalsLog(join(stateDir, STATE_ENTRIES.vitals));
  });
  const point = (): void => {
    const { run, store } = status();
    log?.record({
      at: Date.now(),
      balanceShannons: run?.balanceShannons,
      // Average of the last minute, or of the run so far if shorter.
      samplesPerSecond: run?.samplesPerSecond[1] ?? undefined,
      storeBytes: store.bytes,
      diskFreeBytes: store.diskFreeBytes,
      reach: run?.reach,
    });
  };
  const onSubmitted = ({ latencyMs }: { latencyMs: number }): void => log?.observeSubmitted(latencyMs);
  miner.events.on('submitted', onSubmitted);
  miner.events.once('started', () => guard(point));
  const timer = setInterval(() => guard(point), EVERY_MS).unref();
  return () => {
    clearInterval(timer);
    miner.events.off('submitted', onSubmitted);
    guard(point);
    guard(() => log?.close());
  };
}
