import { join } from 'node:path';
import type { Command } from 'commander';
import { loadConfig, stateHome } from '../../../config/index.js';
import { readNamedFile } from '../../../files/named-file.js';
import { FlockClient, SubmissionLedger } from '../../../flock/index.js';
import { formatDuration } from '../../../text/index.js';
import type { CliContext } from '../../context.js';
import { tell } from '../../print.js';
import { addDotenvFlag, addSettingFlags } from '../../settings-options.js';
import { addTableFlags } from '../../table.js';
import type { FormatFlags } from './print.js';

/** Flags of all `flock` commands. */
export interface FlockFlags extends FormatFlags {
  readonly baseUrl?: string | undefined;
  readonly hubUrl?: string | undefined;
  readonly apiKeyFile?: string | undefined;
  readonly timeoutSeconds?: string | undefined;
  readonly timeout?: string | undefined;
  readonly quiet?: boolean | undefined;
}

/** Dependencies of a `flock` command. */
export interface FlockSession {
  readonly client: FlockClient;
  readonly ledger: SubmissionLedger;
  readonly hubUrl: string | undefined;
  readonly hfToken: string | undefined;
  readonly gpuType: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Prints to stderr; silent with `--quiet`. */
  readonly say: (text: string) => void;
  close(): Promise<void>;
}

/** Adds the flags of {@link FlockFlags} to a command. */
export function addFlockFlags(command: Command): Command {
  addSettingFlags(command, ['timeoutSeconds']);
  return addDotenvFlag(addTableFlags(command))
    .option('--json', 'one JSON object on stdout (wire values)')
    .option('--ndjson', 'one JSON value per line')
    .option('--table', 'aligned table (default)')
    .option('--flat', 'nested fields as separate columns, data_max_params and so on')
    .option('--crlf', 'CSV: CRLF line endings')
    .option('--bom', 'CSV: begin with a byte order mark')
    .option('--guard', 'CSV: apostrophe before text a spreadsheet would run as a formula')
    .option('--quiet', 'no messages on stderr')
    .option('--base-url <url>', 'FLock service (FLOCK_BASE_URL)')
    .option('--hub-url <url>', 'Hugging Face Hub (HF_ENDPOINT)')
    .option('--api-key-file <file>', 'file with the arena key (else FLOCK_ARENA_API_KEY, FLOCK_API_KEY)');
}

/**
 * Opens a session from flags and environment.
 *
 * @throws QuarryError `FILE_NOT_FOUND` when a named file does not exist
 * @throws QuarryError `USAGE` when a flag is invalid
 */
async function openSession(context: CliContext, flags: FlockFlags): Promise<FlockSession> {
  const { env } = context;
  const config = await loadConfig({
    env,
    signal: context.signal,
    flags: {
      flockBaseUrl: flags.baseUrl,
      hubUrl: flags.hubUrl,
      timeoutSeconds: flags.timeoutSeconds,
      timeout: flags.timeout,
    },
    flagNames: { flockBaseUrl: '--base-url', hubUrl: '--hub-url' },
  });
  const say = (text: string): void => {
    if (!flags.quiet) tell(context, text);
  };
  const apiKey =
    flags.apiKeyFile === undefined ? config.flockApiKey : (await keyIn(flags.apiKeyFile, context.signal)).trim();
  if (apiKey !== undefined && (/\s/.test(apiKey) || /^(?:sk-|hf_)/.test(apiKey))) {
    say('warning: the arena key looks like a key of another service; it comes from train.flock.io after staking');
  }
  const client = new FlockClient(
    {
      baseUrl: config.flockBaseUrl,
      apiKey,
      timeoutMs: config.timeoutSeconds * 1000,
      userAgent: 'quarry-flock (+https://www.npmjs.com/package/quarry-miner)',
    },
    { onRetry: (error, _attempt, delayMs) => say(`${error.message}; retrying in ${formatDuration(delayMs)}`) },
  );
  return {
    client,
    ledger: new SubmissionLedger(join(stateHome(env), 'quarry', 'flock', 'submissions.jsonl')),
    hubUrl: config.hubUrl,
    hfToken: config.hfToken,
    gpuType: config.flockGpuType,
    env,
    say,
    close: () => client.close(),
  };
}

/** Runs `work` in a session that is closed afterwards. */
export async function withSession<T>(
  context: CliContext,
  flags: FlockFlags,
  work: (session: FlockSession) => Promise<T>,
): Promise<T> {
  const session = await openSession(context, flags);
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

async function keyIn(path: string, signal: AbortSignal): Promise<string> {
  return (await readNamedFile(path, { doing: `reading the key file ${path}`, signal })).toString('utf8');
}
