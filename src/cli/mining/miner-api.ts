import type { Config } from '../../config/index.js';
import type { Miner } from '../../miner/index.js';
import { type HttpApi, type HttpApiDeps, startHttpApi } from '../../telemetry/http-api.js';
import { createMinerMetrics } from '../../telemetry/miner-metrics.js';
import { versionOf } from '../version.js';

/** How often a reader of the events gets the whole summary, milliseconds. */
const SUMMARY_EVERY_MS = 1_000;

/**
 * The HTTP API of a miner, where the settings ask for one. Close it when the miner has ended.
 *
 * @throws QuarryError what {@link startHttpApi} throws
 */
export async function startMinerApi(
  config: Pick<Config, 'apiPort' | 'apiHost' | 'apiToken'>,
  miner: Miner,
): Promise<HttpApi | undefined> {
  if (config.apiPort === undefined) return undefined;
  const { events } = miner;
  const metrics = createMinerMetrics(() => miner.summary(), versionOf());
  events.on('submitted', ({ latencyMs }) => metrics.observeSubmitted(latencyMs));
  events.on('outcome', ({ outcome, latencyMs }) => metrics.observeOutcome(outcome.kind, latencyMs));
  return startHttpApi(
    { port: config.apiPort, host: config.apiHost, token: config.apiToken },
    {
      metrics: metrics.text,
      summary: () => miner.summary(),
      ready: () => readiness(miner),
      control: miner,
      events: feedOf(miner),
    },
  );
}

function readiness(miner: Miner): { ready: boolean; reason?: string | undefined } {
  const { epoch, paused } = miner.summary();
  if (epoch === undefined) return { ready: false, reason: 'the network has not answered yet' };
  return paused ? { ready: false, reason: 'paused' } : { ready: true };
}

function feedOf(miner: Miner): NonNullable<HttpApiDeps['events']> {
  return (send) => {
    const tell = (): void => send('summary', miner.summary());
    const onOutcome = ({ outcome, ...rest }: { outcome: { kind: string } }): void => {
      send('outcome', { at: new Date().toISOString(), ...rest, ...outcome, outcome: outcome.kind });
    };
    miner.events.on('outcome', onOutcome);
    const timer = setInterval(tell, SUMMARY_EVERY_MS).unref();
    tell();
    return () => {
      clearInterval(timer);
      miner.events.off('outcome', onOutcome);
    };
  };
}
