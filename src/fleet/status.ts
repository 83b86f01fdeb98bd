import { bucketEntries } from './bucket-entries.js';
import type { FleetConnection } from './connection.js';
import { readScorerStatus, type ScorerStatus } from './scorer-status.js';

/** A fleet's current state on its server. */
export interface FleetStatus {
  /** Scorers whose status has not expired. */
  readonly scorers: readonly ScorerStatus[];
  /** Weights identities of published models. */
  readonly models: readonly string[];
  /** Samples in the queue, including those being scored. */
  readonly queued: number;
  /** Samples delivered more than once and still unanswered. */
  readonly redelivered: number;
}

/** Reads a fleet's status; changes nothing. */
export async function fleetStatus(fleet: FleetConnection): Promise<FleetStatus> {
  const { jsm, stream } = fleet;
  const scorers = (await bucketEntries(jsm, fleet.scorers)).flatMap(
    (entry) => readScorerStatus(entry.key, entry.string()) ?? [],
  );
  const models = (await bucketEntries(jsm, fleet.models)).map((entry) => entry.key);
  let redelivered = 0;
  for await (const { num_redelivered } of jsm.consumers.list(stream)) redelivered += num_redelivered;
  const { state } = await jsm.streams.info(stream);
  scorers.sort((a, b) => (a.id < b.id ? -1 : 1));
  return { scorers, models, queued: state.messages, redelivered };
}
