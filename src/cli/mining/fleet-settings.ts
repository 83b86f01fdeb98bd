import type { Config } from '../../config/index.js';
import { QuarryError, toQuarryError } from '../../errors/index.js';
import {
  type FleetConnection,
  FleetEngine,
  type FleetRows,
  type FleetStatus,
  fleetStatus,
  openFleet,
} from '../../fleet/index.js';
import type { CreateMinerOptions } from '../../miner/index.js';
import { unlessAborted } from '../../net/index.js';
import type { StatusFleet } from '../../telemetry/api/api-types.js';

/** A fleet used by a miner. */
export interface MinerFleet {
  readonly minerOptions: Pick<CreateMinerOptions, 'overEngine' | 'batchSize' | 'farRows'>;
  /** The fleet's counters, for the summary. */
  summary(): { readonly fleet: StatusFleet } | undefined;
}

/** Samples given to the fleet at a time: enough for many scorers. */
const IN_FLIGHT = 256;

/**
 * The fleet configured by `--engine fleet` or `--nats`.
 *
 * @param signal ends the first connection to the server
 * @throws QuarryError `CONFIG_MISSING` when a fleet is requested without a server, `CONFIG_INVALID` for a share above 1
 */
export function fleetOf(
  config: Config,
  signal: AbortSignal,
  onWarning: (error: QuarryError) => void,
): MinerFleet | undefined {
  if (config.engine !== 'fleet' && config.nats === undefined) return undefined;
  serverOf(config);
  const { verifyShare, shareWeights, keepRows, gatherMs } = config;
  if (verifyShare > 1) throw new QuarryError('CONFIG_INVALID', '--verify-share is a share: 0 to 1');
  let engine: FleetEngine | undefined;
  let rows: FleetRows | undefined;
  return {
    minerOptions: {
      batchSize: IN_FLIGHT,
      overEngine: async (local) => {
        const fleet = await fleetConnection(config, 'coordinator', signal);
        engine = await FleetEngine.open(
          { verifyShare, shareWeights, onWarning, scoreHere: config.engine !== 'fleet' },
          { fleet, local },
        );
        rows = await engine.rows({ gatherMs, keepThere: keepRows });
        return engine;
      },
      farRows: () => rows,
    },
    summary: () => {
      if (engine === undefined || rows === undefined) return undefined;
      const { scorers, samples, redelivered, leftOut } = engine.stats;
      return { fleet: { scorers, samples, redelivered, leftOut, ...rows.stats, ...liveOf(engine.status) } };
    },
  };
}

/** Live scorers and queue, for the status and metrics. */
function liveOf(status: FleetStatus | undefined): Pick<StatusFleet, 'live' | 'queued'> {
  if (status === undefined) return {};
  const now = Date.now();
  const live = status.scorers.map(({ id, label, samples, samplesPerSecond, models, seenAt }) => {
    return { id, label, samples, samplesPerSecond, models: models.length, seenAgoMs: Math.max(0, now - seenAt) };
  });
  return { live, queued: status.queued };
}

/**
 * Connects to the configured fleet.
 *
 * @param signal ends the attempt, not the connection
 */
export async function fleetConnection(config: Config, role: string, signal: AbortSignal): Promise<FleetConnection> {
  const options = {
    url: serverOf(config),
    fleet: config.fleet,
    name: `quarry ${role}`,
    credentials: config.natsCreds,
    caFile: config.natsCa,
    replicas: config.natsReplicas,
  };
  return openFleet(options, signal);
}

/** The configured fleet's current state, and its server's version. The signal ends the requests. */
export async function readFleet(
  config: Config,
  role: string,
  signal: AbortSignal,
): Promise<FleetStatus & { readonly version: string }> {
  const fleet = await fleetConnection(config, role, signal);
  try {
    const status = await unlessAborted(fleetStatus(fleet), "reading the fleet's state", signal);
    return { ...status, version: fleet.nc.info?.version ?? '?' };
  } finally {
    await fleet.close();
  }
}

/** Checks whether the server responds and can hold a fleet. */
export async function fleetProbe(
  config: Config,
  signal: AbortSignal,
): Promise<{ readonly available: boolean; readonly detail: string }> {
  try {
    const { version, scorers, queued } = await readFleet(config, 'doctor', signal);
    return {
      available: true,
      detail: `nats-server ${version}, JetStream, ${scorers.length} scorers, ${queued} queued`,
    };
  } catch (error) {
    const failure = toQuarryError(error, 'asking the NATS server');
    if (failure.code === 'ABORTED') throw failure;
    return { available: false, detail: `${failure.message}${failure.hint === undefined ? '' : `; ${failure.hint}`}` };
  }
}

function serverOf(config: Config): string {
  if (config.nats !== undefined) return config.nats;
  throw new QuarryError('CONFIG_MISSING', 'a fleet needs a NATS server', {
    hint: 'name it with --nats nats://host:4222; start one with: nats-server -js -sd DIR',
  });
}
