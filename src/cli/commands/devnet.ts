import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { startDemoNetwork } from '../../demo/index.js';
import { type DevnetEndpoints, type DevnetOptions, startDevnet } from '../../devnet/soma/index.js';
import { QuarryError } from '../../errors/index.js';
import { toJsonLine } from '../../text/index.js';
import { MODEL_CONFIGS, type ModelConfigName } from '../../weights/model-config.js';
import type { CliContext } from '../context.js';
import { addressArgument, integerArgument } from '../parse-argument.js';
import { tell } from '../print.js';

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
}

/** What `localnet` means to clients. */
const LOCALNET_PORTS = { port: '9000', faucetPort: '9123', adminPort: '9125' } as const;
/** Faucet coins for an address that is to mine. */
const FUND_REQUESTS = 5;
const MAX_MODELS = 64;

/** A devnet that serves, whoever runs it. */
interface ServingDevnet extends DevnetEndpoints {
  readonly chainId: string;
  close(): Promise<void>;
}

/** `quarry devnet`: the embedded network alone. */
export function devnetCommand(context: CliContext): Command {
  return new Command('devnet')
    .description('run the embedded network until interrupted')
    .option('--json', 'one line with the endpoints, once it serves')
    .option('--port <n>', 'gRPC and the fullnode routes (default: a free port)')
    .option('--faucet-port <n>', 'faucet (default: a free port)')
    .option('--admin-port <n>', 'admin (default: a free port)')
    .option('--http-port <n>', 'plain file host (default: a free port)')
    .option('--epoch-ms <n>', 'length of an epoch (default: epochs end when the admin service is asked)')
    .option('--checkpoint-ms <n>', 'between checkpoints (default: 200)')
    .option('--protocol-version <n>', '1 to 5 (default: 5)')
    .option('--model-config <name>', `shape of the models: ${Object.keys(MODEL_CONFIGS).join(', ')}`, 'small')
    .option('--distance-threshold <distance>', 'threshold of the targets')
    .option('--targets <n>', 'targets an epoch begins with')
    .option('--seed <n>', 'makes the network the same every time')
    .option('--models <n>', 'publish this many models, so that targets are open and can be mined')
    .option('--trained-spectrum', 'spread their embeddings as those of trained models are; with --models')
    .option('--fund <address>', 'give this address coins; with --models')
    .option('--localnet-ports', 'the ports that localnet means: 9000, 9123 faucet, 9125 admin')
    .option('--chaos', 'play faults: dropped streams, lost answers, locks, slow checkpoints, broken downloads')
    .addHelpText(
      'after',
      '\nExamples:\n  quarry devnet --models 3 --fund 0x… --localnet-ports\n  quarry mine --network localnet --data ~/texts\n  quarry devnet --json --epoch-ms 60000 --chaos',
    )
    .action(async (given: DevnetFlags) => {
      const flags = { ...(given.localnetPorts && LOCALNET_PORTS), ...given };
      const devnet = await serve(context, flags);
      try {
        const { rpcUrl, faucetUrl, adminUrl, httpUrl, chainId } = devnet;
        if (flags.json) context.stdout.write(`${toJsonLine({ rpcUrl, faucetUrl, adminUrl, httpUrl, chainId })}\n`);
        else {
          const lines = { rpc: rpcUrl, faucet: faucetUrl, admin: adminUrl, http: httpUrl, chain: chainId };
          for (const [name, text] of Object.entries(lines)) context.stdout.write(`${name.padEnd(8)}${text}\n`);
          context.stderr.write('serving; Ctrl-C stops\n');
        }
        await new Promise<void>((resolve) => {
          if (context.signal.aborted) resolve();
          context.signal.addEventListener('abort', () => resolve(), { once: true });
        });
      } finally {
        await devnet.close();
      }
    });
}

async function serve(context: CliContext, flags: DevnetFlags): Promise<ServingDevnet> {
  const options = optionsOf(flags);
  if (flags.models !== undefined) return serveWithModels(context, flags, options, flags.models);
  if (flags.fund !== undefined) {
    throw new QuarryError('USAGE', '--fund needs --models', {
      hint: 'without models, ask the faucet: quarry wallet faucet',
    });
  }
  return startDevnet(options);
}

function optionsOf(flags: DevnetFlags): DevnetOptions {
  const modelConfig = MODEL_CONFIGS[modelConfigName(flags)];
  const number = (name: keyof DevnetFlags): number | undefined => {
    const text = flags[name];
    if (text === undefined) return undefined;
    const value = Number(text);
    if (!Number.isFinite(value) || value < 0) throw new QuarryError('USAGE', `"${String(text)}" is not a number`);
    return value;
  };
  const given = <T>(name: string, value: T | undefined): Record<string, T> =>
    value === undefined ? {} : { [name]: value };
  return {
    embeddingDim: modelConfig.embeddingDim,
    modelConfig,
    ports: {
      ...given('rpc', number('port')),
      ...given('faucet', number('faucetPort')),
      ...given('admin', number('adminPort')),
      ...given('http', number('httpPort')),
    },
    ...given('epochMs', number('epochMs')),
    ...given('checkpointIntervalMs', number('checkpointMs')),
    ...given('protocolVersion', number('protocolVersion')),
    ...given('initialDistanceThreshold', number('distanceThreshold')),
    ...given('targetsPerEpoch', number('targets')),
    ...given('seed', number('seed')),
    ...(flags.chaos && { chaos: true }),
  };
}

function modelConfigName({ modelConfig }: DevnetFlags): ModelConfigName {
  if (Object.hasOwn(MODEL_CONFIGS, modelConfig)) return modelConfig as ModelConfigName;
  throw new QuarryError('USAGE', `--model-config expects one of ${Object.keys(MODEL_CONFIGS).join(', ')}`);
}

/** A devnet on which targets are open, and an address that can mine them. */
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
