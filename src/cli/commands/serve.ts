import { Command } from 'commander';
import type { QuarryError } from '../../errors/index.js';
import type { CliContext } from '../context.js';
import { fleetOf } from '../mining/fleet-settings.js';
import { examples, say, sayJson, tell } from '../print.js';
import { startScoringServer } from '../scoring-server.js';
import { addSettings, configOf, ENGINE_SETTINGS } from '../settings-options.js';
import { stateDirOf } from '../state-dir.js';
import { untilInterrupted } from '../until-interrupted.js';

const FLEET_SETTINGS = ['nats', 'natsCreds', 'natsCa', 'natsReplicas', 'fleet', 'verifyShare', 'shareWeights'] as const;

/** `quarry serve`. */
export function serveCommand(context: CliContext): Command {
  const command = new Command('serve')
    .description(
      "serve the network's Scoring service, like `soma start scoring`, with an engine of this machine or a fleet",
    )
    .option('--json', 'the address as one JSON line')
    .addHelpText(
      'after',
      `${examples('serve', 'serve --serve-host 0.0.0.0 --serve-port 9124', 'serve --engine fleet --nats nats://10.0.0.5:4222 --fleet serve')}

On loopback, data and weights may be on this machine. Beyond it only public addresses are fetched, and every call must
carry the token of QUARRY_API_TOKEN as "authorization: Bearer …"; put TLS in front. Scores are kept below --state-dir and
answer repeated data, also after a restart. A fleet has one coordinator: beside a
miner that uses a fleet, give this one another name with --fleet.`,
    );
  addSettings(command, [
    'serveHost',
    'servePort',
    'serveStoreMib',
    'maxModels',
    'stateDir',
    ...ENGINE_SETTINGS,
    ...FLEET_SETTINGS,
  ]);
  return command.action(async (flags: { json?: boolean | undefined }) => {
    const config = await configOf(context, { ...flags });
    const { serveHost: host, servePort: port } = config;
    const onWarning = ({ message }: QuarryError): void => tell(context, `warning  ${message}`);
    const serving = await startScoringServer(context, config, {
      dir: stateDirOf(config, context.env),
      host,
      port,
      portFlag: '--serve-port',
      storeBytes: config.serveStoreMib * 2 ** 20,
      overEngine: fleetOf(config, context.signal, onWarning)?.minerOptions.overEngine,
    });
    try {
      if (flags.json) sayJson(context, { url: serving.url });
      else say(context, `scoring service at ${serving.url}; Ctrl-C stops`);
      await untilInterrupted(context.signal);
    } finally {
      await serving.close();
    }
  });
}
