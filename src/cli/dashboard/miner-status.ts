import type { AssembledMiner } from '../../miner/index.js';
import { packageVersion } from '../../package/package-version.js';
import type { MinerStatus, StatusFleet, StatusNode, StatusRun } from '../../telemetry/api/api-types.js';
import type { DiskWatch } from './disk-watch.js';

/** Sources of a miner's status besides the miner itself. */
export interface MinerStatusParts {
  readonly assembled: Pick<AssembledMiner, 'miner' | 'client' | 'journal' | 'store' | 'engine' | 'distance'>;
  readonly network: string;
  readonly stateDir: string;
  readonly controllable: boolean;
  readonly disk: DiskWatch;
  readonly fleet: () => StatusFleet | undefined;
}

/** Follows a miner and assembles its status. */
export class MinerStatusBoard {
  readonly #parts: MinerStatusParts;
  readonly #received = new Map<string, number>();
  readonly #version = packageVersion();
  readonly #notes = new Map<string, string>();
  #address: string | undefined;

  constructor(parts: MinerStatusParts) {
    this.#parts = parts;
    const { events } = parts.assembled.miner;
    events.on('started', ({ address }) => {
      this.#address = address;
    });
    events.on('download', ({ modelId, receivedBytes }) => this.#received.set(modelId, receivedBytes));
    events.on('model', ({ modelId, error, note }) => {
      const text = error?.message ?? note;
      if (text === undefined) this.#notes.delete(modelId);
      else this.#notes.set(modelId, text);
    });
  }

  /** The current status. */
  status(): MinerStatus {
    const { assembled, network, stateDir, controllable, disk, fleet } = this.#parts;
    const { miner, journal, store, engine, distance } = assembled;
    const { name, reason, workers, threads } = engine;
    const models = miner.models.map(({ id, state, sizeBytes }) => ({
      id,
      state,
      sizeBytes,
      receivedBytes: state === 'ready' ? sizeBytes : (this.#received.get(id) ?? 0),
      note: this.#notes.get(id),
    }));
    return {
      at: new Date().toISOString(),
      version: this.#version,
      live: true,
      controllable,
      network,
      stateDir,
      address: this.#address,
      totals: journal.totals(),
      run: this.#run(),
      nodes: this.#nodes(),
      models,
      engine: { name, reason, workers, threads, distances: `${distance.name}, ${distance.detail}` },
      store: { samples: store.sampleCount, bytes: store.bytesOnDisk, diskFreeBytes: disk.freeBytes },
      fleet: fleet(),
    };
  }

  #run(): StatusRun {
    const { miner } = this.#parts.assembled;
    const summary = miner.summary();
    const { durationMs, paused, epoch, openTargets, balanceShannons, samples, scored, hits, submitted } = summary;
    const { samplesPerSecond, rowsScannedPerSecond } = summary;
    return {
      ...{ durationMs, paused, epoch, openTargets, balanceShannons, samples, scored, hits, submitted },
      ...{ samplesPerSecond, rowsScannedPerSecond },
      queued: miner.queued,
      reach: miner.reach,
    };
  }

  /** The checkpoint stream uses the preferred node; for the others only probe results are known. */
  #nodes(): StatusNode[] {
    const { client, miner } = this.#parts.assembled;
    const { contact } = miner;
    if (client.fullnodes.length === 0) {
      const { connected, checkpoint, checkpointAgeMs } = contact;
      return [
        {
          url: client.nodeUrl,
          connected,
          preferred: true,
          latencyMs: undefined,
          checkpoint,
          checkpointAgeMs,
          error: undefined,
        },
      ];
    }
    return client.fullnodes.map(({ url, state, preferred, latencyMs, checkpointHeight, error }) => ({
      url,
      connected: preferred ? contact.connected : state === 'ready',
      preferred,
      latencyMs,
      checkpoint: preferred ? (contact.checkpoint ?? checkpointHeight) : checkpointHeight,
      checkpointAgeMs: preferred ? contact.checkpointAgeMs : undefined,
      error: error?.message,
    }));
  }
}
