import { join } from 'node:path';
import type { Config } from '../config/index.js';
import { toQuarryError } from '../errors/index.js';
import { assertTokenBeyondLoopback, ScoringService, ServedScores, serveScoring } from '../fleet/index.js';
import { isLoopbackHost } from '../net/index.js';
import type { CliContext } from './context.js';
import { type LocalModelsOptions, openLocalModels } from './local-models.js';
import { assertFree } from './mining/check-ports.js';
import { tell } from './print.js';

/** The network's limits, with a margin: a target has three models. */
const LIMITS = { maxDataBytes: 2 ** 20, maxModels: 16, batch: 64, remembered: 20_000 };

/** Where the service listens and what it stores. */
export interface ScoringServerOptions extends Pick<LocalModelsOptions, 'overEngine'> {
  readonly dir: string;
  readonly host: string;
  readonly port: number;
  /** The port's flag, named in errors. */
  readonly portFlag: string;
  /** Disk limit in bytes for stored scores, which answer repeated data. 0 stores none. */
  readonly storeBytes: number;
}

/**
 * Serves the network's Scoring service with a local engine, or one on top of it. Weights, packed models and scores are
 * stored below a directory, which is not created where the port cannot be opened.
 *
 * @throws QuarryError whatever opening the port throws
 */
export async function startScoringServer(
  context: CliContext,
  config: Config,
  { dir, host, port, portFlag, storeBytes, overEngine }: ScoringServerOptions,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  assertTokenBeyondLoopback({ host, token: config.apiToken });
  await assertFree(portFlag, port, host);
  const kept = storeBytes === 0 ? undefined : await openScores(context, join(dir, 'serve', 'scores'), storeBytes);
  const local = openLocalModels(context, config, join(dir, 'serve'), {
    loopback: isLoopbackHost(host),
    overEngine,
    onEngine: ({ name, reason }) => tell(context, `engine ${name}: ${reason}`),
    onWithdrawn: (manifest, checksums) => void service.withdraw(manifest, checksums),
  });
  const service = new ScoringService(LIMITS, { ...local, kept });
  const release = async (): Promise<void> => {
    await local.close();
    await kept?.close();
  };
  try {
    const serving = await serveScoring({ host, port, token: config.apiToken }, service);
    return {
      url: serving.url,
      close: async () => {
        await serving.close();
        await release();
      },
    };
  } catch (error) {
    await release();
    throw error;
  }
}

/** Opens stored scores; if that fails, warns and works without them. */
async function openScores(context: CliContext, dir: string, mostBytes: number): Promise<ServedScores | undefined> {
  const warn = (error: unknown): void => {
    tell(context, `warning  scores are not kept: ${toQuarryError(error, 'keeping scores').message}`);
  };
  try {
    return await ServedScores.open({ dir, mostBytes, onWarning: warn });
  } catch (error) {
    warn(error);
    return undefined;
  }
}
