import type { MinerStatus } from '../../src/telemetry/api/api-types.js';

/** How a miner might stand. */
export const STATUS: MinerStatus = {
  ...{
    at: '2026-01-01T00:00:00.000Z',
    version: '1',
    live: true,
    controllable: true,
    network: 'testnet',
    stateDir: '/s',
  },
  address: undefined,
  totals: {
    ...{ accepted: 1, lost: 0, rejected: 0, pending: 0, claimed: 0, unclaimed: 1 },
    ...{ receivedShannons: 5n, feesShannons: 1n },
  },
  run: {
    ...{ durationMs: 5, paused: false, epoch: 7n, openTargets: 3, balanceShannons: 5n, samples: 1, scored: 1, hits: 1 },
    ...{ submitted: 1, queued: 2, samplesPerSecond: [1, undefined, undefined], rowsScannedPerSecond: [undefined] },
    reach: 0.25,
  },
  nodes: [
    {
      ...{ url: 'http://n', connected: true, preferred: true, latencyMs: 3, checkpoint: 9n, checkpointAgeMs: 10 },
      error: undefined,
    },
  ],
  models: [{ id: '0x1', state: 'ready', receivedBytes: 5, sizeBytes: 5, note: undefined }],
  engine: undefined,
  store: { samples: 3, bytes: 4, diskFreeBytes: undefined },
  fleet: {
    ...{ scorers: 2, samples: 10, redelivered: 0, leftOut: 1, keepers: 1, keptRows: 7, scans: 5, partialScans: 1 },
    live: [{ id: '0badcafe', label: 'box native', samples: 6, samplesPerSecond: 2.5, models: 3, seenAgoMs: 1_500 }],
    queued: 4,
  },
};
