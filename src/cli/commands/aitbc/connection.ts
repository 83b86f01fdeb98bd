import { type Command, Option } from 'commander';
import {
  AITBCClient,
  type AITBCClientOptions,
  type DialectChoice,
  walletFromPrivateKey,
} from '../../../aitbc/index.js';
import { type Config, loadConfig } from '../../../config/index.js';
import { QuarryError } from '../../../errors/index.js';
import { parseJson } from '../../../text/parse-json.js';
import type { CliContext } from '../../context.js';
import { waitMs } from '../../parse-argument.js';
import { readText } from '../../read-text.js';
import { addSettingFlags } from '../../settings-options.js';

/** Maximum size of a job or receipt; the samples of a job may be megabytes. */
export const MAX_JSON_BYTES = 64 * 1024 * 1024;

/** Flags of all commands that talk to a coordinator. */
export interface ConnectionFlags {
  readonly baseUrl?: string | undefined;
  readonly dialect: DialectChoice;
  readonly marketplaceUrl?: string | undefined;
  readonly party?: string | undefined;
  readonly walletKeyFile?: string | undefined;
  readonly timeoutSeconds?: string | undefined;
  readonly timeout?: string | undefined;
  readonly httpTimeoutMs?: number | undefined;
  readonly signer?: readonly string[] | undefined;
  readonly attester?: readonly string[] | undefined;
  readonly json?: boolean | undefined;
  readonly camel?: boolean | undefined;
}

/** Adds the connection flags and `--json`, `--camel`. */
export function withConnection(command: Command): Command {
  addSettingFlags(command, ['timeoutSeconds']);
  return withOutput(command)
    .option('--base-url <url>', 'the coordinator (AITBC_BASE_URL) [https://aitbc.bubuit.net/api]')
    .addOption(
      new Option('--dialect <name>', 'dialect of the coordinator')
        .choices(['auto', 'documented', 'live', 'live-key', 'live-jwt'])
        .default('auto'),
    )
    .option('--marketplace-url <url>', 'the marketplace service of a live network')
    .option('--party <name>', 'the offering and buying party: a wallet address or provider name')
    .option('--wallet-key-file <file>', 'private key for the login of a live-jwt coordinator')
    .addOption(new Option('--http-timeout-ms <n>').argParser(waitMs).hideHelp());
}

/** Adds `--json` and `--camel`. */
function withOutput(command: Command): Command {
  return command
    .option('--json', "print the document's wire object (snake_case)")
    .option('--camel', 'with --json: camelCase names, as the library returns them');
}

/** Adds the flags that pin receipt keys. */
export function withPins(command: Command): Command {
  return command
    .option('--signer <key-id...>', 'receipt keys to trust (AITBC_TRUSTED_SIGNERS)')
    .option('--attester <key-id...>', 'attestation keys to trust (AITBC_TRUSTED_ATTESTERS)');
}

/** Runs `use` with a client, which is closed afterwards. */
export async function withClient<T>(
  context: CliContext,
  flags: ConnectionFlags,
  use: (client: AITBCClient) => Promise<T>,
): Promise<T> {
  const client = new AITBCClient(await clientOptions(context, flags));
  try {
    return await use(client);
  } catch (error) {
    throw error instanceof QuarryError && error.code === 'UNREACHABLE' && error.hint === undefined
      ? new QuarryError(error.code, error.message, {
          cause: error,
          details: error.details,
          hint: 'check --base-url (AITBC_BASE_URL); quarry aitbc serve starts a coordinator on this machine',
        })
      : error;
  } finally {
    await client.close();
  }
}

/** Merges the settings of a command: flags over environment over config file. */
export async function settingsOf(context: CliContext, flags: Partial<ConnectionFlags>): Promise<Config> {
  return loadConfig({
    env: context.env,
    signal: context.signal,
    flags: {
      aitbcBaseUrl: flags.baseUrl,
      aitbcMarketplaceUrl: flags.marketplaceUrl,
      aitbcTrustedSigners: flags.signer,
      aitbcTrustedAttesters: flags.attester,
      timeoutSeconds: flags.timeoutSeconds ?? (flags.httpTimeoutMs && flags.httpTimeoutMs / 1000),
      timeout: flags.timeout,
    },
    flagNames: {
      aitbcBaseUrl: '--base-url',
      aitbcMarketplaceUrl: '--marketplace-url',
      aitbcTrustedSigners: '--signer',
      aitbcTrustedAttesters: '--attester',
    },
  });
}

/** Builds client options. Keys come from the environment, the config file or a key file, never from a flag. */
async function clientOptions(context: CliContext, flags: ConnectionFlags): Promise<AITBCClientOptions> {
  const config = await settingsOf(context, flags);
  const walletKey =
    flags.walletKeyFile === undefined ? config.aitbcWalletKey : await readText(context, flags.walletKeyFile);
  const optional = {
    baseUrl: config.aitbcBaseUrl,
    apiKey: config.aitbcApiKey,
    token: config.aitbcToken,
    adminApiKey: config.aitbcAdminKey,
    network: config.aitbcNetwork,
    marketplaceUrl: config.aitbcMarketplaceUrl,
    marketplaceParty: flags.party,
    wallet: walletKey === undefined ? undefined : walletFromPrivateKey(walletKey),
  };
  return {
    ...(Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)) as AITBCClientOptions),
    dialect: flags.dialect,
    timeout: config.timeoutSeconds * 1000,
    ...pinsOf(config),
  };
}

/** The receipt keys pinned in the settings. */
export function pinsOf(config: Config): { trustedSigners: readonly string[]; trustedAttesters: readonly string[] } {
  return { trustedSigners: config.aitbcTrustedSigners ?? [], trustedAttesters: config.aitbcTrustedAttesters ?? [] };
}

/** Reads a JSON object from a file; `-` is standard input. */
export async function readObject(file: string, context: CliContext): Promise<Record<string, unknown>> {
  let value: unknown;
  try {
    value = parseJson(await readText(context, file, MAX_JSON_BYTES));
  } catch (cause) {
    if (cause instanceof QuarryError) throw cause;
    throw new QuarryError('DATA_INVALID', `${file} is not JSON`, { cause });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new QuarryError('DATA_INVALID', `${file} does not contain a JSON object`);
}
