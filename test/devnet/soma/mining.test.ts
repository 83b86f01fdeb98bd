import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Devnet, startDevnet } from '../../../src/devnet/soma/index.js';
import { resolveDevnetOptions } from '../../../src/devnet/soma/options.js';
import type { Score } from '../../../src/engine/contract.js';
import { cosineDistance, normalArray, selectBest } from '../../../src/engine/reference/index.js';
import { ExecutionError_ExecutionErrorKind as Kind } from '../../../src/gen/soma/rpc/execution_status_pb.js';
import { StateService } from '../../../src/gen/soma/rpc/state_service_pb.js';
import { Keypair } from '../../../src/soma/chain/keys/keypair.js';
import { manifestOf } from '../../../src/soma/chain/manifest.js';
import type { TargetPayload } from '../../../src/soma/chain/target.js';
import { scalarTensor, scalarValue, vectorTensor } from '../../../src/soma/chain/tensor.js';
import { type PublishedModel, publishModels } from './published-models.js';
import { coinsOf, execute, mask, RawClient, requestGas } from './raw-client.js';

const owner = Keypair.fromSecret(new Uint8Array(32).fill(3));
const miner = Keypair.fromSecret(new Uint8Array(32).fill(4));
let devnet: Devnet;
let rpc: RawClient;
let models: PublishedModel[];

interface Scored {
  readonly data: Uint8Array;
  readonly scores: ReadonlyMap<string, Score>;
}
const scored: Scored[] = [];

beforeAll(async () => {
  devnet = await startDevnet({
    seed: 11,
    checkpointIntervalMs: 20,
    faucetCoins: 10,
    // The raw client takes what it reads for true at once.
    readLagMs: 0,
    faucetAmount: 100_000_000_000n,
    // Targets depend on the time of their epoch: at this threshold some are always hit, and some never are.
    initialDistanceThreshold: 0.8,
  });
  rpc = new RawClient(devnet.rpcUrl);
  await requestGas(devnet.faucetUrl, owner.address);
  await requestGas(devnet.faucetUrl, miner.address);
  models = await publishModels(devnet, rpc, owner, 3);
  for (let index = 0; index < 4; index++) {
    const data = new TextEncoder().encode(`sample ${index} `.repeat(30 + index * 5)).subarray(0, 300);
    const scores = new Map<string, Score>();
    for (const { id, model } of models) scores.set(id, (await model.score([data]))[0]!);
    scored.push({ data, scores });
  }
});
afterAll(async () => {
  rpc.close();
  await devnet.close();
});

/** The competition of one sample at one target. */
function compete(sample: Scored, target: TargetPayload) {
  const losses = target.modelIds.map((id) => sample.scores.get(id)!.loss);
  const winner = target.modelIds[selectBest(losses)!]!;
  const { loss, embedding } = sample.scores.get(winner)!;
  return { winner, loss, embedding, distance: cosineDistance(embedding, target.embedding.values) };
}

type Claim = ReturnType<typeof compete>;

/** Open targets of now with the first sample that hits each. */
function hits(): { id: string; target: TargetPayload; data: Uint8Array; claim: Claim }[] {
  const found = [];
  for (const [id, target] of devnet.targets()) {
    if (target.status.kind !== 'open' || target.generationEpoch !== devnet.ledger.state.epoch) continue;
    for (const sample of scored) {
      const claim = compete(sample, target);
      if (claim.distance > scalarValue(target.distanceThreshold)) continue;
      found.push({ id, target, data: sample.data, claim });
      break;
    }
  }
  return found;
}

async function submit(id: string, data: Uint8Array, claim: Claim) {
  const [gas, bond] = await coinsOf(rpc, miner.address);
  const url = devnet.putBlob(`data-${id.slice(2)}`, data);
  return execute(
    rpc,
    miner,
    {
      kind: 'submitData',
      targetId: id,
      dataManifest: manifestOf(url, data),
      modelId: claim.winner,
      embedding: vectorTensor(claim.embedding),
      distanceScore: scalarTensor(claim.distance),
      lossScore: scalarTensor(claim.loss),
      bondCoin: bond!,
    },
    [gas!],
  );
}

describe('mining on the devnet', { timeout: 120_000 }, () => {
  it('opens the targets of the protocol once models are active', async () => {
    const page = await rpc.call(StateService.method.listTargets, {
      statusFilter: 'open',
      readMask: mask('id', 'embedding', 'model_ids', 'distance_threshold', 'reward_pool'),
    });
    expect(page.targets).toHaveLength(100);
    expect(page.targets[0]?.embedding).toHaveLength(16);
    expect(page.targets[0]?.modelIds).toHaveLength(3);
    expect(page.targets[0]?.rewardPool).toBe(12_685_185n);
  });

  it('pays honest submissions, and takes the bond of dishonest ones', async () => {
    const [honest, wrongWinner, wrongLoss] = hits();
    if (honest === undefined || wrongWinner === undefined || wrongLoss === undefined) throw new Error('no hits');
    const far = [...devnet.targets()].find(([, target]) => {
      const { distance } = compete(scored[0]!, target);
      return distance > scalarValue(target.distanceThreshold);
    })!;
    const refused = await submit(far[0], scored[0]!.data, compete(scored[0]!, far[1]));
    expect(refused.effects?.status?.error?.kind).toBe(Kind.DISTANCE_EXCEEDS_THRESHOLD);
    expect(refused.effects?.fee?.totalFee).toBe(1_000n);

    const accepted = await submit(honest.id, honest.data, honest.claim);
    expect(accepted.effects?.status?.success).toBe(true);
    expect(accepted.effects?.fee?.totalFee).toBe(2_500n);
    const again = await submit(honest.id, honest.data, honest.claim);
    expect(again.effects?.status?.error?.kind).toBe(Kind.TARGET_NOT_OPEN);

    const other = wrongWinner.target.modelIds.find((id) => id !== wrongWinner.claim.winner)!;
    const cheat = await submit(wrongWinner.id, wrongWinner.data, { ...wrongWinner.claim, winner: other });
    expect(cheat.effects?.status?.success).toBe(true);
    const lie = await submit(wrongLoss.id, wrongLoss.data, { ...wrongLoss.claim, loss: wrongLoss.claim.loss * 0.9 });
    expect(lie.effects?.status?.success).toBe(true);

    await devnet.advanceEpoch();
    const early = await claim(honest.id);
    expect(early.effects?.status?.error?.kind).toBe(Kind.CHALLENGE_WINDOW_OPEN);
    await devnet.advanceEpoch();
    const outcomes = new Map(devnet.verdicts.map(({ targetId, outcome }) => [targetId, outcome]));
    expect([honest, wrongWinner, wrongLoss].map(({ id }) => outcomes.get(id))).toEqual(['honest', 'fraud', 'fraud']);

    const reward = honest.target.rewardPool;
    const before = devnet.balanceOf(miner.address);
    const paid = await claim(honest.id);
    expect(paid.effects?.status?.success).toBe(true);
    const bond = BigInt(honest.data.length) * 65n;
    const modelShare = (reward * 4975n) / 10_000n;
    const gained = devnet.balanceOf(miner.address) - before;
    expect(gained).toBe(reward - modelShare + bond - paid.effects!.fee!.totalFee!);

    const pool = devnet.ledger.state.emissionPool.balance;
    const validator = devnet.balanceOf(devnet.validators[0]!.address);
    const punished = await claim(wrongWinner.id);
    expect(punished.effects?.status?.success).toBe(true);
    expect(devnet.ledger.state.emissionPool.balance - pool).toBe(wrongWinner.target.rewardPool);
    const taken = BigInt(wrongWinner.data.length) * 65n;
    expect(devnet.balanceOf(devnet.validators[0]!.address) - validator).toBe(taken);
  });

  it('makes about one random pair in fifty hit by default', () => {
    const { targetInitialDistanceThreshold, targetMaxDistanceThreshold } = resolveDevnetOptions({}).parameters;
    expect(targetMaxDistanceThreshold).toBe(targetInitialDistanceThreshold);
    const embeddings = scored.flatMap(({ scores }) => [...scores.values()].map((each) => each.embedding));
    let hit = 0;
    for (let seed = 0n; seed < 5_000n; seed++) {
      const target = normalArray(seed, 16);
      for (const embedding of embeddings)
        if (cosineDistance(embedding, target) <= targetInitialDistanceThreshold) hit++;
    }
    const rate = hit / (5_000 * embeddings.length);
    expect(rate).toBeGreaterThan(0.015);
    expect(rate).toBeLessThan(0.025);
  });
});

async function claim(id: string) {
  const [gas] = await coinsOf(rpc, miner.address);
  return execute(rpc, miner, { kind: 'claimRewards', targetId: id }, [gas!]);
}
