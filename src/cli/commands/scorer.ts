import { hostname } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { QuarryError } from '../../errors/index.js';
import { KeptRows, type PublishedModel, RowKeeper, readSharedWeights, ScorerNode } from '../../fleet/index.js';
import { childSignal } from '../../net/index.js';
import type { CliContext } from '../context.js';
import { openLocalModels } from '../local-models.js';
import { fleetConnection } from '../mining/fleet-settings.js';
import { examples, tell } from '../print.js';
import { addSettings, configOf, ENGINE_SETTINGS } from '../settings-options.js';
import { stateDirOf } from '../state-dir.js';

/** Keeps batches to a few seconds of work, far below the server's acknowledgement timeout. */
const LIMITS = { mostSamples: 128, batchMs: 500 };

/** `quarry scorer`. */
export function scorerCommand(context: CliContext): Command {
  const command = new Command('scorer')
    .description('score for a coordinator elsewhere, over NATS, until stopped')
    .option('--allow-loopback', 'also fetch weights from this machine, for networks that run on it')
    .addHelpText(
      'after',
      `${examples('scorer --nats nats://10.0.0.5:4222', 'scorer --nats tls://nats.example.com --nats-creds scorer.creds')}

It fetches, verifies and packs the requested models below --state-dir, holds no wallet, and may be killed at any moment:
its unfinished work is scored elsewhere. With --keep-rows it keeps samples and scores, and matches them for the coordinator.`,
    );
  addSettings(command, [
    'nats',
    'natsCreds',
    'natsCa',
    'natsReplicas',
    'fleet',
    'stateDir',
    'maxModels',
    'keepRows',
    ...ENGINE_SETTINGS,
  ]);
  return command.action(async (flags: { allowLoopback?: boolean | undefined }) => {
    const config = await configOf(context, { ...flags });
    if (config.engine === 'fleet') throw new QuarryError('USAGE', 'a scorer needs an engine of its own machine');
    const fleet = await fleetConnection(config, 'scorer', context.signal);
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
      const onWarning = (error: QuarryError): void => tell(context, `warning  ${error.message}`);
      const { models } = local;
      const known = (): readonly PublishedModel[] => node.known;
      const rows = config.keepRows ? new KeptRows(join(stateDir, 'rows'), { models, known, onWarning }) : undefined;
      const keptRows = rows && (() => rows.count);
      const node: ScorerNode = new ScorerNode(
        { ...LIMITS, label: () => label, keptRows, onWarning },
        { fleet, models },
      );
      tell(context, `scorer ${node.id} of fleet ${config.fleet}; Ctrl-C stops`);
      await runBoth(
        node,
        rows && new RowKeeper({ ...LIMITS, scorer: node.id, onWarning }, { fleet, rows }),
        context.signal,
      );
      tell(context, `scored ${node.status.samples} samples`);
    } finally {
      await local.close();
      await fleet.close();
    }
  });
}

/** Runs the scorer and, if there is one, the row keeper; when one of them ends, so does the other. */
async function runBoth(node: ScorerNode, keeper: RowKeeper | undefined, signal: AbortSignal): Promise<void> {
  const ended = new AbortController();
  const link = childSignal(signal, ended.signal);
  const until = link.signal;
  const end = (): void => ended.abort();
  const results = await Promise.allSettled([node.run(until).finally(end), keeper?.run(until).finally(end)]);
  link.close();
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
