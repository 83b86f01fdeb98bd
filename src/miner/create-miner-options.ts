import type { ChosenEngine, EngineOptions } from '../engine/choose-engine.js';
import type { DistanceEngine, ScoringEngine } from '../engine/contract.js';
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

/** Bytes to score, at most 1 MiB, and where they came from, for people. */
export type OwnSample = Pick<Sample, 'bytes' | 'origin'>;

/** What {@link createMiner} makes a miner of. */
export interface CreateMinerOptions extends Omit<MinerOptions, 'config' | 'scoreOnly'> {
  /** A network's name or the URL of a fullnode; or a client, which stays the caller's to close. */
  readonly network: string | SomaClient;
  /** More fullnodes of the same network; the fastest that answers is used. Only where `network` is not a client. */
  readonly fullnodes?: readonly string[] | undefined;
  /** Called with which fullnode is preferred, and which fail or are refused, where there are several. */
  readonly onFullnode?: ((event: FullnodeEvent) => void) | undefined;
  readonly signer: Signer;
  /** Files, directories, globs, archives, `hf:owner/name`, `urls:FILE`, URLs, `-`. At least one, unless `samples` is given. */
  readonly data?: readonly string[] | undefined;
  /**
   * Samples of the caller's own instead of `data`: read as fast as they are scored, ended when the miner ends. One that is
   * empty or larger than the protocol takes is left out with a warning. Where a later run begins is the caller's to know;
   * bytes that the store has are not scored again.
   */
  readonly samples?: AsyncIterable<OwnSample> | undefined;
  /** Keeps the store, the journal, the weights and hosted data; made when missing. One miner at a time. */
  readonly stateDir: string;
  /**
   * State directory of a miner that this one scores for: it finds no hits and spends nothing, leaves out what that miner's
   * store has, and shares its weights. Its own `stateDir` is then one that `freeSlot` names. Default: none.
   */
  readonly scoreFor?: string | undefined;
  /** Where processes that spend one key's coins find out about each other: one at a time does. Default: nowhere. */
  readonly keysDir?: string | undefined;
  /** Where submitted bytes are hosted; stays the caller's to close. Default: as `ownHost` of `quarry-miner/miner` makes it. */
  readonly host?: DataHost | undefined;
  /** What scores: an engine of the caller's, who closes it, or how to choose one. Default: whatever is fastest here. */
  readonly engine?: EngineOptions | ScoringEngine | undefined;
  /** Puts another engine over this machine's, which it closes: a fleet of scorers. Default: none. */
  readonly overEngine?: ((local: ScoringEngine) => Promise<ScoringEngine>) | undefined;
  /** Rows on other machines that are searched besides, asked for when the engine is open. Default: none. */
  readonly farRows?: (() => FarRows | undefined) | undefined;
  /** What finds hits among stored rows: an engine of the caller's, who closes it, or how to choose one. Default: whatever is fastest here. */
  readonly distance?: ScannerOptions | DistanceEngine | undefined;
  /** Default: by the width of the network's embeddings. */
  readonly config?: ModelConfig | undefined;
  /** How `data` is cut into samples, and in which order it is read. Default: every kilobyte, as listed. */
  readonly cutting?: Omit<SampleStreamOptions, 'signal' | 'skipUnits'> | undefined;
  /** Samples held ahead, of which the one most unlike those scored before is scored next. Default 0: in order of arrival. */
  readonly lookAhead?: number | undefined;
  readonly decode?: Omit<ResolveOptions, 'cwd'> & { readonly cwd?: string | undefined };
  readonly stdin?: AsyncIterable<Uint8Array> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a miner scores with: chosen by name, or the caller's own. */
export type MinerEngine = Omit<ChosenEngine, 'name'> & { readonly name: string };

/** What a miner finds hits with: chosen by name, or the caller's own. */
export type MinerDistance = Omit<ChosenScanner, 'scanner' | 'name'> & { readonly name: string };

/** A miner with everything it stands on. Close it when done. */
export interface AssembledMiner {
  readonly miner: Miner;
  readonly client: SomaClient;
  readonly store: Store;
  readonly journal: Journal;
  readonly engine: MinerEngine;
  readonly distance: MinerDistance;
  /** What was cut from `data`; zero throughout where samples are the caller's own. */
  readonly cut: CutStats;
  /** Closes what was made here: client, store, journal, engines. What the caller passed in stays open. */
  close(): Promise<void>;
}
