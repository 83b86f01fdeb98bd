import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import type { Config } from '../../config/index.js';
import { type DemoNetwork, type DemoNetworkStep, startDemoNetwork } from '../../demo/index.js';
import { QuarryError } from '../../errors/index.js';
import { createMiner, type MinerSummary } from '../../miner/index.js';
import { packageRoot } from '../../package/package-root.js';
import { Keypair } from '../../soma/chain/index.js';
import { formatBytes } from '../../text/index.js';
import type { ModelConfigName } from '../../weights/model-config.js';
import type { CliContext } from '../context.js';
import { fleetOf } from '../mining/fleet-settings.js';
import { cuttingOptions, engineOptions, minerOptions, scannerOptions } from '../mining/miner-settings.js';
import { listenToKeys } from '../mining/mining-keys.js';
import { MiningReporter } from '../mining/mining-reporter.js';
import { openLog } from '../mining/open-log.js';
import { addSettings, COORDINATOR_SETTINGS, configOf } from '../settings-options.js';

const MODELS = 3;
/** Enough to watch, few enough for two minutes without a compiler. */
const DEFAULT_HITS = 30;

/** `quarry demo`: a complete network on this machine, mined end to end. */
export function demoCommand(context: CliContext): Command {
  const command = new Command('demo')
    .description('boot an embedded network, publish models, mine real files, claim the rewards')
    .option('--json', 'NDJSON events on stdout, the summary last')
    .option(
      '--distance-threshold <distance>',
      'distance threshold of the targets (default: about 1 pair in 50 hits)',
      Number,
    )
    .addHelpText(
      'after',
      "\nExamples:\n  quarry demo                              mines the text files of this package\n  quarry demo --data ~/texts --max-accepted 200\n  quarry demo --distance-threshold 0.43    as hard as the network's hardest: many answers are composed\n  quarry demo --model-config medium --json",
    );
  addSettings(command, [
    'data',
    'maxAccepted',
    'untilSamples',
    'modelConfig',
    'engine',
    ...COORDINATOR_SETTINGS,
    'distanceEngine',
    'isa',
    'precision',
    'workers',
    'threads',
    'policy',
    'margin',
    'searchShare',
    'maxInFlight',
    'sampleBytes',
    'wholeFiles',
    'seed',
    'lookAhead',
    'logFile',
    'logLevel',
    'statusFormat',
  ]);
  return command.action(async (flags: { json?: boolean | undefined; distanceThreshold?: number | undefined }) => {
    const config = await configOf(context, { ...flags });
    if (flags.distanceThreshold !== undefined && !(flags.distanceThreshold > 0 && flags.distanceThreshold <= 2)) {
      throw new QuarryError('USAGE', '--distance-threshold expects a cosine distance between 0 and 2');
    }
    const { statusSeconds, statusFormat } = config;
    const reporter = new MiningReporter(context, { json: flags.json ?? false, statusSeconds, statusFormat });
    const dir = await mkdtemp(join(tmpdir(), 'quarry-demo-'));
    try {
      await runDemo(context, config, reporter, dir, flags.distanceThreshold);
    } finally {
      reporter.detach();
      await rm(dir, { recursive: true, force: true });
    }
  });
}

async function runDemo(
  context: CliContext,
  config: Config,
  reporter: MiningReporter,
  dir: string,
  distanceThreshold: number | undefined,
): Promise<void> {
  const { signal } = context;
  const network = await startDemoNetwork(
    { dir, modelConfig: (config.modelConfig ?? 'small') as ModelConfigName, models: MODELS, distanceThreshold, signal },
    networkSteps(reporter),
  );
  try {
    const signer = Keypair.generate();
    await network.client.requestFaucet(signer.address, { signal });
    const fundedShannons = await network.client.getBalance(signer.address, { signal });
    const fleet = fleetOf(config, signal, (error) => reporter.warn(error));
    const assembled = await createMiner({
      ...minerOptions(config),
      ...fleet?.minerOptions,
      maxAccepted: config.maxAccepted ?? (config.untilSamples === undefined ? DEFAULT_HITS : undefined),
      untilIdle: true,
      network: network.client,
      signer,
      data: config.data ?? [packageRoot()],
      stateDir: join(dir, 'miner'),
      engine: engineOptions(config),
      distance: scannerOptions(config),
      cutting: cuttingOptions(config),
      lookAhead: config.lookAhead,
      decode: { cwd: config.data === undefined ? packageRoot() : '.', textOnly: config.data === undefined },
      signal,
    });
    try {
      const { engine, miner } = assembled;
      reporter.say(
        `engine ${engine.name}: ${engine.workers} workers x ${engine.threads} threads, ${engine.reason}`,
        'engine',
        {
          name: engine.name,
          workers: engine.workers,
          threads: engine.threads,
          reason: engine.reason,
        },
      );
      const { name, detail } = assembled.distance;
      reporter.say(`distances ${name}: ${detail}`, 'distance', { name, detail });
      reporter.attach(miner, openLog(context, config, reporter));
      await miner.run({ signal }).finally(listenToKeys(context, miner, reporter, config.data?.includes('-') ?? false));
      if (!signal.aborted) await claimAll(network, reporter, () => miner.claim({ signal }));
      const summary = miner.summary();
      const balanceShannons = await network.client.getBalance(signer.address);
      reporter.summary(
        { ...summary, balanceShannons },
        { fundedShannons, grewShannons: balanceShannons - fundedShannons, ...fleet?.summary() },
      );
    } finally {
      await assembled.close();
    }
  } finally {
    await network.close();
  }
}

/** Rewards become claimable two epochs after the hit, once the audit window has passed. */
async function claimAll(
  network: DemoNetwork,
  reporter: MiningReporter,
  claim: () => Promise<MinerSummary>,
): Promise<void> {
  for (let i = 0; i < 2; i++) {
    const epoch = await network.client.advanceEpoch();
    const meaning = i === 0 ? 'validators audit the submissions' : 'rewards fall due';
    reporter.say(`epoch ${epoch}: ${meaning}`, 'epoch', { epoch });
  }
  await claim();
}

function networkSteps(reporter: MiningReporter): (step: DemoNetworkStep) => void {
  let bar: ReturnType<MiningReporter['bar']> | undefined;
  return (step) => {
    if (step.step === 'generating') {
      bar ??= reporter.bar(`weights of model ${step.model}`, step.totalBytes, 'bytes');
      bar.update(step.writtenBytes);
      return;
    }
    bar?.end();
    bar = undefined;
    const { step: event, ...fields } = step;
    reporter.say(textOf(step), event, fields);
  };
}

function textOf(step: DemoNetworkStep): string {
  switch (step.step) {
    case 'serving':
      return `network serving at ${step.rpcUrl} (process ${step.pid})`;
    case 'published':
      return `model ${step.model} committed: ${step.modelId.slice(0, 10)}…, ${formatBytes(step.sizeBytes)} of encrypted weights`;
    case 'epoch':
      return `epoch ${step.epoch}: ${step.epoch === 1n ? 'models revealed next' : 'targets are open'}`;
    default:
      return '';
  }
}
