import { hostname } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { QuarryError } from '../../errors/index.js';
import { readSharedWeights, ScorerNode } from '../../fleet/index.js';
import type { CliContext } from '../context.js';
import { openLocalModels } from '../local-models.js';
import { fleetConnection } from '../mining/fleet-settings.js';
import { examples, tell } from '../print.js';
import { addSettings, configOf, ENGINE_SETTINGS } from '../settings-options.js';
import { stateDirOf } from '../state-dir.js';

/** Batches stay below a few seconds' work and well below the server's patience. */
const LIMITS = { mostSamples: 128, batchMs: 500 };

/** `quarry scorer`. */
export function scorerCommand(context: CliContext): Command {
  const command = new Command('scorer')
    .description('score for a coordinator elsewhere, over NATS, until stopped')
    .option('--allow-loopback', 'fetch weights from this machine too: for networks that run on it')
    .addHelpText(
      'after',
      `${examples('scorer --nats nats://10.0.0.5:4222', 'scorer --nats tls://nats.example.com --nats-creds scorer.creds')}

It fetches, verifies and packs the models it is asked for below --state-dir, holds no wallet and no samples, and may be
killed at any moment: what it had in hand is scored elsewhere.`,
    );
  addSettings(command, [
    'nats',
    'natsCreds',
    'natsCa',
    'natsReplicas',
    'fleet',
    'stateDir',
    'maxModels',
    ...ENGINE_SETTINGS,
  ]);
  return command.action(async (flags: { allowLoopback?: boolean | undefined }) => {
    const config = await configOf(context, { ...flags });
    if (config.engine === 'fleet') throw new QuarryError('USAGE', 'a scorer scores with an engine of its own machine');
    const fleet = await fleetConnection(config, 'scorer');
    const stateDir = join(stateDirOf(config, context.env), 'scorer');
    let label = hostname();
    const local = openLocalModels(context, config, stateDir, {
      loopback: flags.allowLoopback ?? false,
      nearby: (manifest, signal) => readSharedWeights(fleet, manifest, signal),
      onEngine: ({ name, reason }) => {
        label = `${hostname()} ${name}`;
        tell(context, `engine ${name}: ${reason}`);
      },
    });
    try {
      const node = new ScorerNode(
        { ...LIMITS, label: () => label, onWarning: (error) => tell(context, `warning  ${error.message}`) },
        { fleet, models: local.models },
      );
      tell(context, `scorer ${node.id} of fleet ${config.fleet}; Ctrl-C stops`);
      await node.run(context.signal);
      tell(context, `scored ${node.status.samples} samples`);
    } finally {
      await local.close();
      await fleet.close();
    }
  });
}
