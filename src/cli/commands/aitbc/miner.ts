import { Command, Option } from 'commander';
import {
  AITBCMiner,
  type MinerEvent,
  receiptDirectory,
  SERVICE_CAPABILITIES,
  scoringHandler,
  toWire,
} from '../../../aitbc/index.js';
import type { ScoringEngine } from '../../../engine/contract.js';
import { QuarryError } from '../../../errors/index.js';
import { ensureWritableDirectory } from '../../../files/writable-directory.js';
import { formatDuration, plainText, toJsonLine } from '../../../text/index.js';
import type { ModelConfigName } from '../../../weights/model-config.js';
import type { CliContext } from '../../context.js';
import { positiveInteger, waitMs } from '../../parse-argument.js';
import {
  type ConnectionFlags,
  pinsOf,
  readObject,
  settingsOf,
  withClient,
  withConnection,
  withPins,
} from './connection.js';
import { example } from './jobs.js';
import { printRecord, say, tell } from './print.js';
import { openScorer } from './scorer.js';

interface RunFlags extends ConnectionFlags {
  readonly minerId: string;
  readonly region?: string | undefined;
  readonly concurrency: number;
  readonly capabilities?: string | undefined;
  readonly receiptsDir: string;
  readonly maxJobs?: number | undefined;
  readonly weights?: string | undefined;
  readonly modelConfig: ModelConfigName;
  readonly pollMs: number;
}

/** `quarry aitbc miner`. */
export function minerCommand(context: CliContext, createEngine?: () => Promise<ScoringEngine>): Command {
  const miner = new Command('miner').description('mine: take jobs, execute them, keep the receipts').helpCommand(false);

  withConnection(miner.command('stats <miner-id>').description('statistics of a miner'))
    .addHelpText(
      'after',
      `\nOn a live-key coordinator the id of a miner is the API key it registers with: that generation has no public name.\n${example('miner stats miner_1234567890')}`,
    )
    .action((minerId: string, flags: ConnectionFlags) =>
      withClient(context, flags, async (client) => {
        printRecord(context, await client.miners.getStats(minerId, { signal: context.signal }), flags);
      }),
    );

  withPins(withConnection(miner.command('run').description('take scoring jobs until interrupted')))
    .requiredOption('--miner-id <name>', 'the public name of this miner')
    .option('--region <name>', 'the region of this miner')
    .option('--concurrency <n>', 'jobs at a time', positiveInteger, 1)
    .option('--capabilities <file>', 'capabilities that the scheduler matches jobs against, as JSON')
    .option('--receipts-dir <dir>', 'where receipts are kept', 'aitbc-receipts')
    .option('--max-jobs <n>', 'stop after this many jobs', positiveInteger)
    .option('--weights <file>', 'safetensors file of the model (default: a small demo model)')
    .addOption(
      new Option('--model-config <name>', 'shape of the model').choices(['small', 'medium', 'v1']).default('small'),
    )
    .option('--poll-ms <n>', 'polling interval', waitMs, 3_000)
    .addHelpText('after', `\nThe miner key comes from AITBC_MINER_KEY.\n${example('miner run --miner-id my-gpu-1')}`)
    .action(async (flags: RunFlags) => {
      const config = await settingsOf(context, flags);
      const { aitbcMinerKey: apiKey, aitbcMinerToken: token, aitbcBaseUrl: baseUrl } = config;
      if (apiKey === undefined && token === undefined) {
        throw new QuarryError('CONFIG_MISSING', 'no miner key', { hint: 'set AITBC_MINER_KEY (or AITBC_MINER_TOKEN)' });
      }
      const capabilities =
        flags.capabilities === undefined ? SERVICE_CAPABILITIES : await readObject(flags.capabilities, context);
      // Before the first job: its receipt could not be kept.
      ensureWritableDirectory(flags.receiptsDir);
      const scorer = await openScorer({
        modelConfig: flags.modelConfig,
        signal: context.signal,
        createEngine,
        weights: flags.weights,
      });
      const aitbcMiner = new AITBCMiner(
        {
          minerId: flags.minerId,
          concurrency: flags.concurrency,
          capabilities,
          pollMs: flags.pollMs,
          timeoutMs: config.timeoutSeconds * 1000,
          verify: pinsOf(config),
          apiKey,
          token,
          baseUrl,
          region: flags.region,
        },
        {
          handler: scoringHandler(scorer.score, { model: scorer.name }),
          receipts: receiptDirectory(flags.receiptsDir),
          onEvent: (event) => report(context, event, flags),
        },
      );
      try {
        tell(context, `scoring with ${scorer.name}`);
        const totals = await aitbcMiner.run({
          signal: context.signal,
          maxJobs: flags.maxJobs,
        });
        if (flags.json) say(context, toJsonLine({ type: 'done', ...totals }));
        else
          tell(
            context,
            `${totals.taken} jobs: ${totals.completed} completed, ${totals.failed} failed, ${totals.unknown} unknown`,
          );
      } finally {
        await aitbcMiner.close();
        await scorer.close();
      }
    });
  return miner;
}

function report(context: CliContext, event: MinerEvent, flags: RunFlags): void {
  if (flags.json) {
    if (event.type === 'idle') return;
    const plain = 'error' in event ? { ...event, error: event.error.message } : event;
    say(context, toJsonLine(flags.camel ? plain : toWire(plain)));
    return;
  }
  if (event.type === 'trouble') tell(context, plainText(`trouble ${event.doing}: ${event.error.message}`));
  const line = lineOf(event);
  if (line !== undefined) say(context, plainText(line));
}

function lineOf(event: MinerEvent): string | undefined {
  switch (event.type) {
    case 'job':
      return `job       ${event.jobId}`;
    case 'completed': {
      const { verification } = event;
      const receipt =
        verification === undefined
          ? 'no receipt'
          : `receipt ${verification.verified ? 'verified' : 'DOES NOT VERIFY'}${verification.trusted ? ', trusted' : ''}`;
      return `accepted  ${event.jobId} (${formatDuration(event.durationMs)}, ${receipt})`;
    }
    case 'failed':
      return `failed    ${event.jobId} "${event.message}"`;
    case 'unknown':
      return `unknown   ${event.jobId} "${event.error.message}"`;
    default:
      return undefined;
  }
}
