import { Command } from 'commander';
import { startDevnet } from '../../devnet/soma/index.js';
import { QuarryError } from '../../errors/index.js';
import { toJsonLine } from '../../text/index.js';
import { MODEL_CONFIGS, type ModelConfigName } from '../../weights/model-config.js';
import type { CliContext } from '../context.js';

interface DevnetFlags {
  readonly json?: boolean;
  readonly port?: string;
  readonly faucetPort?: string;
  readonly adminPort?: string;
  readonly httpPort?: string;
  readonly epochMs?: string;
  readonly checkpointMs?: string;
  readonly protocolVersion?: string;
  readonly modelConfig: string;
  readonly distanceThreshold?: string;
  readonly targets?: string;
  readonly seed?: string;
  readonly chaos?: boolean;
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
    .option('--chaos', 'play faults: dropped streams, lost answers, locks, slow checkpoints, broken downloads')
    .addHelpText(
      'after',
      '\nExamples:\n  quarry devnet --port 9000 --faucet-port 9123 --admin-port 9125\n  quarry devnet --json --epoch-ms 60000 --chaos',
    )
    .action(async (flags: DevnetFlags) => {
      if (!Object.hasOwn(MODEL_CONFIGS, flags.modelConfig)) {
        throw new QuarryError('USAGE', `--model-config expects one of ${Object.keys(MODEL_CONFIGS).join(', ')}`);
      }
      const modelConfig = MODEL_CONFIGS[flags.modelConfig as ModelConfigName];
      const number = (name: keyof DevnetFlags): number | undefined => {
        const text = flags[name];
        if (text === undefined) return undefined;
        const value = Number(text);
        if (!Number.isFinite(value) || value < 0) throw new QuarryError('USAGE', `"${String(text)}" is not a number`);
        return value;
      };
      const given = <T>(name: string, value: T | undefined): Record<string, T> =>
        value === undefined ? {} : { [name]: value };
      const devnet = await startDevnet({
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
      });
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
