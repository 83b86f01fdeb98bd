import { EventEmitter } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LoadedModel } from '../../src/engine/index.js';
import { HttpHost } from '../../src/hosting/index.js';
import { OpenTargets } from '../../src/miner/feed/open-targets.js';
import { Journal } from '../../src/miner/journal/journal.js';
import type { Candidate } from '../../src/miner/match/candidate.js';
import type { MinerEvents } from '../../src/miner/run/events.js';
import { Reach } from '../../src/miner/run/reach.js';
import { MinerStats } from '../../src/miner/run/stats.js';
import { ClaimPace } from '../../src/miner/submit/claim-pace.js';
import { HitConfirmation } from '../../src/miner/submit/hit-confirmation.js';
import { SampleHosting } from '../../src/miner/submit/sample-hosting.js';
import { SpendingGuard, type SpendingGuardOptions } from '../../src/miner/submit/spending-guard.js';
import { limitsOf } from '../../src/miner/submit/submission-limits.js';
import { Submitter, type SubmitterOptions } from '../../src/miner/submit/submitter.js';
import { openStore, type Store } from '../../src/store/index.js';
import { type Fixture, startFixture } from '../soma/client/devnet-fixture.js';
import { failCalls } from '../soma/client/unfaithful-node.js';

const never = new AbortController().signal;
let fixture: Fixture;
let dir: string;
let store: Store;
let journal: Journal;
let host: HttpHost;
beforeEach(async () => {
  fixture = await startFixture({ coins: [5_000_000_000n, 5_000_000_000n], targetsPerEpoch: 6 });
  dir = await mkdtemp(join(tmpdir(), 'quarry-submitter-'));
  store = await openStore({ dir: join(dir, 'store'), embeddingDim: 4, durability: 'process' });
  journal = new Journal(join(dir, 'journal.db'), Date.now);
  host = await HttpHost.listen({ dir: join(dir, 'hosted'), port: 0 });
});
afterEach(async () => {
  await host.close();
  journal.close();
  await store.close();
  await fixture.close();
  await rm(dir, { recursive: true });
});

/** A submitter over the devnet, and candidates for its open targets. */
async function made(
  options: Partial<SubmitterOptions> = {},
  limits: SpendingGuardOptions = {},
  confirm?: LoadedModel['confirm'],
) {
  const { client, keypair } = fixture;
  const account = client.account(keypair, { parallel: 2 });
  await account.pool.ready();
  const { parameters } = await client.getSystemState();
  const book = new OpenTargets();
  const targets = await client.getTargets();
  for (const target of targets) book.add(target, 0);
  const stats = new MinerStats(() => performance.now());
  const emitter = new EventEmitter<MinerEvents>();
  const told: string[] = [];
  emitter.on('hit', () => told.push('hit'));
  emitter.on('submitted', () => told.push('submitted'));
  emitter.on('outcome', ({ outcome }) => told.push(outcome.kind));
  emitter.on('warning', ({ error }) => told.push(`warning ${error.code}`));
  const guard = new SpendingGuard(limits, { account, emitter, limits: () => limitsOf(parameters) });
  // Without `confirm` nothing here is scored elsewhere, so nothing needs to be confirmed.
  const models = {
    get: (id: string) => ({ id, key: { architecture: 'v1', checksum: 'a'.repeat(64) }, manifest: undefined as never }),
    loaded: () => ({ confirm }) as LoadedModel,
  };
  const confirmation = new HitConfirmation({ aboveShannons: 0n }, { models, store, guard });
  const pace = new ClaimPace({ patienceMs: 2 ** 31 - 1, quietMs: 0 }, () => performance.now());
  const submitter = new Submitter(
    { maxInFlight: 2, dryRun: false, ...options },
    {
      account,
      journal,
      guard,
      confirmation,
      book,
      stats,
      reach: new Reach(),
      pace,
      emitter,
      report: ({ code }) => told.push(`failed ${code}`),
      hosting: new SampleHosting({ store, journal, host, book }),
      now: () => performance.now(),
      limits: () => limitsOf(parameters),
      onRoom: () => told.push('room'),
      onRejected: () => told.push('may take another'),
    },
  );
  const candidate = async (n: number): Promise<Candidate> => {
    const bytes = new TextEncoder().encode(`sample ${n}`.padEnd(100, '.'));
    const [sample] = await store.appendSamples([{ bytes }]);
    const target = targets[n]!;
    return {
      open: book.get(target.id)!,
      readyAt: 0,
      sampleId: sample!.id,
      sizeBytes: bytes.length,
      origin: `file ${n}`,
      modelId: target.modelIds[0]!,
      loss: 1,
      embedding: target.embedding,
      distance: 0.5,
    };
  };
  return { submitter, pace, book, stats, told, targets, candidate };
}

describe('a candidate', () => {
  it('is hosted, journalled, sent and reported, and its target is gone', async () => {
    const { submitter, book, stats, told, candidate, targets } = await made();
    expect(submitter.offer(await candidate(0), never)).toBe(true);
    expect(submitter.pending).toBe(1);
    await submitter.idle();
    expect(told).toEqual(['hit', 'submitted', 'accepted']);
    expect(stats.outcomes.accepted).toBe(1);
    expect(book.get(targets[0]!.id)).toBeUndefined();
    expect(journal.totals()).toMatchObject({ accepted: 1, unclaimed: 1 });
    const [checksum] = journal.hostings.checksums();
    expect((await fetch(await host.publish(checksum!, store.sample(0).bytes))).status).toBe(200);
  });

  it('is taken once for a target, and never for one the journal knows', async () => {
    const { submitter, candidate, book, targets } = await made();
    const first = await candidate(0);
    expect(submitter.offer(first, never)).toBe(true);
    expect(submitter.offer(first, never)).toBe(false);
    await submitter.idle();
    book.add(targets[0]!, 0);
    expect(submitter.offer({ ...first, open: book.get(targets[0]!.id)! }, never)).toBe(false);
  });

  it('that the node refuses is not offered to its target again, which may take another', async () => {
    const { submitter, book, told, candidate, targets } = await made();
    failCalls(fixture.client, 'ExecuteTransaction', 'invalid distance score', status.INVALID_ARGUMENT, 1);
    const refused = await candidate(0);
    submitter.offer(refused, never);
    await submitter.idle();
    expect(told).toEqual(['hit', 'submitted', 'rejected', 'may take another']);
    expect(book.excluded(targets[0]!.id)).toEqual(new Set([refused.sampleId]));
    expect(book.available.map(({ target }) => target.id)).toContain(targets[0]!.id);
  });

  it('that this machine does not confirm is left out, and its target may take another at once', async () => {
    const embedding = Float32Array.of(1, 0, 0, 0);
    const confirm = async () => ({ loss: 1, embedding, precision: 'f32' }) as const;
    const { submitter, book, told, candidate, targets } = await made({}, {}, confirm);
    // The first model wins here.
    const refused = { ...(await candidate(0)), modelId: '0x99' };
    submitter.offer(refused, never);
    await submitter.idle();
    expect(told).toEqual(['hit', 'failed FAILED_PRECONDITION', 'may take another']);
    expect(book.excluded(targets[0]!.id)).toEqual(new Set([refused.sampleId]));
  });

  it('is answered before a claim goes', async () => {
    const { submitter, pace, told, candidate } = await made();
    submitter.offer(await candidate(0), never);
    const claim = pace.turn(never).then(() => told.push('claim'));
    await submitter.idle();
    await claim;
    expect(told).toEqual(['hit', 'submitted', 'accepted', 'claim']);
  });

  it('whose bond is too large is ruled out for its target, and one that pays too little is skipped', async () => {
    const dear = await made({}, { maxBondShannons: 1n });
    const candidate = await dear.candidate(0);
    expect(dear.submitter.offer(candidate, never)).toBe(false);
    expect(dear.submitter.offer(await dear.candidate(1), never)).toBe(false);
    expect(dear.book.excluded(candidate.open.target.id)).toEqual(new Set([candidate.sampleId]));
    expect(dear.told).toEqual(['warning FAILED_PRECONDITION']);
    const poor = await made({}, { minRewardShannons: 10n ** 15n });
    expect(poor.submitter.offer(await poor.candidate(0), never)).toBe(false);
    expect(poor.book.excluded(candidate.open.target.id)).toBeUndefined();
  });

  it('of a target that is gone when its turn comes is dropped', async () => {
    const { submitter, book, told, candidate, targets } = await made({ maxInFlight: 1 });
    submitter.pause();
    submitter.offer(await candidate(0), never);
    book.remove(targets[0]!.id);
    submitter.resume();
    await submitter.idle();
    expect(told).toEqual(['hit']);
    expect(journal.totals().pending).toBe(0);
  });

  it('is only found in a dry run', async () => {
    const { submitter, stats, told, candidate } = await made({ dryRun: true });
    expect(submitter.offer(await candidate(0), never)).toBe(true);
    await submitter.idle();
    expect([told, stats.hits, stats.submitted]).toEqual([['hit'], 1, 0]);
  });
});

describe('so many accepted', () => {
  it('are never exceeded, and a failure makes room', async () => {
    const { submitter, told, candidate } = await made({ maxAccepted: 1 });
    failCalls(fixture.client, 'ExecuteTransaction', 'invalid distance score', status.INVALID_ARGUMENT, 1);
    expect(submitter.offer(await candidate(0), never)).toBe(true);
    expect(submitter.full).toBe(true);
    expect(submitter.offer(await candidate(1), never)).toBe(false);
    await submitter.idle();
    expect(told.filter((text) => text === 'room')).toHaveLength(1);
    expect(submitter.offer(await candidate(1), never)).toBe(true);
    await submitter.idle();
    expect(submitter.full).toBe(true);
  });

  it('include those of an earlier run that may be accepted yet', async () => {
    const { submitter, stats } = await made({ maxAccepted: 1 });
    submitter.expect(['earlier']);
    expect(submitter.full).toBe(true);
    submitter.settled('0x1', 'earlier', { kind: 'unknown', reason: 'still' });
    expect([submitter.full, stats.outcomes.unknown]).toEqual([true, 0]);
    submitter.settled('0x1', 'earlier', { kind: 'rejected', reason: 'stale', feeShannons: 0n });
    expect([submitter.full, stats.outcomes.unknown, stats.outcomes.rejected]).toEqual([false, 0, 1]);
  });
});
