import type { Config } from '../../config/index.js';
import type { QuarryError } from '../../errors/index.js';
import type { Miner } from '../../miner/index.js';
import { type NotifyTemplate, WebhookNotifier } from '../../notify/index.js';
import type { DiskWatch } from '../dashboard/disk-watch.js';
import { MinerNotices } from './miner-notices.js';

const MINUTE_MS = 60_000;

/** The configured webhook, validated; `undefined` if there is none. */
export function webhookOf(
  config: Pick<Config, 'notifyUrl' | 'notifyTemplate' | 'notifyQuietMinutes' | 'network'>,
  address: string,
  onFailure: (error: QuarryError) => void,
): WebhookNotifier | undefined {
  if (config.notifyUrl === undefined) return undefined;
  return new WebhookNotifier(
    {
      url: config.notifyUrl,
      template: config.notifyTemplate as NotifyTemplate,
      quietMs: config.notifyQuietMinutes * MINUTE_MS,
      from: { network: config.network, address },
    },
    { onFailure },
  );
}

/** Sends notices about a miner to a webhook. Close the result after the miner has ended. */
export function notifyOwner(
  webhook: WebhookNotifier | undefined,
  miner: Miner,
  disk: Pick<DiskWatch, 'freeBytes'>,
  idleMinutes: number,
): { close(): Promise<void> } {
  if (webhook === undefined) return { close: async () => {} };
  const now = performance.now.bind(performance);
  const notices = new MinerNotices(
    { idleMs: idleMinutes * MINUTE_MS, now },
    (notice) => webhook.notify(notice),
    (kind) => webhook.withdraw(kind),
  );
  notices.follow(miner);
  const look = setInterval(() => notices.disk(disk.freeBytes), MINUTE_MS).unref();
  notices.disk(disk.freeBytes);
  return {
    async close() {
      clearInterval(look);
      await webhook.close();
    },
  };
}
