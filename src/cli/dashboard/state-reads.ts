import { StateReader } from '../../miner/index.js';
import type { MinerStatus } from '../../telemetry/api/api-types.js';
import type { ApiReads } from '../../telemetry/api/http-api.js';
import { submissionJson } from '../history/submission-json.js';

/** What the page reads from a state directory. Close it when done. */
export interface StateReads {
  readonly reads: ApiReads;
  /** Whether something was submitted for a target. */
  readonly has: (targetId: string) => Promise<boolean>;
  close(): Promise<void>;
}

/** @param status how things stand now */
export function openStateReads(stateDir: string, status: () => MinerStatus): StateReads {
  const reader = new StateReader(stateDir);
  return {
    reads: {
      status,
      history: (by, limit) => reader.history(by, limit),
      submissions: async (limit) => (await reader.submissions(limit)).map(submissionJson),
      vitals: (hours) => reader.vitals(hours),
    },
    has: (targetId) => reader.has(targetId),
    close: () => reader.close(),
  };
}
