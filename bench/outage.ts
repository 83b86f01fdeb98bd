import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { QuarryError } from '../src/errors/index.js';
import type { TargetEvent } from '../src/soma/client/index.js';
import { SomaClient } from '../src/soma/client/soma-client.js';
import { hostRaceModels, startRaceNetwork } from './race-network.js';
import { type BenchOptions, type BenchResult, benchResult } from './result.js';
import { SlowLine } from './slow-line.js';

export interface OutageOptions extends BenchOptions {
  /** Checkpoints that are missed. Default 5,000; `quick` takes 500. */
  readonly checkpoints?: number;
}

const ROUND_TRIP_MS = 40;
/** The shortest interval there is: an outage of 5,000 checkpoints lasts almost a minute. */
const INTERVAL_MS = 10;

/** What an outage costs: until open targets are known again, and until every missed checkpoint was read. */
export async function* run(options: OutageOptions = {}): AsyncIterable<BenchResult> {
  const missed = BigInt(options.checkpoints ?? (options.quick ? 500 : 5_000));
  const { signal } = options;
  const dir = await mkdtemp(join(tmpdir(), 'quarry-outage-'));
  const models = await hostRaceModels(dir);
  const pace = { checkpointIntervalMs: INTERVAL_MS, idleCheckpointMs: INTERVAL_MS };
  const devnet = await startRaceNetwork(models, [], pace);
  const line = await SlowLine.open(devnet.rpcUrl, ROUND_TRIP_MS / 2);
  const near = await SomaClient.connect({ url: devnet.rpcUrl, adminUrl: devnet.adminUrl });
  const far = await SomaClient.connect({ url: line.url });
  const stop = new AbortController();
  try {
    const events: { readonly event: TargetEvent; readonly at: number }[] = [];
    /** When each watch was connected. */
    const connected = { targets: [] as number[], checkpoints: [] as number[] };
    /** The newest checkpoint of each watch. */
    const newest = { targets: 0n, checkpoints: 0n };
    const follow = async (): Promise<void> => {
      for await (const event of far.watchTargets({
        signal: stop.signal,
        onConnected: () => connected.targets.push(performance.now()),
        onCheckpoint: (checkpoint) => {
          newest.targets = checkpoint;
        },
      }))
        events.push({ event, at: performance.now() });
    };
    const read = async (): Promise<void> => {
      for await (const { sequenceNumber } of far.watchCheckpoints({
        signal: stop.signal,
        onConnected: () => connected.checkpoints.push(performance.now()),
      }))
        newest.checkpoints = sequenceNumber;
    };
    const watching = [follow(), read()].map((each) => each.catch(() => {}));
    const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
      while (!(await holds())) await sleep(5, undefined, { signal });
    };
    const height = async (): Promise<bigint> => (await near.getServiceInfo()).checkpointHeight;
    await until(() => newest.checkpoints > 0n && events.some(({ event }) => event.type === 'synced'));
    const from = await height();
    line.cut();
    // An epoch with other targets begins unseen.
    await near.advanceEpoch();
    await until(async () => (await height()) >= from + missed);
    const goal = await height();
    const before = events.length;
    const mended = performance.now();
    line.mend();
    // The pause before a broken stream is reopened is not measured here. What was missed may be read before a stream that is
    // still broken has ended: then all of it counts.
    const beganAt = (times: readonly number[], endedAt: number): number =>
      times.find((at) => at >= mended && at <= endedAt) ?? mended;
    await until(() => newest.checkpoints >= goal);
    const readAt = performance.now();
    await until(() => newest.targets >= goal);
    const opened = events.slice(before).filter(({ event }) => event.type === 'opened');
    const last = opened.at(-1);
    if (last === undefined) throw new QuarryError('INTERNAL', 'no target opened after the outage');
    const shared = { bench: 'outage', engine: 'client', unit: 'ms' } as const;
    const name = `${missed} checkpoints missed, ${ROUND_TRIP_MS} ms there and back`;
    yield benchResult({
      ...shared,
      case: `open targets known, ${name}`,
      value: last.at - beganAt(connected.targets, last.at),
      note: `${opened.length} targets, counted from the new stream's headers`,
    });
    yield benchResult({ ...shared, case: `all read, ${name}`, value: readAt - beganAt(connected.checkpoints, readAt) });
    stop.abort();
    await Promise.all(watching);
  } finally {
    stop.abort();
    far.close();
    near.close();
    line.close();
    await devnet.close();
    await models.close();
    await rm(dir, { recursive: true, force: true });
  }
}
