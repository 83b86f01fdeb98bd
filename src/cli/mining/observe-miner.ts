import type { Config } from '../../config/index.js';
import type { QuarryError } from '../../errors/index.js';
import type { AssembledMiner } from '../../miner/index.js';
import type { WebhookNotifier } from '../../notify/index.js';
import type { StatusFleet } from '../../telemetry/api/api-types.js';
import { DiskWatch } from '../dashboard/disk-watch.js';
import { MinerStatusBoard } from '../dashboard/miner-status.js';
import { recordVitals } from '../dashboard/vitals-recorder.js';
import { startMinerApi } from './miner-api.js';
import { notifyOwner } from './notify-owner.js';

export interface ObserveOptions {
  readonly stateDir: string;
  readonly fleet: () => StatusFleet | undefined;
  /** Notifies an operator. */
  readonly webhook: WebhookNotifier | undefined;
  readonly onWarning: (error: QuarryError) => void;
}

/** The services that make a miner observable. */
export interface Observation {
  /** URL of the HTTP API, if there is one. */
  readonly url: string | undefined;
  close(): Promise<void>;
}

/**
 * Records a miner's vitals and starts its HTTP API if configured. Close it after the miner has ended.
 *
 * @throws QuarryError whatever {@link startMinerApi} throws
 */
export async function observeMiner(
  config: Pick<Config, 'apiPort' | 'apiHost' | 'apiToken' | 'network' | 'notifyIdleMinutes'>,
  assembled: AssembledMiner,
  { stateDir, fleet, webhook, onWarning }: ObserveOptions,
): Promise<Observation> {
  const disk = new DiskWatch(stateDir);
  await disk.look();
  const controllable = (config.apiToken ?? '') !== '';
  const board = new MinerStatusBoard({ assembled, network: config.network, stateDir, controllable, disk, fleet });
  const status = () => board.status();
  const endVitals = recordVitals(stateDir, assembled.miner, status, onWarning);
  const notices = notifyOwner(webhook, assembled.miner, disk, config.notifyIdleMinutes);
  const close = async (): Promise<void> => {
    endVitals();
    await notices.close();
    disk.close();
  };
  try {
    const api = await startMinerApi(config, assembled, stateDir, status);
    return {
      url: api?.url,
      close: async () => {
        await api?.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}
