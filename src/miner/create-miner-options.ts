import type { ChosenEngine, EngineOptions } from '../engine/choose-engine.js';
import type { ScoringEngine } from '../engine/contract.js';
import type { DataHost } from '../hosting/index.js';
import type { Signer } from '../soma/chain/index.js';
import type { SomaClient } from '../soma/client/soma-client.js';
import type { FullnodeEvent } from '../soma/client/transport/index.js';
import type { CutStats, ResolveOptions, SampleStreamOptions } from '../sources/index.js';
import type { ChosenScanner, ScannerOptions, Store } from '../store/index.js';
import type { ModelConfig } from '../weights/model-config.js';
import type { Journal } from './journal/journal.js';
import type { Miner } from './miner.js';
import type { MinerOptions } from './miner-options.js';

/** What {@link createMiner} makes a miner of. */
export interface CreateMinerOptions extends Omit<MinerOptions, 'config'> {
  /** A network's name or the URL of a fullnode; or a client, which stays the caller's to close. */
  readonly network: string | SomaClient;
  /** More fullnodes of the same network; the fastest that answers is used. Only where `network` is not a client. */
  readonly fullnodes?: readonly string[] | undefined;
  /** Told which fullnode is preferred, and which fail or are refused, where there are several. */
  readonly onFullnode?: ((event: FullnodeEvent) => void) | undefined;
  readonly signer: Signer;
  /** Files, directories, globs, archives, `hf:owner/name`, `urls:FILE`, URLs, `-`. */
  readonly data: readonly string[];
  /** Keeps the store, the journal, the weights and hosted data; made when missing. One miner at a time. */
  readonly stateDir: string;
  /** Where submitted bytes are hosted. Default: an HTTP server of its own on a free loopback port. */
  readonly host?: DataHost | undefined;
  /** Default: whatever is fastest here. */
  readonly engine?: EngineOptions | undefined;
  /** Puts another engine over this machine's, which it closes: a fleet of scorers. Default: none. */
  readonly overEngine?: ((local: ScoringEngine) => Promise<ScoringEngine>) | undefined;
  /** What finds hits among stored rows. Default: whatever is fastest here. */
  readonly distance?: ScannerOptions | undefined;
  /** Default: by the width of the network's embeddings. */
  readonly config?: ModelConfig | undefined;
  readonly samples?: Omit<SampleStreamOptions, 'signal' | 'skipUnits'> | undefined;
  readonly decode?: Omit<ResolveOptions, 'cwd'> & { readonly cwd?: string | undefined };
  readonly stdin?: AsyncIterable<Uint8Array> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A miner with everything it stands on. Close it when done. */
export interface AssembledMiner {
  readonly miner: Miner;
  readonly client: SomaClient;
  readonly store: Store;
  readonly journal: Journal;
  readonly engine: ChosenEngine;
  readonly distance: Omit<ChosenScanner, 'scanner'>;
  readonly cut: CutStats;
  close(): Promise<void>;
}
