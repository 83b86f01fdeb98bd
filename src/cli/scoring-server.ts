import { join } from 'node:path';
import type { Config } from '../config/index.js';
import { ScoringService, serveScoring } from '../fleet/index.js';
import { isLoopbackHost } from '../http/index.js';
import type { CliContext } from './context.js';
import { type LocalModelsOptions, openLocalModels } from './local-models.js';
import { tell } from './print.js';

/** The network's limits, with room: a target names three models. */
const LIMITS = { maxDataBytes: 2 ** 20, maxModels: 16, batch: 64, remembered: 20_000 };

/**
 * Serves the network's Scoring service with an engine of this machine, or one put over it; weights and packed models lie below
 * a directory.
 *
 * @throws QuarryError what opening the port throws
 */
export async function startScoringServer(
  context: CliContext,
  config: Config,
  {
    dir,
    host,
    port,
    overEngine,
  }: { readonly dir: string; readonly host: string; readonly port: number } & Pick<LocalModelsOptions, 'overEngine'>,
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const local = openLocalModels(context, config, join(dir, 'serve'), {
    loopback: isLoopbackHost(host),
    overEngine,
    onEngine: ({ name, reason }) => tell(context, `engine ${name}: ${reason}`),
  });
  try {
    const serving = await serveScoring({ host, port, token: config.apiToken }, new ScoringService(LIMITS, local));
    return {
      url: serving.url,
      close: async () => {
        await serving.close();
        await local.close();
      },
    };
  } catch (error) {
    await local.close();
    throw error;
  }
}
