import { StateReader } from '../../miner/index.js';
import type { MinerStatus } from '../../telemetry/api/api-types.js';
import type { ApiReads } from '../../telemetry/api/http-api.js';
import { submissionJson } from '../history/submission-json.js';

/** Reads of a state directory for the dashboard. Close it when done. */
export interface StateReads {
  readonly reads: ApiReads;
  /** Whether there are submissions for a target. */
  readonly has: (targetId: string) => Promise<boolean>;
  close(): Promise<void>;
}

/** @param status returns the current status */
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
