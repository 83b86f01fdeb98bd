import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ChosenEngine, chooseEngine, type EngineOptions } from '../engine/choose-engine.js';
import type { ScoringEngine } from '../engine/contract.js';
import { prunePacked } from '../engine/native/prune-packed.js';
import { QuarryError } from '../errors/index.js';
import { type DataHost, HttpHost, verifiedHost } from '../hosting/index.js';
import { HttpClient } from '../http/index.js';
import { blake2b256, protocolConfig, type Signer } from '../soma/chain/index.js';
import { SomaClient } from '../soma/client/soma-client.js';
import type { FullnodeEvent } from '../soma/client/transport/index.js';
import {
  CHUNK_BYTES,
  type CutStats,
  createCutStats,
  type ResolveOptions,
  resolveSources,
  type SampleStreamOptions,
  type SourceUnit,
  sampleStream,
} from '../sources/index.js';
import { type ChosenScanner, chooseScanner, openStore, type ScannerOptions } from '../store/index.js';
import { MODEL_CONFIGS, type ModelConfig } from '../weights/model-config.js';
import { WeightsCache } from '../weights/weights-cache.js';
import { Journal } from './journal/journal.js';
import { Miner } from './miner.js';
import type { MinerOptions } from './miner-options.js';

export interface CreateMinerOptions extends Omit<MinerOptions, 'config'> {
  /** A network's name or the URL of a fullnode; or a client, which stays the caller's to close. */
  readonly network: string | SomaClient;
  /** More fullnodes of the same network; the fastest that answers is used. Only where `network` is not a client. */
  readonly fullnodes?: readonly string[];
  /** Told which fullnode is preferred, and which fail or are refused, where there are several. */
  readonly onFullnode?: (event: FullnodeEvent) => void;
  readonly signer: Signer;
  /** Files, directories, globs, archives, `hf:owner/name`, `urls:FILE`, URLs, `-`. */
  readonly data: readonly string[];
  /** Keeps the store, the journal, the weights and hosted data; made when missing. One miner at a time. */
  readonly stateDir: string;
  /** Where submitted bytes are hosted. Default: an HTTP server of its own on a free loopback port. */
  readonly host?: DataHost;
  /** Default: whatever is fastest here. */
  readonly engine?: EngineOptions;
  /** Puts another engine over this machine's, which it closes: a fleet of scorers. Default: none. */
  readonly overEngine?: (local: ScoringEngine) => Promise<ScoringEngine>;
  /** What finds hits among stored rows. Default: whatever is fastest here. */
  readonly distance?: ScannerOptions;
  /** Default: by the width of the network's embeddings. */
  readonly config?: ModelConfig;
  readonly samples?: Omit<SampleStreamOptions, 'signal' | 'skipUnits'>;
  readonly decode?: Omit<ResolveOptions, 'cwd'> & { readonly cwd?: string };
  readonly stdin?: AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal;
}

/** A miner with everything it stands on. Close it when done. */
export interface AssembledMiner {
  readonly miner: Miner;
  readonly client: SomaClient;
  readonly journal: Journal;
  readonly engine: ChosenEngine;
  readonly distance: Omit<ChosenScanner, 'scanner'>;
  readonly cut: CutStats;
  close(): Promise<void>;
}

/**
 * Puts a miner together from a network, a key, a directory and data. The parts are exported one by one for those who
 * want others.
 *
 * @throws QuarryError `UNREACHABLE` when the network is, `STORE_LOCKED` when another miner uses the directory, and what
 *   its parts throw
 */
export async function createMiner(options: CreateMinerOptions): Promise<AssembledMiner> {
  const { signal, stateDir } = options;
  const closers: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const client = await connect(options);
    if (typeof options.network === 'string') closers.push(() => client.close());
    const config = options.config ?? (await configOf(client, signal));
    const { addressPolicy } = client;
    const http = new HttpClient({ addressPolicy });
    // Sources are the user's own choice: any address may be named.
    const sourceHttp = new HttpClient();
    closers.push(
      () => http.close(),
      () => sourceHttp.close(),
    );
    const decode = { cwd: '.', ...options.decode };
    // Told once somebody can listen.
    const atStart: QuarryError[] = [];
    const units = await resolveSources(options.data, decode, {
      http: sourceHttp,
      onLeftOut: (name, error) => atStart.push(leftOut(name, error)),
      ...(options.stdin !== undefined && { stdin: options.stdin }),
    });
    const distance = await chooseScanner({ engine: 'auto', ...options.distance });
    const store = await openStore(
      {
        dir: join(stateDir, 'store'),
        embeddingDim: config.embeddingDim,
        durability: 'process',
      },
      { scanner: distance.scanner },
    );
    closers.push(() => store.close());
    const journal = new Journal(join(stateDir, 'journal.db'), Date.now);
    closers.push(() => journal.close());
    const host = options.host ?? (await ownHost(stateDir, addressPolicy.allowLoopback || (options.dryRun ?? false)));
    if (options.host === undefined) closers.push(() => host.close());
    const packedDir = join(stateDir, 'packed');
    const engineOptions: EngineOptions = {
      engine: 'auto',
      cacheDir: packedDir,
      speedFile: join(stateDir, 'engine-speed.json'),
      ...(signal !== undefined && { signal }),
      ...options.engine,
    };
    const chosen = await chooseEngine(engineOptions, config);
    let engine = chosen;
    closers.push(() => engine.engine.close());
    if (options.overEngine !== undefined) engine = { ...chosen, engine: await options.overEngine(chosen.engine) };
    const cut = createCutStats();
    const source = sourceKey(units, options.samples);
    const account = client.account(options.signer, {
      parallel: options.maxInFlight ?? 8,
      maxFeeShannons: options.maxFeeShannons,
      maxBondShannons: options.maxBondShannons,
      coinShannons: coinShannonsFor(options.samples?.sampleBytes ?? CHUNK_BYTES),
    });
    const warn = (error: QuarryError): void => {
      miner.events.emit('warning', { error });
    };
    const miner: Miner = new Miner(
      { ...options, config },
      {
        client,
        account,
        engine: engine.engine,
        weights: new WeightsCache({ dir: join(stateDir, 'weights') }, { http }),
        store,
        journal,
        host: verifiedHost(host, http),
        samples: sampleStream(units, {
          // One file that cannot be read does not end the mining of all others.
          onUnreadable: (unit, error) => warn(leftOut(unit, error)),
          onRetry: (_unit, error) => warn(error),
          ...options.samples,
          skipUnits: journal.position(source),
          stats: cut,
          ...(signal !== undefined && { signal }),
        }),
        onUnit: (unit) => journal.savePosition(source, unit),
        // Only in a directory of this miner's own.
        ...(engineOptions.cacheDir === packedDir && {
          onActiveWeights: (checksums: ReadonlySet<string>) => prunePacked(packedDir, checksums),
        }),
      },
    );
    setImmediate(() => atStart.forEach(warn));
    return { miner, client, journal, engine, distance, cut, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Names the sequence of units: another list, order or cut is another sequence, read from its beginning. */
function sourceKey(units: readonly SourceUnit[], samples: CreateMinerOptions['samples'] = {}): string {
  const { sampleBytes, wholeFiles, utf8Boundaries, minEntropyBits, seed } = samples;
  const cut = { sampleBytes, wholeFiles, utf8Boundaries, minEntropyBits, seed };
  const text = JSON.stringify([units.map((unit) => unit.name), cut]);
  return Buffer.from(blake2b256(new TextEncoder().encode(text))).toString('hex');
}

function leftOut(unit: string, error: QuarryError): QuarryError {
  return new QuarryError(error.code, `${unit} is left out: ${error.message}`, {
    ...(error.hint !== undefined && { hint: error.hint }),
    details: error.details,
    cause: error,
    retryable: false,
  });
}

/**
 * A host for networks on this machine, on the port it had before: URLs on chain outlive the process.
 *
 * @throws QuarryError `CONFIG_MISSING` when nobody else could reach it
 */
async function ownHost(stateDir: string, isEnough: boolean): Promise<HttpHost> {
  if (!isEnough) {
    throw new QuarryError('CONFIG_MISSING', 'submitted data must be hosted where anybody can fetch it', {
      hint: 'give a host: an S3Host, or an HttpHost with a publicUrl',
    });
  }
  const dir = join(stateDir, 'hosted');
  const portFile = join(stateDir, 'hosted.port');
  const before = Number(await readFile(portFile, 'utf8').catch(() => '0'));
  const host = await HttpHost.listen({ dir, port: before }).catch(() => HttpHost.listen({ dir, port: 0 }));
  await writeFile(portFile, String(host.port));
  return host;
}

/** A coin for this many submissions: splitting costs a value fee, so coins are no larger than they need to be. */
const SUBMISSIONS_PER_COIN = 64n;

/** What a coin should hold, at the bond and the fees the network charges today. */
function coinShannonsFor(sampleBytes: number): bigint {
  const { submissionBondPerByte } = protocolConfig(5);
  return SUBMISSIONS_PER_COIN * (BigInt(sampleBytes) * submissionBondPerByte + 10_000n);
}

async function connect({ network, fullnodes, onFullnode, signal }: CreateMinerOptions): Promise<SomaClient> {
  if (typeof network !== 'string') return network;
  const control = {
    ...(signal !== undefined && { signal }),
    ...(fullnodes !== undefined && fullnodes.length > 0 && { fallbackUrls: fullnodes }),
    ...(onFullnode !== undefined && { onFullnode }),
  };
  if (/^https?:\/\//i.test(network)) return SomaClient.connect({ url: network, ...control });
  // The client knows its networks, and says so when there is none of this name.
  return SomaClient.connect({ network: network as 'testnet', ...control });
}

/** The configuration whose embeddings are as wide as the network's. */
async function configOf(client: SomaClient, signal: AbortSignal | undefined): Promise<ModelConfig> {
  const { parameters } = await client.getSystemState(signal === undefined ? {} : { signal });
  const dim = Number(parameters.targetEmbeddingDim);
  const found = Object.values(MODEL_CONFIGS).find((config) => config.embeddingDim === dim);
  if (found !== undefined) return found;
  throw new QuarryError('CONFIG_MISSING', `no known model has embeddings of ${dim} values, as this network's have`, {
    hint: 'give the shape of its models',
  });
}
