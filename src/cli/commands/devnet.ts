import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { startDemoNetwork } from '../../demo/index.js';
import { type DevnetEndpoints, type DevnetOptions, startDevnet } from '../../devnet/soma/index.js';
import { QuarryError } from '../../errors/index.js';
import { PROTOCOL_VERSIONS, protocolConfig } from '../../soma/chain/protocol-config.js';
import { toJsonLine } from '../../text/index.js';
import { MODEL_CONFIGS, type ModelConfigName } from '../../weights/model-config.js';
import type { CliContext } from '../context.js';
import { addressArgument, integerArgument, LAST_PORT } from '../parse-argument.js';
import { tell } from '../print.js';
import { startScoringServer } from '../scoring-server.js';
import { configOf } from '../settings-options.js';
import { untilInterrupted } from '../until-interrupted.js';

interface DevnetFlags {
  readonly json?: boolean | undefined;
  readonly port?: string | undefined;
  readonly faucetPort?: string | undefined;
  readonly adminPort?: string | undefined;
  readonly httpPort?: string | undefined;
  readonly epochMs?: string | undefined;
  readonly checkpointMs?: string | undefined;
  readonly protocolVersion?: string | undefined;
  readonly modelConfig: string;
  readonly distanceThreshold?: string | undefined;
  readonly targets?: string | undefined;
  readonly seed?: string | undefined;
  readonly chaos?: boolean | undefined;
  readonly models?: string | undefined;
  readonly trainedSpectrum?: boolean | undefined;
  readonly fund?: string | undefined;
  readonly localnetPorts?: boolean | undefined;
  readonly scoringPort?: string | undefined;
  readonly protocolThresholds?: boolean | undefined;
}

/** Ports that clients use for `localnet`. */
const LOCALNET_PORTS = { port: '9000', faucetPort: '9123', scoringPort: '9124', adminPort: '9125' } as const;
/** Faucet requests for the address that will mine. */
const FUND_REQUESTS = 5;
const MAX_MODELS = 64;

/** A running devnet, in this process or another. */
interface ServingDevnet extends DevnetEndpoints {
  readonly chainId: string;
  readonly scoringUrl?: string | undefined;
  close(): Promise<void>;
}

/** `quarry devnet`: runs the embedded network alone. */
export function devnetCommand(context: CliContext): Command {
  return new Command('devnet')
    .description('run the embedded network until interrupted')
    .option('--json', 'one line with the endpoints once it is serving')
    .option('--port <n>', 'gRPC and the fullnode routes (default: a free port)')
    .option('--faucet-port <n>', 'faucet (default: a free port)')
    .option('--admin-port <n>', 'admin (default: a free port)')
    .option('--http-port <n>', 'plain file host (default: a free port)')
    .option('--scoring-port <n>', 'also serve the Scoring service, with an engine of this machine')
    .option('--epoch-ms <n>', 'length of an epoch (default: only the admin service ends epochs)')
    .option('--checkpoint-ms <n>', 'interval between checkpoints (default: 200)')
    .option('--protocol-version <n>', '1 to 5 (default: 5)')
    .option('--model-config <name>', `shape of the models: ${Object.keys(MODEL_CONFIGS).join(', ')}`, 'small')
    .option('--distance-threshold <distance>', 'threshold of the targets')
    .option('--protocol-thresholds', "use the protocol version's initial threshold and its bounds")
    .option('--targets <n>', 'targets at the start of an epoch')
    .option('--seed <n>', 'makes the network reproducible')
    .option('--models <n>', 'publish this many models, so that targets open and can be mined')
    .option('--trained-spectrum', 'distribute their embeddings like those of trained models; with --models')
    .option('--fund <address>', 'give this address coins; with --models')
    .option('--localnet-ports', 'use the ports of localnet: 9000, 9123 faucet, 9124 scoring, 9125 admin')
    .option('--chaos', 'inject faults: dropped streams, lost answers, locks, slow checkpoints, broken downloads')
    .addHelpText(
      'after',
      '\nExamples:\n  quarry devnet --models 3 --fund 0x… --localnet-ports\n  quarry mine --network localnet --data ~/texts\n  quarry devnet --json --epoch-ms 60000 --chaos',
    )
    .action(async (given: DevnetFlags) => {
      const flags = { ...(given.localnetPorts && LOCALNET_PORTS), ...given };
      const devnet = await serve(context, flags);
      try {
        const { rpcUrl, faucetUrl, adminUrl, httpUrl, scoringUrl, chainId } = devnet;
        if (flags.json)
          context.stdout.write(`${toJsonLine({ rpcUrl, faucetUrl, adminUrl, httpUrl, scoringUrl, chainId })}\n`);
        else {
          const urls = { rpc: rpcUrl, faucet: faucetUrl, admin: adminUrl, http: httpUrl, scoring: scoringUrl };
          for (const [name, text] of Object.entries({ ...urls, chain: chainId }))
            if (text !== undefined) context.stdout.write(`${name.padEnd(8)}${text}\n`);
          context.stderr.write('serving; Ctrl-C stops\n');
        }
        await untilInterrupted(context.signal);
      } finally {
        await devnet.close();
      }
    });
}

async function serve(context: CliContext, flags: DevnetFlags): Promise<ServingDevnet> {
  const options = optionsOf(flags);
  const port = portsOf(flags).scoring;
  if (port === undefined) return serveNetwork(context, flags, options);
  const config = await configOf(context, {});
  const dir = await mkdtemp(join(tmpdir(), 'quarry-scoring-'));
  const clean = (): Promise<void> => rm(dir, { recursive: true, force: true });
  try {
    // Start this first, so that a taken port is detected before a network is created.
    const scoring = await startScoringServer(context, config, {
      dir,
      host: '127.0.0.1',
      port,
      portFlag: '--scoring-port',
      storeBytes: 0,
    });
    try {
      const network = await serveNetwork(context, flags, options);
      const { rpcUrl, faucetUrl, adminUrl, httpUrl, chainId } = network;
      const close = async (): Promise<void> => {
        await scoring.close();
        await network.close();
        await clean();
      };
      return { rpcUrl, faucetUrl, adminUrl, httpUrl, chainId, scoringUrl: scoring.url, close };
    } catch (error) {
      await scoring.close();
      throw error;
    }
  } catch (error) {
    await clean();
    throw error;
  }
}

async function serveNetwork(context: CliContext, flags: DevnetFlags, options: DevnetOptions): Promise<ServingDevnet> {
  if (flags.models !== undefined) return serveWithModels(context, flags, options, flags.models);
  if (flags.fund !== undefined) {
    throw new QuarryError('USAGE', '--fund needs --models', {
      hint: 'without models, ask the faucet: quarry wallet faucet',
    });
  }
  return startDevnet(options);
}

/**
 * Ports of the services by name; absent if any free port will do.
 *
 * @throws QuarryError `USAGE` for an invalid port, or one shared by two services
 */
function portsOf(flags: DevnetFlags): Partial<Record<'rpc' | 'faucet' | 'admin' | 'http' | 'scoring', number>> {
  const asked = {
    rpc: ['--port', flags.port],
    faucet: ['--faucet-port', flags.faucetPort],
    admin: ['--admin-port', flags.adminPort],
    http: ['--http-port', flags.httpPort],
    scoring: ['--scoring-port', flags.scoringPort],
  } as const;
  const taken = new Map<number, string>();
  return Object.fromEntries(
    Object.entries(asked).flatMap(([name, [flag, text]]) => {
      if (text === undefined) return [];
      const port = integerArgument(text, flag, 0, LAST_PORT);
      const other = port === 0 ? undefined : taken.get(port);
      if (other !== undefined) throw new QuarryError('USAGE', `${other} and ${flag} are both ${port}`);
      taken.set(port, flag);
      return [[name, port]];
    }),
  );
}

/** The protocol's own thresholds, which do not depend on the embedding width. */
function protocolThresholds(version: number): Partial<DevnetOptions> {
  const { targetInitialDistanceThreshold, targetMinDistanceThreshold, targetMaxDistanceThreshold } =
    protocolConfig(version);
  return {
    initialDistanceThreshold: targetInitialDistanceThreshold,
    distanceThresholdRange: { min: targetMinDistanceThreshold, max: targetMaxDistanceThreshold },
  };
}

function optionsOf(flags: DevnetFlags): DevnetOptions {
  const modelConfig = MODEL_CONFIGS[modelConfigName(flags)];
  const ports = portsOf(flags);
  const number = (name: keyof DevnetFlags): number | undefined => {
    const text = flags[name];
    if (text === undefined) return undefined;
    const value = Number(text);
    if (String(text).trim() === '' || !Number.isFinite(value) || value < 0)
      throw new QuarryError('USAGE', `"${String(text)}" is not a number`);
    return value;
  };
  const whole = (name: keyof DevnetFlags): number | undefined => {
    const value = number(name);
    if (value === undefined || Number.isSafeInteger(value)) return value;
    throw new QuarryError('USAGE', `"${String(flags[name])}" is not a whole number`);
  };
  const given = <T>(name: string, value: T | undefined): Record<string, T> =>
    value === undefined ? {} : { [name]: value };
  return {
    embeddingDim: modelConfig.embeddingDim,
    modelConfig,
    ports: { rpc: ports.rpc, faucet: ports.faucet, admin: ports.admin, http: ports.http },
    ...given('epochMs', whole('epochMs')),
    ...given('checkpointIntervalMs', whole('checkpointMs')),
    ...given('protocolVersion', whole('protocolVersion')),
    ...(flags.protocolThresholds && protocolThresholds(whole('protocolVersion') ?? PROTOCOL_VERSIONS.max)),
    ...given('initialDistanceThreshold', number('distanceThreshold')),
    ...given('targetsPerEpoch', whole('targets')),
    ...given('seed', whole('seed')),
    ...(flags.chaos && { chaos: true }),
  };
}

function modelConfigName({ modelConfig }: DevnetFlags): ModelConfigName {
  if (Object.hasOwn(MODEL_CONFIGS, modelConfig)) return modelConfig as ModelConfigName;
  throw new QuarryError('USAGE', `--model-config expects one of ${Object.keys(MODEL_CONFIGS).join(', ')}`);
}

/** Starts a devnet with open targets and a funded address that can mine them. */
async function serveWithModels(
  context: CliContext,
  flags: DevnetFlags,
  devnetOptions: DevnetOptions,
  models: string,
): Promise<ServingDevnet> {
  const count = integerArgument(models, '--models', 1, MAX_MODELS);
  const fund = flags.fund === undefined ? undefined : addressArgument(flags.fund, 'miner');
  const { signal } = context;
  const dir = await mkdtemp(join(tmpdir(), 'quarry-devnet-'));
  const clean = (): Promise<void> => rm(dir, { recursive: true, force: true });
  try {
    const network = await startDemoNetwork(
      {
        dir,
        modelConfig: modelConfigName(flags),
        models: count,
        spectrum: flags.trainedSpectrum ? 'trained' : undefined,
        devnet: devnetOptions,
        signal,
      },
      (step) => {
        if (step.step === 'published') tell(context, `model ${step.model} of ${count} published: ${step.modelId}`);
      },
    );
    const close = async (): Promise<void> => {
      await network.close();
      await clean();
    };
    try {
      for (let i = 0; fund !== undefined && i < FUND_REQUESTS; i++) {
        await network.client.requestFaucet(fund, { signal });
      }
    } catch (error) {
      await close();
      throw error;
    }
    const { rpcUrl, faucetUrl, adminUrl, httpUrl, chainId } = network.devnet;
    return { rpcUrl, faucetUrl, adminUrl, httpUrl, chainId, close };
  } catch (error) {
    await clean();
    throw error;
  }
}
