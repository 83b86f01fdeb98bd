import { Command, Option } from 'commander';
import { QuarryError } from '../../errors/index.js';
import { exportStore, type ModelKey, type Store, storeInfo, verifyStore } from '../../store/index.js';
import { formatBytes } from '../../text/index.js';
import type { CliContext } from '../context.js';
import { openNetworkStore } from '../network-store.js';
import { integerArgument } from '../parse-argument.js';
import { examples, printRecord, say, sayJson } from '../print.js';
import { configOf } from '../settings-options.js';
import { type SessionFlags, withNetwork } from '../soma-session.js';
import { addTableFlags, printTable, type TableFlags } from '../table.js';
import { showReach } from './store/reach.js';
import { addNetworkStoreCommands } from './store/with-network.js';

/** `quarry store`. */
export function storeCommand(context: CliContext): Command {
  const store = new Command('store').description('inspect and maintain the embedding store of a miner');
  const command = (usage: string, description: string): Command =>
    withNetwork(store.command(usage).description(description), ['stateDir']);

  addTableFlags(command('info', 'show the contents of the store'))
    .addHelpText('after', examples('store info', 'store info --state-dir ./state --json'))
    .action((flags: SessionFlags & TableFlags) =>
      reading(context, flags, async (opened) => info(context, flags, opened)),
    );

  command('verify', 'read everything and check every checksum')
    .addHelpText('after', examples('store verify'))
    .action((flags: SessionFlags) =>
      reading(context, flags, async (opened) => {
        const { samples, rows, faults } = await verifyStore(opened, { signal: context.signal });
        printRecord(context, flags, { samples, rows, faults }, [
          ['samples', samples],
          ['rows', rows],
          ['faults', faults.length],
          ...faults
            .slice(0, 20)
            .map((fault): [string, unknown] => ['', `${fault.kind} ${fault.index} ${fault.model?.checksum ?? ''}`]),
        ]);
        if (faults.length === 0) return;
        throw new QuarryError('STORE_CORRUPT', `the store has ${faults.length} damaged records`, {
          hint: 'damaged samples are scored again when a miner opens the store; see --json for the list',
        });
      }),
    );

  command('export', 'every sample with its scores as one JSON object per line')
    .addOption(new Option('--bytes', 'include the sample, base64'))
    .option('--embeddings', 'include the embeddings')
    .addHelpText('after', examples('store export --embeddings > rows.ndjson'))
    .action((flags: SessionFlags & { bytes?: boolean | undefined; embeddings?: boolean | undefined }) =>
      reading(context, flags, async (opened) => {
        const { bytes = false, embeddings = false } = flags;
        const lines = exportStore(opened, { bytes, embeddings, signal: context.signal });
        for await (const line of lines) {
          if (!context.stdout.write(`${line}\n`)) await new Promise((resolve) => context.stdout.once('drain', resolve));
        }
      }),
    );

  addTableFlags(command('reach', 'show the share of random targets that the stored samples answer, alone and composed'))
    .option('--targets <n>', 'random targets, 1 to 10000', '200')
    .addHelpText('after', examples('store reach', 'store reach --targets 1000 --json'))
    .action((flags: SessionFlags & TableFlags & { targets: string }) => {
      const count = integerArgument(flags.targets, '--targets', 1, 10_000);
      return reading(context, flags, async (opened) => showReach(context, flags, opened, count));
    });

  addNetworkStoreCommands(command, context);
  return store;
}

/** Opens the store read-only, alongside its writer. */
async function reading(context: CliContext, flags: SessionFlags, use: (store: Store) => Promise<void>): Promise<void> {
  const store = await openNetworkStore(context, await configOf(context, { ...flags }), { readonly: true });
  try {
    await use(store);
  } finally {
    await store.close();
  }
}

function info(context: CliContext, flags: SessionFlags & TableFlags, store: Store): void {
  const { models, ...counts } = storeInfo(store);
  if (flags.json) {
    const rows = models.map(({ model, ...rest }) => ({ ...model, ...rest }));
    sayJson(context, { ...counts, models: rows });
    return;
  }
  printRecord(context, flags, counts, [
    ['store', counts.dir],
    ['samples', `${counts.samples - counts.deadSamples} (${formatBytes(counts.sampleBytes)})`],
    ['gone', counts.deadSamples],
    ['embedding', `${counts.embeddingDim} values`],
    ['on disk', formatBytes(counts.bytesOnDisk)],
  ]);
  if (models.length > 0) say(context, '');
  printTable(
    context,
    flags,
    models,
    [
      { header: 'WEIGHTS', value: ({ model }: { model: ModelKey }) => model.checksum, shrink: 1 },
      { header: 'ARCHITECTURE', value: ({ model }) => model.architecture },
      { header: 'ROWS', value: ({ rows }) => rows, align: 'right' },
      { header: 'ON DISK', value: ({ bytesOnDisk }) => formatBytes(bytesOnDisk), align: 'right' },
    ],
    'nothing has been scored yet',
  );
}
