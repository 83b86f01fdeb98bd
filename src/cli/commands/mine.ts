import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import type { Config } from '../../config/index.js';
import { QuarryError } from '../../errors/index.js';
import { type DataHost, HttpHost, S3Host } from '../../hosting/index.js';
import { createMiner } from '../../miner/index.js';
import { startHttpApi } from '../../observe/http-api.js';
import { createLogger } from '../../observe/logger.js';
import { minerMetrics } from '../../observe/miner-metrics.js';
import { formatBytes } from '../../output/index.js';
import { defaultWalletDirectory, resolveSigner } from '../../soma/wallet/index.js';
import type { CliContext } from '../context.js';
import { engineWishes, minerOptions, sampleOptions, scannerWishes } from '../mining/miner-settings.js';
import { MiningReporter } from '../mining/mining-reporter.js';
import { addSettings, configOf } from '../settings-options.js';
import { versionOf } from '../version.js';

/** `quarry mine`: the headless miner. */
export function mineCommand(context: CliContext): Command {
  const command = new Command('mine')
    .description('mine a network until stopped: score data, match targets, submit, claim')
    .option('--json', 'NDJSON events on stdout, the summary last')
    .addHelpText(
      'after',
      `
The key comes from SOMA_SECRET_KEY, --key-file or the official wallet. The first Ctrl-C lets submissions in flight
finish; the second stops at once. A restart goes on where the last run stopped.

Examples:
  SOMA_SECRET_KEY=… quarry mine --network testnet --data ~/corpus --s3-bucket my-data --s3-public-url https://data.example.com
  quarry mine --network http://127.0.0.1:9000 --data 'books/**/*.txt' --until-hits 10
  quarry mine --data hf:owner/dataset --dry-run --json`,
    );
  addSettings(command, [
    'network',
    'keyFile',
    'walletDir',
    'stateDir',
    'data',
    'sampleBytes',
    'wholeFiles',
    'utf8Boundaries',
    'minEntropy',
    'seed',
    'engine',
    'distanceEngine',
    'isa',
    'precision',
    'provider',
    'workers',
    'threads',
    'policy',
    'margin',
    'maxInFlight',
    'maxBondSoma',
    'minRewardSoma',
    'minBalanceSoma',
    'claimExpired',
    'untilHits',
    'untilSamples',
    'dryRun',
    'hostPort',
    'hostInterface',
    'hostUrl',
    's3Bucket',
    's3EndpointUrl',
    's3PublicUrl',
    's3Region',
    'logFile',
    'logLevel',
    'statusSeconds',
    'httpPort',
  ]);
  return command.action(async (flags: { json?: boolean }) => {
    const config = await configOf(context, { ...flags });
    await mine(context, config, flags.json ?? false);
  });
}

async function mine(context: CliContext, config: Config, json: boolean): Promise<void> {
  const { signal } = context;
  if (config.data === undefined || config.data.length === 0) {
    throw new QuarryError('USAGE', 'nothing to mine with', { hint: 'name files or datasets with --data' });
  }
  const home = context.env['HOME'] ?? homedir();
  const signer = await resolveSigner({
    secretKey: config.secretKey,
    keyFile: config.keyFile,
    wallet: { directory: config.walletDir ?? defaultWalletDirectory(home) },
  });
  const stateDir = resolve(config.stateDir ?? join(home, '.local', 'state', 'quarry', networkName(config.network)));
  const host = await hostOf(config, stateDir);
  const reporter = new MiningReporter(context, { json, statusSeconds: config.statusSeconds });
  const logger = createLogger({ level: config.logLevel, file: config.logFile });
  try {
    const assembled = await createMiner({
      ...minerOptions(config),
      network: config.network,
      signer,
      data: config.data,
      stateDir,
      ...(host !== undefined && { host }),
      engine: engineWishes(config),
      distance: scannerWishes(config),
      samples: {
        ...sampleOptions(config),
        onUnreadable: (_unit, error) => reporter.say(`warning  ${error.message}`, 'warning', { error: error.toJSON() }),
      },
      decode: { ...(config.hfToken !== undefined && { hfToken: config.hfToken }) },
      stdin: context.stdin as AsyncIterable<Uint8Array>,
      signal,
    });
    const { miner, engine, distance } = assembled;
    try {
      banner(reporter, config, stateDir, {
        engine: `${engine.name}, ${engine.workers} workers x ${engine.threads} threads (${engine.reason})`,
        distances: `${distance.name}, ${distance.detail}`,
        hosting: host?.name ?? 'http on loopback',
      });
      reporter.attach(miner, logger);
      const api =
        config.httpPort === undefined
          ? undefined
          : await startHttpApi(
              { port: config.httpPort, token: config.httpToken },
              { metrics: minerMetrics(() => miner.summary()), summary: () => miner.summary(), control: miner },
            );
      if (api !== undefined) reporter.say(`metrics at ${api.url}/metrics`, 'http', { url: api.url });
      try {
        reporter.summary(await miner.run({ signal }));
      } finally {
        await api?.close();
      }
    } finally {
      await assembled.close();
    }
  } finally {
    reporter.detach();
    await host?.close();
  }
}

function banner(
  reporter: MiningReporter,
  config: Config,
  stateDir: string,
  parts: Readonly<Record<string, string>>,
): void {
  const { network, policy, maxInFlight, sampleBytes } = config;
  const fields = {
    quarry: versionOf(),
    network,
    ...parts,
    samples: `${formatBytes(sampleBytes)} each`,
    policy: `${policy}, ${maxInFlight} in flight`,
    state: stateDir,
  };
  for (const [name, text] of Object.entries(fields))
    reporter.say(` * ${name.padEnd(10)} ${text}`, 'config', { [name]: text });
}

/** A directory name for a network. */
function networkName(network: string): string {
  return network.replace(/^https?:\/\//, '').replace(/[^a-zA-Z0-9.-]+/g, '_');
}

/** Where submitted bytes are hosted, as the user set it. */
async function hostOf(config: Config, stateDir: string): Promise<DataHost | undefined> {
  if (config.s3Bucket !== undefined) {
    const { s3PublicUrl, s3AccessKeyId, s3SecretAccessKey } = config;
    if (s3PublicUrl === undefined || s3AccessKeyId === undefined || s3SecretAccessKey === undefined) {
      throw new QuarryError('CONFIG_MISSING', 'hosting in a bucket needs its public URL and credentials', {
        hint: 'set S3_PUBLIC_URL, S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY',
      });
    }
    return new S3Host({
      bucket: config.s3Bucket,
      publicUrl: s3PublicUrl,
      region: config.s3Region,
      accessKeyId: s3AccessKeyId,
      secretAccessKey: s3SecretAccessKey,
      ...(config.s3EndpointUrl !== undefined && { endpointUrl: config.s3EndpointUrl }),
    });
  }
  const local = /^(localnet|https?:\/\/(127\.|localhost|\[::1\]))/.test(config.network);
  if (config.hostPort === undefined && local) return undefined;
  if (config.hostPort === undefined || (config.hostUrl === undefined && !local)) {
    if (config.dryRun) return undefined;
    throw new QuarryError('CONFIG_MISSING', 'submitted data must be hosted where anybody can fetch it', {
      hint: 'set --s3-bucket and --s3-public-url, or --host-port and --host-url',
    });
  }
  return HttpHost.listen({
    dir: join(stateDir, 'hosted'),
    host: config.hostInterface,
    port: config.hostPort,
    ...(config.hostUrl !== undefined && { publicUrl: config.hostUrl }),
  });
}
