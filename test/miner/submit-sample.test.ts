import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Journal } from '../../src/miner/journal/journal.js';
import { limitsOf } from '../../src/miner/submit/submission-limits.js';
import { type AcceptedSample, submitSample } from '../../src/miner/submit/submit-sample.js';
import { GrpcError } from '../../src/soma/client/index.js';
import { bytesOf, type Fixture, startFixture } from '../soma/client/devnet-fixture.js';
import { intercept } from '../soma/client/unfaithful-node.js';

let fixture: Fixture;
let dir: string;
let journal: Journal;
beforeEach(async () => {
  fixture = await startFixture({ coins: [10_000_000_000n] });
  dir = await mkdtemp(join(tmpdir(), 'quarry-submit-'));
  journal = new Journal(join(dir, 'journal.db'), Date.now);
});
afterEach(async () => {
  journal.close();
  await fixture.close();
  await rm(dir, { recursive: true });
});

async function submit(targetId?: string): Promise<AcceptedSample & { targetId: string }> {
  const { client, keypair } = fixture;
  const [listed] = await client.getTargets({ limit: 1 });
  const target = targetId === undefined ? listed! : await client.getTarget(targetId);
  const { parameters } = await client.getSystemState();
  const sample = { bytes: bytesOf(100, 1), url: 'http://127.0.0.1/data', checksum: 'c'.repeat(64) };
  const { embedding, modelIds } = target;
  const content = {
    open: { target, seenAt: 0 },
    readyAt: 0,
    origin: 'file',
    ...{ modelId: modelIds[0]!, embedding, distance: 0.5, loss: 1 },
  };
  const deps = { client, account: client.account(keypair), journal, limits: limitsOf(parameters) };
  const accepted = await submitSample(content, sample, deps, new AbortController().signal);
  return { ...accepted, targetId: target.id };
}

it('journals a submission, and submits nothing twice', async () => {
  const { targetId, feeShannons } = await submit();
  expect(feeShannons).toBeGreaterThan(0n);
  expect(journal.totals()).toMatchObject({ accepted: 1, unclaimed: 1, feesShannons: feeShannons });
  await expect(submit(targetId)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  expect(journal.totals()).toMatchObject({ accepted: 1, pending: 0 });
});

it('looks an executed submission up whose answer was lost', async () => {
  const { client } = fixture;
  intercept(client, 'ExecuteTransaction', async (call) => {
    await call();
    throw new GrpcError({ grpcCode: status.UNAVAILABLE, message: 'gone', method: '/test', fromServer: true });
  });
  const { targetId } = await submit();
  expect(journal.totals()).toMatchObject({ accepted: 1, pending: 0 });
  expect(journal.submissions.bondOf(targetId)).toBeGreaterThan(0n);
});

it('keeps what it cannot find out for the next call, which sends no second transaction', async () => {
  const { client } = fixture;
  let isBroken = true;
  for (const method of ['ExecuteTransaction', 'GetTransaction']) {
    intercept(client, method, (call) => {
      if (!isBroken) return call();
      throw new GrpcError({ grpcCode: status.PERMISSION_DENIED, message: 'no', method: '/test', fromServer: true });
    });
  }
  const error = await submit().catch((caught: unknown) => caught);
  expect(error).toMatchObject({ code: 'OUTCOME_UNKNOWN', hint: expect.stringContaining('same command again') });
  const [pending] = journal.submissions.unsettled();
  isBroken = false;
  const { digest } = await submit(pending!.targetId);
  expect(digest).toBe(pending!.digest);
  expect(journal.totals()).toMatchObject({ accepted: 1, pending: 0 });
});
