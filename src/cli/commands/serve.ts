import { once } from 'node:events';
import { join } from 'node:path';
import { Command } from 'commander';
import { ScoringService, serveScoring } from '../../fleet/index.js';
import { isLoopbackHost } from '../../http/index.js';
import type { CliContext } from '../context.js';
import { openLocalModels } from '../local-models.js';
import { examples, say, sayJson, tell } from '../print.js';
import { addSettings, configOf, ENGINE_SETTINGS } from '../settings-options.js';
import { stateDirOf } from '../state-dir.js';

/** The network's limits, with room: a target names three models. */
const LIMITS = { maxDataBytes: 2 ** 20, maxModels: 16, batch: 64, remembered: 20_000 };

/** `quarry serve`. */
export function serveCommand(context: CliContext): Command {
  const command = new Command('serve')
    .description("serve the network's Scoring service, as `soma start scoring` does, with an engine of this machine")
    .option('--json', 'the address as one JSON line')
    .addHelpText(
      'after',
      `${examples('serve', 'serve --serve-host 0.0.0.0 --serve-port 9124')}

On loopback, data and weights may lie on this machine. Beyond it only public addresses are fetched, and every call must
carry the token of QUARRY_API_TOKEN as "authorization: Bearer …"; put TLS in front.`,
    );
  addSettings(command, ['serveHost', 'servePort', 'maxModels', 'stateDir', ...ENGINE_SETTINGS]);
  return command.action(async (flags: { json?: boolean | undefined }) => {
    const config = await configOf(context, { ...flags });
    const { serveHost: host, servePort: port, apiToken } = config;
    const stateDir = join(stateDirOf(config, context.env), 'serve');
    const local = openLocalModels(context, config, stateDir, {
      loopback: isLoopbackHost(host),
      onEngine: ({ name, reason }) => tell(context, `engine ${name}: ${reason}`),
    });
    try {
      const service = new ScoringService(LIMITS, local);
      const serving = await serveScoring({ host, port, token: apiToken }, service);
      try {
        if (flags.json) sayJson(context, { url: serving.url });
        else say(context, `scoring service at ${serving.url}; Ctrl-C stops`);
        if (!context.signal.aborted) await once(context.signal, 'abort');
      } finally {
        await serving.close();
      }
    } finally {
      await local.close();
    }
  });
}
