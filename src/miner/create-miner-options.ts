import type { ChosenEngine } from '../engine/choose-engine.js';
import type { DistanceEngine, ScoringEngine } from '../engine/contract.js';
import type { EngineOptions } from '../engine/engine-options.js';
import type { DataHost } from '../hosting/index.js';
import type { Signer } from '../soma/chain/index.js';
import type { SomaClient } from '../soma/client/soma-client.js';
import type { FullnodeEvent } from '../soma/client/transport/index.js';
import type { CutStats, ResolveOptions, Sample, SampleStreamOptions } from '../sources/index.js';
import type { ChosenScanner, FarRows, ScannerOptions, Store } from '../store/index.js';
import type { ModelConfig } from '../weights/model-config.js';
import type { Journal } from './journal/journal.js';
import type { Miner } from './miner.js';
import type { MinerOptions } from './miner-options.js';

/** Bytes to score, 1 to 1 MiB, and a readable description of their origin. */
export type OwnSample = Pick<Sample, 'bytes' | 'origin'>;

/** Options of {@link createMiner}. */
export interface CreateMinerOptions extends Omit<MinerOptions, 'config' | 'scoreOnly'> {
  /** A network name, the URL of a fullnode, or a client, which the caller closes. */
  readonly network: string | SomaClient;
  /** More fullnodes of the same network; the fastest is used. Ignored if `network` is a client. */
  readonly fullnodes?: readonly string[] | undefined;
  /** With several fullnodes, called when one is preferred, fails or is refused. */
  readonly onFullnode?: ((event: FullnodeEvent) => void) | undefined;
  /** Key that pays bonds and fees and receives rewards. */
  readonly signer: Signer;
  /**
   * Files, directories, globs, archives, `hf:owner/name`, `urls:FILE`, URLs, `-`. At least one, unless `samples` is
   * given.
   */
  readonly data?: readonly string[] | undefined;
  /**
   * The caller's own samples, instead of `data`. Pulled as fast as they are scored; `return()` is called when the miner
   * ends. Empty samples and those above the protocol's limit are skipped with a warning. The position is not saved
   * between runs, but samples that the store already has are not scored again.
   */
  readonly samples?: AsyncIterable<OwnSample> | undefined;
  /** Directory of store, journal, weights and hosted data; created if missing. Used by one miner at a time. */
  readonly stateDir: string;
  /**
   * State directory of another miner to score for. This miner then finds no hits and spends nothing, skips samples in
   * that miner's store and shares its weights; `stateDir` must come from `freeSlot`. Default: none.
   */
  readonly scoreFor?: string | undefined;
  /** Directory of locks that keep processes from spending the same key's coins at once. Default: no lock. */
  readonly keysDir?: string | undefined;
  /** Hosts submitted bytes; the caller closes it. Default: `ownHost` of `quarry-miner/miner`. */
  readonly host?: DataHost | undefined;
  /** Scoring engine, which the caller closes, or how to choose one. Default: the fastest on this machine. */
  readonly engine?: EngineOptions | ScoringEngine | undefined;
  /** Wraps this machine's engine in another, such as a fleet; the wrapper closes it. Default: none. */
  readonly overEngine?: ((local: ScoringEngine) => Promise<ScoringEngine>) | undefined;
  /** Returns rows on other machines to search as well; called once the engine is open. Default: none. */
  readonly farRows?: (() => FarRows | undefined) | undefined;
  /** Distance engine for scans, which the caller closes, or how to choose one. Default: the fastest on this machine. */
  readonly distance?: ScannerOptions | DistanceEngine | undefined;
  /** Model shape. Default: chosen by the width of the network's embeddings. */
  readonly config?: ModelConfig | undefined;
  /** How `data` is cut into samples and in which order it is read. Default: 1024-byte samples in the order listed. */
  readonly cutting?: Omit<SampleStreamOptions, 'signal' | 'skipUnits'> | undefined;
  /** Samples buffered so that the one least like those already scored comes next. Default 0: order of arrival. */
  readonly lookAhead?: number | undefined;
  /** How documents are found in the files of `data`. Default `cwd`: the working directory of the process. */
  readonly decode?: Omit<ResolveOptions, 'cwd'> & { readonly cwd?: string | undefined };
  /** What `-` in `data` reads. Default: nothing. */
  readonly stdin?: AsyncIterable<Uint8Array> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The scoring engine in use, chosen or the caller's. */
export type MinerEngine = Omit<ChosenEngine, 'name'> & { readonly name: string };

/** The distance engine in use, chosen or the caller's. */
export type MinerDistance = Omit<ChosenScanner, 'scanner' | 'name'> & { readonly name: string };

/** A miner with its dependencies. Close it when done. */
export interface AssembledMiner {
  readonly miner: Miner;
  readonly client: SomaClient;
  readonly store: Store;
  readonly journal: Journal;
  readonly engine: MinerEngine;
  readonly distance: MinerDistance;
  /** Counts of cutting `data` into samples; all zero with the caller's own samples. */
  readonly cut: CutStats;
  /** Closes everything that {@link createMiner} opened; what the caller passed in stays open. */
  close(): Promise<void>;
}
