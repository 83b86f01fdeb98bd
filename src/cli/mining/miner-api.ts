import type { Config } from '../../config/index.js';
import { QuarryError } from '../../errors/index.js';
import type { AssembledMiner, Miner } from '../../miner/index.js';
import { packageVersion } from '../../package/package-version.js';
import { scalarValue } from '../../soma/chain/index.js';
import type { MinerStatus, Winner } from '../../telemetry/api/api-types.js';
import { type HttpApi, type HttpApiDeps, startHttpApi } from '../../telemetry/api/http-api.js';
import { createMinerMetrics } from '../../telemetry/miner-metrics.js';
import { formatDuration } from '../../text/index.js';
import { openStateReads } from '../dashboard/state-reads.js';

/** Interval of status events, milliseconds. */
const STATUS_EVERY_MS = 1_000;

/**
 * Starts a miner's HTTP API and dashboard, if configured. Close it after the miner has ended.
 *
 * @param status returns the current status
 * @throws QuarryError whatever {@link startHttpApi} throws
 */
export async function startMinerApi(
  config: Pick<Config, 'apiPort' | 'apiHost' | 'apiToken'>,
  { miner, client, journal }: Pick<AssembledMiner, 'miner' | 'client' | 'journal'>,
  stateDir: string,
  status: () => MinerStatus,
): Promise<HttpApi | undefined> {
  if (config.apiPort === undefined) return undefined;
  const { events } = miner;
  const metrics = createMinerMetrics(
    () => miner.summary(),
    packageVersion(),
    () => {
      const { epoch } = miner.summary();
      const due = epoch === undefined ? undefined : journal.claims.countDue(epoch);
      return { status: status(), claimable: { due, bondsOutShannons: journal.claims.bondsOut() } };
    },
  );
  events.on('submitted', ({ latencyMs }) => metrics.observeSubmitted(latencyMs));
  events.on('outcome', ({ outcome, latencyMs }) => metrics.observeOutcome(outcome.kind, latencyMs));
  const { reads, has, close } = openStateReads(stateDir, status);
  try {
    const api = await startHttpApi(
      { port: config.apiPort, host: config.apiHost, token: config.apiToken },
      {
        version: packageVersion(),
        metrics: metrics.text,
        summary: () => miner.summary(),
        health: () => ({ fullnode: miner.contact.lostMs === undefined ? 'ok' : 'lost' }),
        ready: () => readiness(miner),
        control: miner,
        events: feedOf(miner, status),
        reads: {
          ...reads,
          winner: async (targetId) => ((await has(targetId)) ? await winnerOf(client, targetId) : undefined),
        },
      },
    );
    return {
      url: api.url,
      close: async () => {
        await api.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function readiness(miner: Miner): { ready: boolean; reason?: string | undefined } {
  const { epoch, fullnodeLostMs, paused } = miner.summary();
  if (epoch === undefined) return { ready: false, reason: 'the network has not answered yet' };
  if (fullnodeLostMs !== undefined) {
    return { ready: false, reason: `fullnode lost for ${formatDuration(fullnodeLostMs)}` };
  }
  return paused ? { ready: false, reason: 'paused' } : { ready: true };
}

/** The node prunes claimed targets and then knows no more than the journal. */
async function winnerOf(client: AssembledMiner['client'], targetId: string): Promise<Winner | undefined> {
  try {
    const { target } = await client.getStoredTarget(targetId);
    const { status, submitter, winningDistanceScore: score } = target;
    return { status: status.kind, submitter, distance: score === undefined ? undefined : scalarValue(score) };
  } catch (error) {
    if (error instanceof QuarryError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

function feedOf(miner: Miner, status: () => MinerStatus): NonNullable<HttpApiDeps['events']> {
  return (send) => {
    const tell = (): void => {
      send('summary', miner.summary());
      send('status', status());
    };
    const onOutcome = ({ outcome, ...rest }: { outcome: { kind: string } }): void => {
      send('outcome', { at: new Date().toISOString(), ...rest, ...outcome, outcome: outcome.kind });
    };
    miner.events.on('outcome', onOutcome);
    const timer = setInterval(tell, STATUS_EVERY_MS).unref();
    tell();
    return () => {
      clearInterval(timer);
      miner.events.off('outcome', onOutcome);
    };
  };
}
