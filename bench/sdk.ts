import { spawnDevnet } from '../src/devnet/soma/index.js';
import { normalArray } from '../src/engine/reference/index.js';
import { blake2b256, Keypair, manifestOf, SomaClient, type Target } from '../src/soma/index.js';
import type { Skipped } from './baselines/peer-process.js';
import { SDK_PYTHON, SdkPeer } from './baselines/soma-sdk.js';
import { breathe } from './breathe.js';
import { type BenchOptions, type BenchResult, benchResult } from './result.js';

/** Width of a V1 embedding. */
const DIM = 2048;
const LISTED = 1_000;
const IN_FLIGHT = [1, 8, 32] as const;
const PEER = 'soma-sdk 0.1.15';
const URL = 'http://127.0.0.1/never-fetched';

/** Options of the SDK bench. */
export interface SdkBenchOptions extends BenchOptions {
  /** Python with soma-sdk. Default: where the conformance suite installs it. */
  readonly python?: string | undefined;
}

/**
 * Our client beside the network's own, on one devnet in a process of its own: a page of 1,000 targets with embeddings, and
 * submissions, each waited for until it is in a checkpoint. Both accounts begin with 64 equal coins. Any data hits, so that
 * nothing but the clients is measured.
 */
export async function* run(options: SdkBenchOptions = {}): AsyncIterable<BenchResult> {
  const python = options.python ?? SDK_PYTHON;
  const [ours, theirs] = [keyOf('ours'), keyOf('theirs')];
  const coins = Array.from({ length: 64 }, () => 10_000_000_000n);
  const model = {
    owner: ours.address,
    manifest: manifestOf(URL, new Uint8Array(1)),
    decryptionKey: new Uint8Array(32).fill(1),
    commissionRate: 1_000n,
    initialStake: 1_000_000_000n,
  };
  const devnet = await spawnDevnet(
    {
      seed: 1,
      embeddingDim: DIM,
      initialDistanceThreshold: 2,
      distanceThresholdRange: { min: 2, max: 2 },
      targetsPerEpoch: 2_000,
      auditShare: 0,
      accounts: [ours, theirs].map(({ address }) => ({ address, coins })),
      models: [1n, 2n, 3n].map((seed) => ({ ...model, embedding: normalArray(seed, DIM) })),
    },
    { signal: options.signal },
  );
  const client = await SomaClient.connect({ url: devnet.rpcUrl });
  const peer = await SdkPeer.start(python);
  try {
    if (peer instanceof SdkPeer) await peer.connect(devnet.rpcUrl, theirs.exportSecret('hex'));
    yield await listing(client, peer, options.quick ? 3 : 10);
    yield* submissions(client, peer, ours, options);
  } finally {
    if (peer instanceof SdkPeer) peer.close();
    client.close();
    await devnet.close();
  }
}

/** The same key every time. */
const keyOf = (name: string): Keypair => Keypair.fromSecret(blake2b256(new TextEncoder().encode(`bench/sdk/${name}`)));

function skippedNote(peer: SdkPeer | Skipped): string | undefined {
  return peer instanceof SdkPeer ? undefined : `peer skipped: ${peer.skipped}`;
}

/** A page of targets, the best of `rounds` by the clock. Most of it is the node's time, the same for both. */
async function listing(client: SomaClient, peer: SdkPeer | Skipped, rounds: number): Promise<BenchResult> {
  const theirs = peer instanceof SdkPeer ? await peer.list(LISTED, rounds) : undefined;
  let seconds = Number.POSITIVE_INFINITY;
  let values = 0;
  for (let round = 0; round < rounds; round++) {
    const begin = performance.now();
    const { targets } = await client.listTargets({ limit: LISTED });
    values = targets.reduce((sum, target) => sum + target.embedding.length, 0);
    seconds = Math.min(seconds, (performance.now() - begin) / 1000);
  }
  if (theirs !== undefined && theirs.values !== values) throw new Error('the clients read different embeddings');
  return benchResult({
    bench: 'sdk',
    case: `listTargets, ${LISTED} targets x ${DIM}`,
    engine: 'quarry',
    unit: 'targets/s',
    value: LISTED / seconds,
    ...(theirs !== undefined && { peer: PEER, peerRatio: theirs.seconds / seconds }),
    note: theirs
      ? `${(seconds * 1000).toFixed(1)} ms, peer ${(theirs.seconds * 1000).toFixed(1)} ms; the node's part included`
      : skippedNote(peer),
  });
}

async function* submissions(
  client: SomaClient,
  peer: SdkPeer | Skipped,
  signer: Keypair,
  options: SdkBenchOptions,
): AsyncIterable<BenchResult> {
  const account = client.account(signer, { parallel: Math.max(...IN_FLIGHT), coinShannons: 10_000_000_000n });
  const targets: Target[] = [];
  for await (const target of client.listAllTargets()) targets.push(target);
  const embedding = normalArray(9n, DIM);
  const manifest = manifestOf(URL, new Uint8Array(1024).fill(120));
  for (const inFlight of IN_FLIGHT) {
    await breathe(options.signal);
    const count = inFlight * (options.quick ? 3 : 10);
    const asked = targets
      .splice(0, count)
      .map(({ id, modelIds }) => ({ id: `0x${id.slice(2).replace(/^0+/, '')}`, model: modelIds[0]! }));
    const job = { inFlight, targets: asked, url: URL, embedding: Array.from(embedding) };
    const theirs = peer instanceof SdkPeer ? await peer.submit(job) : undefined;
    const waiting = targets.splice(0, count);
    const begin = performance.now();
    await Promise.all(
      Array.from({ length: inFlight }, async () => {
        for (let target = waiting.pop(); target !== undefined; target = waiting.pop()) {
          const modelId = target.modelIds[0]!;
          await account.submitData({ targetId: target.id, manifest, modelId, embedding, distance: 0.5, loss: 1 });
        }
      }),
    );
    const value = count / ((performance.now() - begin) / 1000);
    const rate = theirs && theirs.done / theirs.seconds;
    yield benchResult({
      bench: 'sdk',
      case: `submitData, ${inFlight} in flight`,
      engine: 'quarry',
      value,
      unit: 'transactions/s',
      ...(rate !== undefined && { peer: PEER, peerRatio: value / rate }),
      note: theirs
        ? `${count} of ours, none failed; peer ${rate!.toFixed(1)}/s, ${theirs.done} done, ${theirs.failed} failed${theirs.error ? `: ${theirs.error.slice(0, 120)}…` : ''}`
        : skippedNote(peer),
    });
  }
}
