import { join } from 'node:path';
import { QuarryError } from '../errors/index.js';
import { verifiedHost } from '../hosting/index.js';
import { HttpClient } from '../net/index.js';
import { PROTOCOL_VERSIONS, protocolConfig, submissionBond } from '../soma/chain/index.js';
import type { SomaAccount } from '../soma/client/account/soma-account.js';
import { isPublicChain } from '../soma/client/public-chain.js';
import { SomaClient } from '../soma/client/soma-client.js';
import { CHUNK_BYTES, createCutStats } from '../sources/index.js';
import { openStore } from '../store/index.js';
import { MODEL_CONFIGS, type ModelConfig } from '../weights/model-config.js';
import { WeightsCache } from '../weights/weights-cache.js';
import type { Closers } from './closers.js';
import type { AssembledMiner, CreateMinerOptions } from './create-miner-options.js';
import { openEngine, openScanner } from './engines.js';
import { keptElsewhere } from './feed/kept-elsewhere.js';
import { assertSamples, openSampleSource } from './feed/sample-source.js';
import { openJournal } from './journal/open-journal.js';
import { Miner } from './miner.js';
import { DEFAULT_IN_FLIGHT } from './miner-options.js';
import { NO_HOST } from './no-host.js';
import { ownHost } from './own-host.js';
import { unknownSamples } from './share/unknown-samples.js';
import { ensureStateDirectory } from './state/state-directory.js';
import { STATE_ENTRIES, storeDirOf } from './state/state-entries.js';
import { lockKey } from './submit/key-lock.js';

export type { AssembledMiner, CreateMinerOptions } from './create-miner-options.js';

/**
 * Assembles a miner from a network, a key, a directory and data. The parts are also exported one by one, for other
 * combinations.
 *
 * @throws QuarryError `INVALID_ARGUMENT` unless exactly one of `data` and `samples` is given
 * @throws QuarryError `UNREACHABLE` when the network is unreachable, `STORE_LOCKED` when another process uses the
 *   directory or the key; also whatever the parts throw
 */
export async function createMiner(options: CreateMinerOptions): Promise<AssembledMiner> {
  assertSamples(options);
  const closers: Closers = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    // Only the miner it scores for spends the key's coins.
    const given = options.scoreFor === undefined ? options : { ...options, dryRun: true };
    return { ...(await assemble(given, closers)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function assemble(options: CreateMinerOptions, closers: Closers): Promise<Omit<AssembledMiner, 'close'>> {
  const { signal, stateDir, scoreFor } = options;
  ensureStateDirectory(stateDir);
  const client = await connect(options);
  if (typeof options.network === 'string') closers.push(() => client.close());
  if (options.dryRun !== true) client.executeInThread();
  const config = options.config ?? (await configOf(client, signal));
  const { addressPolicy } = client;
  const http = new HttpClient({ addressPolicy });
  closers.push(() => http.close());
  // Reported once listeners can be attached.
  const atStart: QuarryError[] = [];
  const source = await openSampleSource(options, (error) => atStart.push(error), closers);
  const storeDir = storeDirOf(stateDir);
  const { scanner, ...distance } = await openScanner(options.distance, storeDir, config.embeddingDim, (error) =>
    warn(error),
  );
  const store = await openStore(
    { dir: storeDir, embeddingDim: config.embeddingDim, durability: 'process' },
    { scanner },
  );
  closers.push(() => store.close());
  const info = await client.getServiceInfo({ signal });
  const chain = { chainId: info.chainId, isPublic: isPublicChain(info) };
  if (options.keysDir !== undefined && options.dryRun !== true) {
    const lock = lockKey(options.keysDir, options.signer.address, chain.chainId);
    closers.push(() => lock.release());
  }
  const journal = openJournal(stateDir, chain, (error) => atStart.push(error));
  closers.push(() => journal.close());
  const host = options.host ?? (await defaultHost(options, addressPolicy.allowLoopback));
  if (options.host === undefined) closers.push(() => host.close());
  const { engine, onActiveWeights } = await openEngine(options, config, closers);
  const cut = createCutStats();
  const warn = (error: QuarryError): void => void miner.events.emit('warning', { error });
  const far = options.farRows?.();
  const { samples, onUnit } = source({ warn, journal, cut });
  const stop = new AbortController();
  closers.push(() => stop.abort());
  const keptThere = far?.keep && keptElsewhere(samples, far.keep, onUnit ?? (() => {}), stop.signal);
  const miner: Miner = new Miner(
    { ...options, config, scoreOnly: scoreFor !== undefined },
    {
      client,
      account: accountOf(client, options),
      engine: engine.engine,
      weights: new WeightsCache(
        { dir: join(scoreFor ?? stateDir, STATE_ENTRIES.weights), borrowed: scoreFor !== undefined },
        { http },
      ),
      store,
      journal,
      host: verifiedHost(host, http),
      samples: keptThere ?? (scoreFor === undefined ? samples : unknownSamples(samples, storeDirOf(scoreFor))),
      onUnit: keptThere === undefined ? onUnit : undefined,
      far,
      sharedDir: scoreFor === undefined ? stateDir : undefined,
      onActiveWeights,
    },
  );
  setImmediate(() => atStart.forEach(warn));
  return { miner, client, store, journal, engine, distance, cut };
}

async function defaultHost({ stateDir, scoreFor, dryRun = false }: CreateMinerOptions, isLocal: boolean) {
  // The miner that this one scores for submits the hits, and so hosts them.
  return scoreFor === undefined ? ownHost(stateDir, isLocal || dryRun) : NO_HOST;
}

function accountOf(client: SomaClient, options: CreateMinerOptions): SomaAccount {
  return client.account(options.signer, {
    parallel: options.maxInFlight ?? DEFAULT_IN_FLIGHT,
    maxFeeShannons: options.maxFeeShannons,
    maxBondShannons: options.maxBondShannons,
    coinShannons: coinShannonsFor(options.cutting?.sampleBytes ?? CHUNK_BYTES),
  });
}

/** Submissions that one coin should pay for. Splitting costs a fee on the value, so coins are kept small. */
const SUBMISSIONS_PER_COIN = 64n;

/** Several times the fee of a submission, which is 1,000 shannons and 300 for each of the few objects that it writes. */
const FEE_SHANNONS = 10_000n;

/** Target coin size at the bond of the newest protocol known, shannons. */
function coinShannonsFor(sampleBytes: number): bigint {
  const { submissionBondPerByte } = protocolConfig(PROTOCOL_VERSIONS.max);
  return SUBMISSIONS_PER_COIN * (submissionBond(sampleBytes, submissionBondPerByte) + FEE_SHANNONS);
}

async function connect({ network, fullnodes, onFullnode, signal }: CreateMinerOptions): Promise<SomaClient> {
  if (typeof network !== 'string') return network;
  const control = {
    signal,
    ...(fullnodes !== undefined && fullnodes.length > 0 && { fallbackUrls: fullnodes }),
    onFullnode,
  };
  if (/^https?:\/\//i.test(network)) return SomaClient.connect({ url: network, ...control });
  // `connect` checks the name itself.
  return SomaClient.connect({ network: network as 'testnet', ...control });
}

/** The model shape with the network's embedding width. */
async function configOf(client: SomaClient, signal: AbortSignal | undefined): Promise<ModelConfig> {
  const { parameters } = await client.getSystemState({ signal });
  const dim = Number(parameters.targetEmbeddingDim);
  const found = Object.values(MODEL_CONFIGS).find((config) => config.embeddingDim === dim);
  if (found !== undefined) return found;
  throw new QuarryError('CONFIG_MISSING', `no known model has embeddings of ${dim} values, as on this network`, {
    hint: 'set the shape of its models',
  });
}
