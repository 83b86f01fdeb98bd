import { join } from 'node:path';
import type { Command } from 'commander';
import type { Config, SettingName } from '../config/index.js';
import { QuarryError } from '../errors/index.js';
import type { Keypair } from '../soma/chain/index.js';
import { NETWORKS } from '../soma/client/networks.js';
import { SomaClient, type SomaClientOptions } from '../soma/client/soma-client.js';
import { defaultWalletDirectory, resolveSigner, Wallet } from '../soma/wallet/index.js';
import type { CliContext } from './context.js';
import { addSettingFlags, addSettings, configOf } from './settings-options.js';
import { homeOf, stateDirOf } from './state-dir.js';

/** Flags of commands that talk to the network. */
export interface SessionFlags {
  readonly json?: boolean | undefined;
  /** Alias or address of a wallet account. */
  readonly account?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly walletDir?: string | undefined;
}

const NETWORK_SETTINGS: readonly SettingName[] = ['network', 'fullnodes', 'timeoutSeconds'];
const SIGNER_SETTINGS: readonly SettingName[] = ['keyFile', 'walletDir'];

/** Adds `--json`, `--network`, `--config` and the given settings. */
export function withNetwork(command: Command, more: readonly SettingName[] = []): Command {
  return addSettings(command.option('--json', 'JSON on stdout'), [...NETWORK_SETTINGS, ...more]);
}

/** Like {@link withNetwork}, plus the flags that select the signer. */
export function withSigner(command: Command, more: readonly SettingName[] = []): Command {
  withNetwork(command, [...SIGNER_SETTINGS, ...more]);
  return command.option('--account <name>', 'alias or address of the wallet account (default: the active one)');
}

/** Like {@link withSigner}, for commands whose `--config` is a model configuration. */
export function withSignerFlags(command: Command, more: readonly SettingName[] = []): Command {
  command.option('--json', 'JSON on stdout');
  addSettingFlags(command, [...NETWORK_SETTINGS, ...SIGNER_SETTINGS, ...more]);
  return command.option('--account <name>', 'alias or address of the wallet account (default: the active one)');
}

/** Context of a command that talks to the network. */
export class SomaSession {
  readonly context: CliContext;
  readonly config: Config;
  readonly client: SomaClient;
  readonly #flags: SessionFlags;

  /** Use {@link withSession}. */
  constructor(context: CliContext, config: Config, client: SomaClient, flags: SessionFlags) {
    this.context = context;
    this.config = config;
    this.client = client;
    this.#flags = flags;
  }

  /** Fires when the user interrupts. */
  get signal(): AbortSignal {
    return this.context.signal;
  }

  /** Directory with the store, weights and hosted data of this network. */
  get stateDir(): string {
    return stateDirOf(this.config, this.context.env);
  }

  /** The signing key; see {@link signerOf}. */
  signer(): Promise<Keypair> {
    return signerOf(this.context, this.config, this.#flags);
  }
}

/** Connects to the configured network, runs `work`, and closes the connection. */
export async function withSession<T>(
  context: CliContext,
  flags: SessionFlags,
  work: (session: SomaSession) => Promise<T>,
  config?: Config,
): Promise<T> {
  const settings = config ?? (await configOf(context, { ...flags }));
  const client = await connect(context, settings);
  try {
    return await work(new SomaSession(context, settings, client, flags));
  } finally {
    client.close();
  }
}

/**
 * Creates a client for the configured network: a named network, an environment of the wallet, or a fullnode URL.
 *
 * @throws QuarryError `UNKNOWN_NETWORK` when there is no network of that name
 * @throws QuarryError `UNREACHABLE`, `TIMEOUT`, `TLS` or `PROTOCOL` when no fullnode answers there
 */
async function connect(context: CliContext, config: Config): Promise<SomaClient> {
  const { network, fullnodes, faucetUrl, adminUrl, timeoutSeconds } = config;
  const services = {
    signal: context.signal,
    ...(fullnodes !== undefined && fullnodes.length > 0 && { fallbackUrls: fullnodes }),
    faucetUrl,
    adminUrl,
    timeoutMs: timeoutSeconds * 1000,
  };
  return SomaClient.connect({ ...(await endpointOf(context, config, network)), ...services });
}

async function endpointOf(
  context: CliContext,
  config: Config,
  network: string,
): Promise<
  { readonly url: string } | { readonly network: Extract<SomaClientOptions, { network: string }>['network'] }
> {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(network)) return { url: network };
  if (!Object.hasOwn(NETWORKS, network)) {
    const wallet = await Wallet.open({ directory: walletDirOf(context, config) }).catch(() => undefined);
    const environment = wallet?.environments.find(({ alias }) => alias === network);
    if (environment !== undefined) return { url: environment.rpc };
  }
  // The client knows its networks and rejects unknown names.
  return { network: network as keyof typeof NETWORKS };
}

/** Directory of the official tool's wallet: the configured one, or the tool's default. */
export function walletDirOf(context: CliContext, config: Config): string {
  return config.walletDir ?? defaultWalletDirectory(homeOf(context.env));
}

/**
 * The signing key pair. Command-line options take precedence (a wallet account or directory, a key file), then
 * `SOMA_SECRET_KEY`, the configured key file, and the wallet.
 *
 * @throws QuarryError `CONFIG_MISSING` when no key is found
 * @throws QuarryError `KEY_INVALID` or `KEY_FILE_UNSAFE` when the key cannot be used
 */
export async function signerOf(context: CliContext, config: Config, flags: SessionFlags): Promise<Keypair> {
  const directory = walletDirOf(context, config);
  if (flags.account !== undefined || (flags.walletDir !== undefined && flags.keyFile === undefined)) {
    return resolveSigner({ wallet: { directory, account: flags.account } });
  }
  if (flags.keyFile !== undefined) return resolveSigner({ keyFile: flags.keyFile });
  if (config.secretKey !== undefined || config.keyFile !== undefined) {
    return resolveSigner({ secretKey: config.secretKey, keyFile: config.keyFile });
  }
  try {
    return await resolveSigner({ wallet: { directory } });
  } catch (error) {
    if (!(error instanceof QuarryError) || error.code !== 'CONFIG_MISSING') throw error;
    throw new QuarryError('CONFIG_MISSING', 'no signing key', {
      hint: 'set SOMA_SECRET_KEY, give --key-file, or create a wallet: quarry wallet new',
      details: { looked: join(directory, 'client.yaml') },
    });
  }
}
