import { Document, isScalar, parseDocument, Scalar, YAMLMap, YAMLSeq } from 'yaml';
import { QuarryError } from '../../errors/index.js';
import { type Address, isId, normaliseId } from '../chain/index.js';

/** A network known to the wallet. */
export interface WalletEnvironment {
  readonly alias: string;
  /** RPC URL. */
  readonly rpc: string;
  /** Base58 digest of the genesis checkpoint, once known. */
  readonly chainId?: string | undefined;
}

/** The networks of a new wallet, as in the official tool. */
export const DEFAULT_ENVIRONMENTS: readonly WalletEnvironment[] = [
  { alias: 'testnet', rpc: 'https://fullnode.testnet.soma.org:443' },
  { alias: 'local', rpc: 'http://127.0.0.1:9000' },
];

/** The official tool's `client.yaml`. Changes preserve the rest of the file: comments, order and unknown fields. */
export class ClientConfig {
  readonly #document: Document;

  private constructor(document: Document) {
    this.#document = document;
  }

  /**
   * Parses the file.
   *
   * @throws QuarryError `CONFIG_INVALID` when it is not YAML or lacks required fields
   */
  static parse(text: string): ClientConfig {
    const document = parseDocument(text);
    const [fault] = document.errors;
    if (fault !== undefined) {
      throw new QuarryError('CONFIG_INVALID', 'client.yaml is not valid YAML', {
        details: { line: fault.linePos?.[0].line },
        cause: fault,
      });
    }
    const config = new ClientConfig(document as unknown as Document);
    if (!(document.contents instanceof YAMLMap)) throw invalid('it is not a mapping');
    config.keystorePath;
    config.environments;
    config.activeAddress;
    return config;
  }

  /**
   * Creates a new file.
   *
   * @param options.keystorePath path of the keystore
   */
  static create(options: {
    readonly keystorePath: string;
    readonly environments?: readonly WalletEnvironment[] | undefined;
    readonly activeEnvironment?: string | undefined;
  }): ClientConfig {
    const environments = options.environments ?? DEFAULT_ENVIRONMENTS;
    const document = new Document({
      keystore: { File: options.keystorePath },
      external_keys: null,
      envs: [],
      active_env: options.activeEnvironment ?? environments[0]?.alias ?? null,
      active_address: null,
    });
    const config = new ClientConfig(document as unknown as Document);
    for (const environment of environments) config.setEnvironment(environment);
    return config;
  }

  /** The original text of a scalar: an address of digits only must not become a number. */
  #text(path: readonly unknown[]): string | undefined {
    const node = this.#document.getIn(path, true);
    if (!isScalar(node) || node.value === null || node.value === undefined) return undefined;
    return typeof node.value === 'string' ? node.value : (node.source ?? String(node.value));
  }

  /**
   * Path of the keystore as in the file.
   *
   * @throws QuarryError `UNSUPPORTED` when the keys are not stored in a file
   */
  get keystorePath(): string {
    const path = this.#text(['keystore', 'File']);
    if (path !== undefined && path !== '') return path;
    if (!this.#document.has('keystore')) throw invalid('it names no keystore');
    throw new QuarryError('UNSUPPORTED', 'client.yaml names a keystore that is not a file');
  }

  /** @throws QuarryError `CONFIG_INVALID` when an environment lacks its alias or RPC URL */
  get environments(): WalletEnvironment[] {
    const list = this.#document.get('envs', true);
    if (list === undefined || (isScalar(list) && list.value === null)) return [];
    if (!(list instanceof YAMLSeq)) throw invalid('"envs" is not a list');
    return list.items.map((_, index) => {
      const alias = this.#text(['envs', index, 'alias']);
      const rpc = this.#text(['envs', index, 'rpc']);
      if (alias === undefined || rpc === undefined) throw invalid(`environment ${index} lacks an alias or an rpc`);
      const chainId = this.#text(['envs', index, 'chain_id']);
      return { alias, rpc, chainId };
    });
  }

  /** Alias of the active network. */
  get activeEnvironmentAlias(): string | undefined {
    return this.#text(['active_env']);
  }

  /** The active network. */
  get activeEnvironment(): WalletEnvironment | undefined {
    const alias = this.activeEnvironmentAlias;
    return this.environments.find((environment) => environment.alias === alias);
  }

  /** @throws QuarryError `CONFIG_INVALID` when the file contains something other than an address */
  get activeAddress(): Address | undefined {
    const text = this.#text(['active_address']);
    if (text === undefined) return undefined;
    if (!isId(text)) throw invalid('"active_address" is not an address');
    return normaliseId(text);
  }

  /** Sets the active address; `undefined` clears it. */
  setActiveAddress(address: Address | undefined): void {
    // The official tool writes addresses without 0x; quotes prevent them from being read as numbers.
    this.#document.set('active_address', address === undefined ? null : quoted(normaliseId(address).slice(2)));
  }

  /** @throws QuarryError `NOT_FOUND` when the wallet knows no such environment */
  setActiveEnvironment(alias: string): void {
    const known = this.environments.map((environment) => environment.alias);
    if (!known.includes(alias)) {
      throw new QuarryError('NOT_FOUND', `the wallet knows no environment "${alias.slice(0, 40)}"`, {
        hint: known.length === 0 ? 'add one first' : `use one of ${known.join(', ')}`,
      });
    }
    this.#document.set('active_env', alias);
  }

  /** Adds an environment, or changes the one with the same alias. */
  setEnvironment(environment: WalletEnvironment): void {
    const index = this.environments.findIndex(({ alias }) => alias === environment.alias);
    if (index >= 0) {
      this.#document.setIn(['envs', index, 'rpc'], quoted(environment.rpc));
      if (environment.chainId !== undefined) this.#document.setIn(['envs', index, 'chain_id'], environment.chainId);
      return;
    }
    if (!(this.#document.get('envs', true) instanceof YAMLSeq)) this.#document.set('envs', new YAMLSeq());
    const list = this.#document.get('envs', true) as YAMLSeq;
    list.flow = false;
    const node = this.#document.createNode({
      alias: environment.alias,
      rpc: quoted(environment.rpc),
      basic_auth: null,
      chain_id: environment.chainId,
    });
    list.add(node);
  }

  /** The file's text. */
  toString(): string {
    return this.#document.toString({ nullStr: '~', lineWidth: 0 });
  }
}

function quoted(text: string): Scalar {
  const scalar = new Scalar(text);
  scalar.type = Scalar.QUOTE_DOUBLE;
  return scalar;
}

function invalid(problem: string): QuarryError {
  return new QuarryError('CONFIG_INVALID', `client.yaml is not usable: ${problem}`);
}
