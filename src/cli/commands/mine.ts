import { existsSync } from 'node:fs';
import { Command } from 'commander';
import type { Config } from '../../config/index.js';
import { QuarryError } from '../../errors/index.js';
import { createMiner } from '../../miner/index.js';
import { isDiskFailure } from '../../miner/run/disk-failure.js';
import { ensureStateDirectory } from '../../miner/state/state-directory.js';
import { packageVersion } from '../../package/package-version.js';
import type { Keypair } from '../../soma/chain/index.js';
import { networkEndpoints } from '../../soma/client/networks.js';
import { parseEndpoint } from '../../soma/client/transport/index.js';
import type { Logger } from '../../telemetry/logger.js';
import { formatBytes } from '../../text/index.js';
import type { CliContext } from '../context.js';
import { HOST_SETTINGS, noHost, openDataHost } from '../data-host.js';
import { checkPorts } from '../mining/check-ports.js';
import { fleetOf } from '../mining/fleet-settings.js';
import { cuttingOptions, engineOptions, minerOptions, scannerOptions } from '../mining/miner-settings.js';
import { listenToKeys } from '../mining/mining-keys.js';
import { MiningReporter } from '../mining/mining-reporter.js';
import { webhookOf } from '../mining/notify-owner.js';
import { observeMiner } from '../mining/observe-miner.js';
import { openLog } from '../mining/open-log.js';
import {
  assertSameKey,
  isOvertaken,
  type StoreRole,
  takeRole,
  whenGone,
  withSharingHint,
} from '../mining/share-store.js';
import { untilWritable } from '../mining/until-writable.js';
import { addSettings, COORDINATOR_SETTINGS, configOf } from '../settings-options.js';
import { type SessionFlags, signerOf } from '../soma-session.js';
import { keysDirOf, speedFileOf, stateDirOf } from '../state-dir.js';

interface MineFlags extends SessionFlags {
  readonly json?: boolean | undefined;
}

/** `quarry mine`: the headless miner. */
export function mineCommand(context: CliContext): Command {
  const command = new Command('mine')
    .description('mine a network until stopped: score data, match targets, submit, claim')
    .option('--json', 'NDJSON events on stdout, the summary last')
    .addHelpText(
      'after',
      `
The key comes from SOMA_SECRET_KEY, --key-file or the official wallet. The first Ctrl-C lets submissions in flight
finish, for --drain-seconds at most; the second stops at once. A restart continues where the last run stopped.

Examples:
  SOMA_SECRET_KEY=… quarry mine --network testnet --data ~/corpus --s3-bucket my-data --s3-public-url https://data.example.com
  quarry mine --network http://127.0.0.1:9000 --data 'books/**/*.txt' --max-accepted 10
  quarry mine --data hf:owner/dataset --dry-run --json`,
    );
  addSettings(command, [
    'network',
    'fullnodes',
    'keyFile',
    'walletDir',
    'data',
    'sampleBytes',
    'wholeFiles',
    'utf8Boundaries',
    'minEntropy',
    'seed',
    'lookAhead',
    'engine',
    ...COORDINATOR_SETTINGS,
    'distanceEngine',
    'isa',
    'precision',
    'onnxProvider',
    'devices',
    'workers',
    'threads',
    'policy',
    'margin',
    'searchShare',
    'maxInFlight',
    'maxBondSoma',
    'maxFeeSoma',
    'minRewardSoma',
    'minBalanceSoma',
    'claimExpired',
    'shareStore',
    'keepScoresEpochs',
    'drainSeconds',
    'maxAccepted',
    'untilSamples',
    'dryRun',
    ...HOST_SETTINGS,
    'logFile',
    'logLevel',
    'logRotateMib',
    'logRotateHours',
    'logKeep',
    'statusSeconds',
    'statusFormat',
    'notifyTemplate',
    'notifyQuietMinutes',
    'notifyIdleMinutes',
    'apiPort',
    'apiHost',
  ]);
  return command.action(async (flags: MineFlags) => {
    const config = await configOf(context, { ...flags });
    await mine(context, config, flags);
  });
}

async function mine(context: CliContext, config: Config, flags: MineFlags): Promise<void> {
  if (config.data === undefined || config.data.length === 0) {
    throw new QuarryError('USAGE', 'no data to mine with', { hint: 'name files or datasets with --data' });
  }
  const { statusSeconds, statusFormat } = config;
  const reporter = new MiningReporter(context, { json: flags.json ?? false, statusSeconds, statusFormat });
  const signer = await signerOf(context, config, flags);
  const stateDir = stateDirOf(config, context.env);
  await checkPorts(config, !existsSync(stateDir));
  ensureStateDirectory(stateDir);
  const logger = openLog(context, config, reporter);
  let hasMined = false;
  const onMining = (): void => {
    hasMined = true;
  };
  const tools = { context, config, reporter, signer, logger, onMining };
  for (let goesOn = true; goesOn; ) {
    try {
      goesOn = await mineInRole(stateDir, tools);
    } catch (error) {
      if (!hasMined || !isDiskFailure(error) || !takesOver(config) || context.signal.aborted) throw error;
      reporter.warn(diskPause(stateDir, error));
      await untilWritable(stateDir, context.signal);
      reporter.say('disk      it can be written again: mining goes on', 'disk', { writable: true });
    }
  }
}

/** Mines in whichever role is free; returns whether to take another role afterwards. */
async function mineInRole(stateDir: string, tools: Tools): Promise<boolean> {
  const { config, reporter, signer } = tools;
  const role = takeRole(stateDir, config.shareStore, signer.address);
  try {
    return await mineAs(role, tools);
  } catch (error) {
    if (config.shareStore && isOvertaken(error, role)) return true;
    throw withSharingHint(error, role);
  } finally {
    role.release();
    reporter.detach();
  }
}

function diskPause(stateDir: string, cause: QuarryError): QuarryError {
  return new QuarryError(cause.code, `mining pauses until ${stateDir} can be written: ${cause.message}`, {
    hint: 'free some space, or mend the disk; nothing is lost, and mining goes on by itself',
    cause,
    retryable: true,
  });
}

interface Tools {
  readonly context: CliContext;
  readonly config: Config;
  readonly reporter: MiningReporter;
  readonly signer: Keypair;
  readonly logger: Logger;
  /** Called when mining starts. */
  readonly onMining: () => void;
}

/** Mines in one role until stopped; returns whether the miner this process scored for has ended. */
async function mineAs(role: StoreRole, tools: Tools): Promise<boolean> {
  const { context, config, reporter, signer, logger, onMining } = tools;
  const { signal } = context;
  const { stateDir, scoreFor } = role;
  const isMiner = scoreFor === undefined;
  assertFits(role, config);
  const webhook = isMiner ? webhookOf(config, signer.address, (error) => reporter.warn(error)) : undefined;
  // On a local network the miner serves the data itself if no host is configured.
  const host = isMiner ? await openDataHost(config, stateDir) : undefined;
  const keysDir = keysDirOf(context.env);
  try {
    // A fleet has only one coordinator, which purges its queue.
    const fleet = isMiner ? fleetOf(config, signal, (error) => reporter.warn(error)) : undefined;
    const assembled = await createMiner({
      ...minerOptions(config),
      ...fleet?.minerOptions,
      stateDir,
      scoreFor,
      network: config.network,
      fullnodes: config.fullnodes,
      onFullnode: ({ type, url, reason }) =>
        reporter.say(`fullnode  ${type} ${url}: ${reason}`, 'fullnode', { type, url, reason }),
      signer,
      data: config.data,
      keysDir,
      host,
      engine: { ...engineOptions(config), speedFile: speedFileOf(config, context.env) },
      distance: scannerOptions(config),
      cutting: cuttingOptions(config),
      lookAhead: config.lookAhead,
      decode: { hfToken: config.hfToken, hubUrl: config.hubUrl },
      stdin: context.stdin as AsyncIterable<Uint8Array>,
      signal,
    });
    const { miner, engine, distance } = assembled;
    let isGone = false;
    let endLooking = (): void => {};
    try {
      banner(reporter, config, stateDir, {
        engine: `${engine.name}, ${engine.workers} workers x ${engine.threads} threads (${engine.reason})`,
        distances: `${distance.name}, ${distance.detail}`,
        hosting: host?.name ?? (isMiner ? 'http on loopback' : 'none: the miner hosts'),
      });
      reporter.attach(miner, logger);
      if (scoreFor !== undefined) {
        if (!config.dryRun) await assertSameKey(keysDir, signer.address, assembled, scoreFor, signal);
        reporter.say(`sharing   scores for the miner of ${scoreFor}, which submits`, 'sharing', { scoreFor });
        endLooking = whenGone(scoreFor, () => {
          isGone = true;
          if (!takesOver(config))
            reporter.say(
              'sharing   that miner has ended, and so does this process: with --max-accepted or --dry-run it does not take over',
              'sharing',
              { ended: scoreFor },
            );
          miner.stop();
        });
      }
      const { url, ...seen } = await observeMiner(config, assembled, {
        stateDir,
        fleet: () => fleet?.summary()?.fleet,
        webhook,
        onWarning: (error) => reporter.warn(error),
      });
      if (url !== undefined) reporter.say(`dashboard at ${url}/, metrics at ${url}/metrics`, 'http', { url });
      const endKeys = listenToKeys(context, miner, reporter, config.data?.includes('-') ?? false);
      onMining();
      try {
        const summary = await miner.run({ signal }).finally(endKeys);
        isGone &&= takesOver(config) && !signal.aborted;
        if (!isGone) reporter.summary(summary, fleet?.summary());
        else reporter.say('sharing   that miner has ended: this process takes over', 'sharing', { tookOver: scoreFor });
      } finally {
        await seen.close();
      }
    } finally {
      endLooking();
      await assembled.close();
    }
    return isGone;
  } finally {
    await host?.close();
  }
}

/** Whether this process continues after a miner ended: either the one it scores for, or its own after a disk error. */
function takesOver({ maxAccepted, dryRun }: Config): boolean {
  return maxAccepted === undefined && !dryRun;
}

/** Rejects settings that do not fit this role, or the one that may follow it. */
function assertFits({ scoreFor }: StoreRole, config: Config): void {
  if (scoreFor === undefined || takesOver(config)) assertHosted(config);
  // A fleet scores for its coordinator, which must be the miner.
  if (scoreFor === undefined || config.engine !== 'fleet') return;
  throw new QuarryError('USAGE', `--engine fleet is for the miner of ${scoreFor}, which another process is already`, {
    hint: 'score for it here with another --engine, or join its fleet: quarry scorer',
  });
}

function banner(
  reporter: MiningReporter,
  config: Config,
  stateDir: string,
  parts: Readonly<Record<string, string>>,
): void {
  const { network, policy, maxInFlight, sampleBytes } = config;
  const fields = {
    quarry: packageVersion(),
    network,
    ...parts,
    samples: `${formatBytes(sampleBytes)} each`,
    policy: `${policy}, ${maxInFlight} in flight`,
    state: stateDir,
  };
  for (const [name, text] of Object.entries(fields))
    reporter.say(` * ${name.padEnd(10)} ${text}`, 'config', { [name]: text });
}

/** Refuses to mine if submitted data would not be reachable. */
function assertHosted(config: Config): void {
  // On a public chain the miner itself refuses as well, once a fullnode has identified the chain.
  const local = isOnThisMachine(config.network);
  const unreachable = config.s3Bucket === undefined && (config.dataPort === undefined || config.hostUrl === undefined);
  if (unreachable && !local && !config.dryRun) throw noHost('submitted data');
}

function isOnThisMachine(network: string): boolean {
  const url = /^https?:\/\//i.test(network) ? network : networkEndpoints(network as 'testnet').rpcUrl;
  return parseEndpoint(url).loopback;
}
