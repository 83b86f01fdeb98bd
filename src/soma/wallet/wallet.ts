import { webcrypto } from 'node:crypto';
import { isAbsolute, join, parse, resolve } from 'node:path';
import { QuarryError } from '../../errors/index.js';
import { replaceFile } from '../../files/replace-file.js';
import {
  type Address,
  generateMnemonic,
  isId,
  Keypair,
  type MnemonicWordCount,
  normaliseId,
  type SecretFormat,
} from '../chain/index.js';
import { ClientConfig, type WalletEnvironment } from './client-config.js';
import {
  checkAlias,
  formatAliases,
  formatKeystore,
  type KeystoreKey,
  parseAliases,
  parseKeystore,
} from './keystore.js';
import { readSecretFile, readTextFile } from './protected-file.js';

/** An account of the wallet, without its secret. */
export interface WalletAccount {
  readonly address: Address;
  readonly alias: string;
  /** Base64 of the scheme flag and the public key. */
  readonly publicKey: string;
  readonly isActive: boolean;
}

/** A new account and the phrase that restores it. */
export interface GeneratedAccount {
  readonly account: WalletAccount;
  /** To be shown once; it is not stored. */
  readonly mnemonic: string;
}

/** Location of a wallet. */
export interface WalletOptions {
  /** The directory with `client.yaml`. */
  readonly directory: string;
}

/** Options of a new wallet. */
export interface CreateWalletOptions extends WalletOptions {
  /** Networks the wallet knows. Default: those of the official tool. */
  readonly environments?: readonly WalletEnvironment[] | undefined;
  /** Alias of the network in use. Default: the first. */
  readonly activeEnvironment?: string | undefined;
}

/** Default directory of the official tool; the tool itself can override it with SOMA_CONFIG_DIR. */
export function defaultWalletDirectory(homeDirectory: string): string {
  return join(homeDirectory, '.soma', 'soma_config');
}

/**
 * The official command-line wallet: `client.yaml`, `soma.keystore` and `soma.aliases`. Every change reads the files
 * again and replaces them atomically, so that the official tool can use the same wallet.
 */
export class Wallet {
  readonly directory: string;
  #config: ClientConfig;
  #keys: readonly KeystoreKey[];
  #lastChange: Promise<unknown> = Promise.resolve();

  private constructor(directory: string, config: ClientConfig, keys: readonly KeystoreKey[]) {
    this.directory = directory;
    this.#config = config;
    this.#keys = keys;
  }

  /**
   * Opens an existing wallet.
   *
   * @throws QuarryError `CONFIG_MISSING` when the directory has no client.yaml
   * @throws QuarryError `CONFIG_INVALID` when client.yaml or the aliases are malformed
   * @throws QuarryError `KEY_FILE_UNSAFE` when others may read the keystore
   * @throws QuarryError `KEY_INVALID` when the keystore is malformed
   */
  static async open(options: WalletOptions): Promise<Wallet> {
    const { config, keys } = await load(options.directory);
    return new Wallet(options.directory, config, keys);
  }

  /**
   * Creates a new, empty wallet.
   *
   * @throws QuarryError `ALREADY_EXISTS` when the directory has a wallet
   */
  static async create(options: CreateWalletOptions): Promise<Wallet> {
    const keystorePath = resolve(options.directory, 'soma.keystore');
    for (const path of [configPath(options.directory), keystorePath]) {
      if ((await readIfThere(() => readTextFile(path))) !== undefined) {
        throw new QuarryError('ALREADY_EXISTS', `the wallet already exists: ${path}`, { details: { path } });
      }
    }
    const config = ClientConfig.create({ ...options, keystorePath });
    await replaceFile(keystorePath, formatKeystore([]));
    await replaceFile(aliasPath(keystorePath), formatAliases([]));
    await replaceFile(configPath(options.directory), config.toString());
    return new Wallet(options.directory, config, []);
  }

  /** Opens the wallet of a directory, or creates it if there is none. */
  static async openOrCreate(options: CreateWalletOptions): Promise<Wallet> {
    const text = await readIfThere(() => readTextFile(configPath(options.directory)));
    return text === undefined ? Wallet.create(options) : Wallet.open(options);
  }

  /** Accounts by ascending address. */
  get accounts(): readonly WalletAccount[] {
    return this.#keys.map((key) => this.#accountOf(key));
  }

  /** The address used by default. */
  get activeAddress(): Address | undefined {
    return this.#config.activeAddress;
  }

  /** The networks known to the wallet. */
  get environments(): readonly WalletEnvironment[] {
    return this.#config.environments;
  }

  /** The active network. */
  get activeEnvironment(): WalletEnvironment | undefined {
    return this.#config.activeEnvironment;
  }

  /**
   * The key of an account.
   *
   * @param account address or alias; default the active address
   * @throws QuarryError `NOT_FOUND` when the wallet has no such account
   * @throws QuarryError `CONFIG_MISSING` when none is named and none is active
   */
  keypair(account?: string): Keypair {
    return this.#keyOf(account).keypair;
  }

  /**
   * The secret of an account as text; see {@link Wallet.keypair} for errors. Show it only to the user who asked for it.
   */
  exportSecret(account: string, format: SecretFormat = 'bech32'): string {
    return this.#keyOf(account).keypair.exportSecret(format);
  }

  /**
   * Adds a key.
   *
   * @param alias default: derived from the address
   * @throws QuarryError `ALREADY_EXISTS` when the wallet has the key or the alias
   * @throws QuarryError `INVALID_ARGUMENT` when the alias is malformed
   */
  add(keypair: Keypair, alias?: string): Promise<WalletAccount> {
    if (alias !== undefined) checkAlias(alias);
    return this.#change(async (config, keys) => {
      if (keys.some((key) => key.keypair.address === keypair.address)) {
        throw new QuarryError('ALREADY_EXISTS', `the wallet already has the key of ${keypair.address}`);
      }
      const taken = new Set(keys.map((key) => key.alias));
      if (alias !== undefined && taken.has(alias)) {
        throw new QuarryError('ALREADY_EXISTS', `the wallet already has an account called ${alias}`);
      }
      const added = { keypair, alias: alias ?? aliasFor(keypair.address, taken) };
      if (config.activeAddress === undefined) config.setActiveAddress(keypair.address);
      return { keys: [...keys, added], result: () => this.#accountOf(added) };
    });
  }

  /**
   * Adds a key from text in any form, see {@link Keypair.fromText}.
   *
   * @throws QuarryError `KEY_INVALID` when the text is not a key; otherwise as {@link Wallet.add}
   */
  async import(text: string, alias?: string): Promise<WalletAccount> {
    return this.add(Keypair.fromText(text), alias);
  }

  /** Generates a new phrase and adds its first key. Errors as {@link Wallet.add}. */
  async generate(
    options: {
      readonly alias?: string | undefined;
      readonly wordCount?: MnemonicWordCount | undefined;
      readonly randomBytes?: ((size: number) => Uint8Array) | undefined;
    } = {},
  ): Promise<GeneratedAccount> {
    const randomBytes = options.randomBytes ?? ((size) => webcrypto.getRandomValues(new Uint8Array(size)));
    const mnemonic = generateMnemonic(options.wordCount ?? 12, randomBytes);
    const account = await this.add(Keypair.fromMnemonic(mnemonic), options.alias);
    return { account, mnemonic };
  }

  /**
   * Removes an account's key permanently.
   *
   * @throws QuarryError `NOT_FOUND` when the wallet has no such account
   */
  remove(account: string): Promise<void> {
    return this.#change(async (config, keys) => {
      const gone = find(keys, account);
      const rest = keys.filter((key) => key !== gone);
      if (config.activeAddress === gone.keypair.address) config.setActiveAddress(rest[0]?.keypair.address);
      return { keys: rest, result: () => undefined };
    });
  }

  /**
   * Gives an account another alias.
   *
   * @throws QuarryError `NOT_FOUND` when the wallet has no such account
   * @throws QuarryError `ALREADY_EXISTS` when another account has the alias
   * @throws QuarryError `INVALID_ARGUMENT` when the alias is malformed
   */
  rename(account: string, alias: string): Promise<void> {
    checkAlias(alias);
    return this.#change(async (_config, keys) => {
      const renamed = find(keys, account);
      if (keys.some((key) => key !== renamed && key.alias === alias)) {
        throw new QuarryError('ALREADY_EXISTS', `the wallet already has an account called ${alias}`);
      }
      return { keys: keys.map((key) => (key === renamed ? { ...key, alias } : key)), result: () => undefined };
    });
  }

  /** @throws QuarryError `NOT_FOUND` when the wallet has no such account */
  setActiveAddress(account: string): Promise<void> {
    return this.#change(async (config, keys) => {
      config.setActiveAddress(find(keys, account).keypair.address);
      return { keys, result: () => undefined };
    });
  }

  /** @throws QuarryError `NOT_FOUND` when the wallet knows no such environment */
  setActiveEnvironment(alias: string): Promise<void> {
    return this.#change(async (config, keys) => {
      config.setActiveEnvironment(alias);
      return { keys, result: () => undefined };
    });
  }

  /** Adds an environment, or changes the one with the same alias. */
  setEnvironment(environment: WalletEnvironment): Promise<void> {
    return this.#change(async (config, keys) => {
      config.setEnvironment(environment);
      return { keys, result: () => undefined };
    });
  }

  #accountOf({ keypair, alias }: KeystoreKey): WalletAccount {
    return {
      address: keypair.address,
      alias,
      publicKey: keypair.publicKeyText,
      isActive: keypair.address === this.#config.activeAddress,
    };
  }

  #keyOf(account: string | undefined): KeystoreKey {
    const wanted = account ?? this.#config.activeAddress;
    if (wanted === undefined) {
      throw new QuarryError('CONFIG_MISSING', 'the wallet has no active address', {
        hint: 'name an account, or make one active',
      });
    }
    return find(this.#keys, wanted);
  }

  /** Applies changes one at a time to the current contents of the files, and writes the result. */
  #change<R>(
    change: (
      config: ClientConfig,
      keys: readonly KeystoreKey[],
    ) => Promise<{ readonly keys: readonly KeystoreKey[]; readonly result: () => R }>,
  ): Promise<R> {
    const next = this.#lastChange.then(async () => {
      const { config, keys, otherAliases } = await load(this.directory);
      const before = config.toString();
      const changed = await change(config, keys);
      const sorted = [...changed.keys].sort((a, b) => (a.keypair.address < b.keypair.address ? -1 : 1));
      if (changed.keys !== keys) {
        const path = keystorePathOf(this.directory, config);
        const keystore = formatKeystore(sorted.map((key) => key.keypair));
        if (keystore !== formatKeystore(keys.map((key) => key.keypair))) await replaceFile(path, keystore);
        await replaceFile(aliasPath(path), formatAliases(sorted, otherAliases));
      }
      if (config.toString() !== before) await replaceFile(configPath(this.directory), config.toString());
      this.#config = config;
      this.#keys = sorted;
      return changed.result();
    });
    this.#lastChange = next.catch(() => {});
    return next;
  }
}

function configPath(directory: string): string {
  return join(directory, 'client.yaml');
}

function keystorePathOf(directory: string, config: ClientConfig): string {
  const path = config.keystorePath;
  return isAbsolute(path) ? path : resolve(directory, path);
}

/** The alias file is next to the keystore, with another extension. */
function aliasPath(keystorePath: string): string {
  const { dir, name } = parse(keystorePath);
  return join(dir, `${name}.aliases`);
}

interface Loaded {
  readonly config: ClientConfig;
  readonly keys: readonly KeystoreKey[];
  /** Alias entries of keys that are not in the keystore. */
  readonly otherAliases: readonly unknown[];
}

async function load(directory: string): Promise<Loaded> {
  const text = await readIfThere(() => readTextFile(configPath(directory)));
  if (text === undefined) {
    throw new QuarryError('CONFIG_MISSING', `no wallet in ${directory}`, {
      hint: 'create one with `quarry wallet new`, or name another directory',
      details: { directory },
    });
  }
  const config = ClientConfig.parse(text);
  const keystorePath = keystorePathOf(directory, config);
  const keypairs = parseKeystore((await readIfThere(() => readSecretFile(keystorePath))) ?? '[]');
  const aliases = parseAliases((await readIfThere(() => readTextFile(aliasPath(keystorePath)))) ?? '[]');
  const taken = new Set(aliases.byAddress.values());
  const keys = keypairs.map((keypair) => {
    const alias = aliases.byAddress.get(keypair.address) ?? aliasFor(keypair.address, taken);
    taken.add(alias);
    return { keypair, alias };
  });
  const own = new Set(keypairs.map((keypair) => keypair.address));
  const otherAliases = aliases.entries
    .filter(({ address }) => address === undefined || !own.has(address))
    .map(({ entry }) => entry);
  return { config, keys, otherAliases };
}

async function readIfThere(read: () => Promise<string>): Promise<string | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof QuarryError && error.code === 'FILE_NOT_FOUND') return undefined;
    throw error;
  }
}

/** Generates an alias, which the official tool requires for every key. */
function aliasFor(address: Address, taken: ReadonlySet<string>): string {
  for (let digits = 6; ; digits += 2) {
    const alias = `account-${address.slice(2, 2 + digits)}`;
    if (!taken.has(alias) || digits >= 64) return alias;
  }
}

function find(keys: readonly KeystoreKey[], account: string): KeystoreKey {
  const address = isId(account) ? normaliseId(account) : undefined;
  // An alias such as "cafe" is also a valid short address; aliases take precedence.
  const key = keys.find(({ alias }) => alias === account) ?? keys.find(({ keypair }) => keypair.address === address);
  if (key === undefined) {
    throw new QuarryError('NOT_FOUND', 'the wallet has no such account', {
      hint: 'list the accounts with `quarry wallet list`',
      details: { address },
    });
  }
  return key;
}
