import { type Command, Option } from 'commander';
import { normalArray } from '../../../engine/reference/index.js';
import { QuarryError } from '../../../errors/index.js';
import { readNamedFile } from '../../../files/named-file.js';
import type { DataHost } from '../../../hosting/index.js';
import { ModelPublication, type PublicationState, type PublicationStep } from '../../../soma/publish/index.js';
import { MODEL_CONFIGS, type ModelConfigName } from '../../../weights/model-config.js';
import { openSafetensors } from '../../../weights/safetensors.js';
import type { CliContext } from '../../context.js';
import { endsWithProcess, HOST_SETTINGS, noHost, openDataHost } from '../../data-host.js';
import { amountArgument, integerArgument } from '../../parse-argument.js';
import { examples, sayJson, tell } from '../../print.js';
import { configOf } from '../../settings-options.js';
import { type SessionFlags, type SomaSession, withSession, withSignerFlags } from '../../soma-session.js';
import { untilInterrupted } from '../../until-interrupted.js';
import { verifyHostedFile } from '../../verify-hosted.js';

interface PublishFlags extends SessionFlags {
  readonly config: ModelConfigName;
  readonly embedding?: string | undefined;
  readonly commissionBps: string;
  readonly stakeSoma?: string | undefined;
  readonly url?: string | undefined;
  readonly stateFile?: string | undefined;
  readonly commitOnly?: boolean | undefined;
}

/** Adds `quarry models publish`. */
export function addPublishCommand(models: Command, context: CliContext): void {
  const command = models
    .command('publish <file>')
    .description('publish weights: check, encrypt, host, create, commit, wait for the next epoch, reveal')
    .addOption(
      new Option('--config <name>', 'shape of the model').choices(Object.keys(MODEL_CONFIGS)).makeOptionMandatory(),
    )
    .option(
      '--embedding <file>',
      'JSON array: the point near which targets are drawn (default: drawn from the checksum)',
    )
    .option('--commission-bps <n>', 'share of rewards kept, basis points', '1000')
    .option('--stake-soma <amount>', "SOMA staked with the model (default: the network's minimum)")
    .option('--url <url>', 'you host FILE.encrypted yourself, at this URL')
    .option('--state-file <file>', 'file with the progress of the publication (default: FILE.publication.json)')
    .option('--commit-only', 'stop after the commitment; run again in the next epoch to reveal');
  withSignerFlags(command, HOST_SETTINGS);
  command
    .addHelpText(
      'after',
      `
It can be interrupted at any step; run it again to resume. The state file holds the key of the weights;
without it a committed model cannot be revealed and loses half its stake.
${examples(
  'models publish model.safetensors --config v1 --s3-bucket my-models --s3-public-url https://models.example.com',
  'models publish small.safetensors --config small --network localnet --data-port 8080 --stake-soma 1.5',
  'models publish model.safetensors --config v1 --url https://example.com/model.encrypted',
)}`,
    )
    .action((file: string, flags: PublishFlags) => publish(context, file, flags));
}

async function publish(context: CliContext, path: string, flags: PublishFlags): Promise<void> {
  const commissionRateBps = integerArgument(flags.commissionBps, '--commission-bps', 0, 10_000);
  const stakeShannons = flags.stakeSoma === undefined ? undefined : amountArgument(flags.stakeSoma);
  const shape = MODEL_CONFIGS[flags.config];
  const embedding = await embeddingOf(path, flags.embedding, shape.embeddingDim, context.signal);
  const config = await configOf(context, { ...flags, config: undefined });
  await withSession(
    context,
    flags,
    async (session) => {
      const signer = await session.signer();
      const host = flags.url === undefined ? await openDataHost(config, session.stateDir) : undefined;
      try {
        const publication = new ModelPublication(
          {
            path,
            shape,
            embedding,
            commissionRateBps,
            stakeShannons,
            statePath: flags.stateFile,
            signal: session.signal,
          },
          {
            client: session.client,
            account: session.client.account(signer),
            hostFile: (checksum, file) => hostFile(session, host, flags.url, checksum, file),
            onStep: (step, state) => flags.json || tell(context, stepLine(step, state)),
          },
        );
        const state = flags.commitOnly ? await publication.commit() : await publication.run();
        report(context, flags, state);
        if (endsWithProcess(host) && !flags.commitOnly) {
          tell(context, 'serving the weights: others fetch them here; Ctrl-C stops');
          await untilInterrupted(session.signal);
        }
      } finally {
        await host?.close();
      }
    },
    config,
  );
}

async function hostFile(
  session: SomaSession,
  host: DataHost | undefined,
  url: string | undefined,
  checksum: string,
  path: string,
): Promise<string> {
  if (url !== undefined) {
    await verifyHostedFile(session, url, checksum, path);
    return url;
  }
  if (host === undefined) throw noHost('encrypted weights');
  return host.publishFile(checksum, path, session.signal);
}

/**
 * Reads the embedding from a file, or derives unit-variance normal values from the checksum of the weights, which are
 * the same every time.
 */
async function embeddingOf(
  weights: string,
  file: string | undefined,
  dim: number,
  signal: AbortSignal,
): Promise<Float32Array> {
  if (file === undefined) {
    const { checksum, close } = await openSafetensors(weights, { signal });
    await close();
    return normalArray(BigInt(`0x${checksum.slice(0, 16)}`), dim);
  }
  let values: unknown;
  try {
    values = JSON.parse((await readNamedFile(file, { signal })).toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw new QuarryError('DATA_INVALID', `${file} is not JSON`, { cause: error });
    throw error;
  }
  const numbers = Array.isArray(values) && values.every((value) => Number.isFinite(value)) ? values : undefined;
  if (numbers?.length === dim) return Float32Array.from(numbers as number[]);
  throw new QuarryError('DATA_INVALID', `${file} is not an array of ${dim} numbers`, {
    hint: `models of this shape have embeddings of ${dim} values`,
  });
}

function stepLine(step: PublicationStep, state: PublicationState): string {
  switch (step) {
    case 'encrypted':
      return `encrypted  ${state.sizeBytes} bytes, checksum ${state.checksum}`;
    case 'hosted':
      return `hosted     ${state.url}`;
    case 'created':
      return `created    ${state.modelId}`;
    case 'committed':
      return `committed  in epoch ${state.commitEpoch}; to be revealed in the next`;
    case 'revealed':
      return 'revealed   the model is active from the next epoch on';
  }
}

function report(context: CliContext, flags: PublishFlags, state: PublicationState): void {
  const { modelId, url, checksum, sizeBytes, commitEpoch, revealed = false } = state;
  if (flags.json) sayJson(context, { modelId, url, checksum, sizeBytes, commitEpoch, revealed });
  else context.stdout.write(`${modelId}\n`);
}
