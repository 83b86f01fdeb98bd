import { Document, isScalar, parseDocument, Scalar, YAMLMap, YAMLSeq } from 'yaml';
import { QuarryError } from '../../errors/index.js';
import { type Address, isId, normaliseId } from '../chain/index.js';

/** A network the wallet knows. */
export interface WalletEnvironment {
  readonly alias: string;
  /** RPC URL. */
  readonly rpc: string;
  /** Base58 digest of the genesis checkpoint, once learnt. */
  readonly chainId?: string | undefined;
}

/** The networks that a new wallet knows, as the official tool has them. */
export const DEFAULT_ENVIRONMENTS: readonly WalletEnvironment[] = [
  { alias: 'testnet', rpc: 'https://fullnode.testnet.soma.org:443' },
  { alias: 'local', rpc: 'http://127.0.0.1:9000' },
];

/**
 * The official tool's `client.yaml`. Changes keep everything else in the file as it was: comments, order, and fields
 * this library does not know.
 */
export class ClientConfig {
  readonly #document: Document;

  private constructor(document: Document) {
    this.#document = document;
  }

  /**
   * Reads the file's text.
   *
   * @throws QuarryError `CONFIG_INVALID` when it is not YAML or lacks what a wallet needs
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
   * A new file.
   *
   * @param options.keystorePath where the keys lie
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

  /** The text of a scalar as it stands in the file: an address of digits only is not a number. */
  #text(path: readonly unknown[]): string | undefined {
    const node = this.#document.getIn(path, true);
    if (!isScalar(node) || node.value === null || node.value === undefined) return undefined;
    return typeof node.value === 'string' ? node.value : (node.source ?? String(node.value));
  }

  /**
   * Where the keys lie, as the file says it.
   *
   * @throws QuarryError `UNSUPPORTED` when the keys do not lie in a file
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

  /** The alias of the network in use. */
  get activeEnvironmentAlias(): string | undefined {
    return this.#text(['active_env']);
  }

  /** The network in use. */
  get activeEnvironment(): WalletEnvironment | undefined {
    const alias = this.activeEnvironmentAlias;
    return this.environments.find((environment) => environment.alias === alias);
  }

  /** @throws QuarryError `CONFIG_INVALID` when the file holds something else than an address */
  get activeAddress(): Address | undefined {
    const text = this.#text(['active_address']);
    if (text === undefined) return undefined;
    if (!isId(text)) throw invalid('"active_address" is not an address');
    return normaliseId(text);
  }

  /** Makes an address the one that acts; `undefined` leaves none. */
  setActiveAddress(address: Address | undefined): void {
    // The official tool writes addresses as bare digits; quotes keep a reader from taking them for a number.
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
