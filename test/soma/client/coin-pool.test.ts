import { create } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { type DevnetOptions, NO_CHAOS } from '../../../src/devnet/soma/index.js';
import {
  ExecutionErrorSchema,
  ExecutionStatusSchema,
  ExecutionError_ExecutionErrorKind as Kind,
} from '../../../src/gen/soma/rpc/execution_status_pb.js';
import type { ExecuteTransactionResponse } from '../../../src/gen/soma/rpc/transaction_execution_service_pb.js';
import { manifestOf, signTransaction } from '../../../src/soma/chain/index.js';
import { ExecutionError, GrpcError, type SomaAccount } from '../../../src/soma/client/index.js';
import { until } from '../../until.js';
import { bytesOf, type Fixture, startFixture } from './devnet-fixture.js';

const SOMA = 1_000_000_000n;

describe('the coin pool against a devnet', () => {
  let fixture: Fixture;
  afterEach(() => fixture.close());

  async function start(
    options: DevnetOptions & { coins?: readonly bigint[] },
    parallel = 1,
    coinShannons?: bigint,
  ): Promise<SomaAccount> {
    fixture = await startFixture({ targetsPerEpoch: 60, ...options });
    return fixture.client.account(fixture.keypair, { parallel, coinShannons });
  }

  /** Submits for many targets at once. */
  async function submitAll(account: SomaAccount, count: number): Promise<PromiseSettledResult<unknown>[]> {
    const targets = await fixture.client.getTargets({ limit: count });
    expect(targets.length).toBe(count);
    const data = bytesOf(100, 1);
    return Promise.allSettled(
      targets.map((target) =>
        account.submitData({
          targetId: target.id,
          manifest: manifestOf('http://127.0.0.1/data', data),
          modelId: target.modelIds[0]!,
          embedding: target.embedding,
          distance: 0.5,
          loss: 1,
        }),
      ),
    );
  }

  async function expectExact(account: SomaAccount): Promise<void> {
    const listed = await fixture.client.listCoins(account.address);
    expect(account.pool.free()).toEqual(listed);
    expect(account.pool.state).toMatchObject({ leased: 0, quarantined: 0 });
  }

  it('splits one coin so that many transactions are in flight, and knows every version afterwards', async () => {
    const account = await start({ finalityDelayMs: 100 }, 16);
    let reads = 0;
    let inFlight = 0;
    let mostInFlight = 0;
    const { transport } = fixture.client.context;
    const unary = transport.unary.bind(transport);
    transport.unary = (async (method: { name: string }, ...rest: [never, never]) => {
      if (method.name === 'GetObject' || method.name === 'ListOwnedObjects') reads++;
      if (method.name !== 'ExecuteTransaction') return unary(method as never, ...rest);
      mostInFlight = Math.max(mostInFlight, ++inFlight);
      return unary(method as never, ...rest).finally(() => inFlight--);
    }) as typeof transport.unary;
    const results = await submitAll(account, 48);
    expect(results.filter((result) => result.status === 'rejected')).toEqual([]);
    expect(mostInFlight).toBeGreaterThanOrEqual(16);
    // The coins were listed once; every version since was learnt from effects.
    expect(reads).toBe(1);
    expect(account.pool.state.free).toBeGreaterThanOrEqual(16);
    transport.unary = unary as typeof transport.unary;
    await expectExact(account);
  });

  it('splits into coins that last, however little each submission takes', async () => {
    const account = await start({}, 16, 1_000n);
    await submitAll(account, 17);
    expect(account.pool.state.free).toBe(16);
    for (const { balanceShannons } of account.pool.free()) expect(balanceShannons).toBeGreaterThan(1_000_000n);
    await expectExact(account);
  });

  it('splits its only coin although that is never left free', async () => {
    const account = await start({}, 16);
    const { pool } = account;
    const lease = await pool.acquire({ amount: SOMA });
    let looked = 0;
    const countAtLeast = pool.countAtLeast.bind(pool);
    pool.countAtLeast = (amount) => {
      looked++;
      return countAtLeast(amount);
    };
    const submitting = submitAll(account, 32);
    await until(() => looked >= 32, 'all looking for a coin');
    pool.release(lease);
    expect((await submitting).filter((result) => result.status === 'rejected')).toEqual([]);
    expect(account.pool.state.free).toBe(16);
    await expectExact(account);
  });

  it('merges surplus coins along the way, and stops at enough', async () => {
    const account = await start({ coins: Array.from({ length: 40 }, (_, n) => SOMA + BigInt(n)) }, 4);
    const results = await submitAll(account, 24);
    expect(results.filter((result) => result.status === 'rejected')).toEqual([]);
    for (let n = 0; n < 6; n++) await account.transferCoin({ recipient: '0x77', amountShannons: 1_000n });
    // Four for each transaction that may be in flight, and the one that paid.
    expect(account.pool.state.free).toBe(17);
    await expectExact(account);
  });

  it('leaves merging to transactions outside the race, unless there are twice as many coins as are kept', async () => {
    const account = await start({ coins: Array.from({ length: 30 }, (_, n) => SOMA + BigInt(n)) }, 4);
    await submitAll(account, 3);
    expect(account.pool.state.free).toBe(30);
    await account.transferCoin({ recipient: '0x77', amountShannons: 1_000n });
    expect(account.pool.state.free).toBe(26);
    await expectExact(account);
  });

  it('serialises over a single coin when it must, without conflict', async () => {
    const account = await start({ coins: [SOMA] });
    const results = await submitAll(account, 5);
    expect(results.map((result) => result.status)).toEqual(Array(5).fill('fulfilled'));
    await expectExact(account);
  });

  it('pays with several coins when none suffices', async () => {
    const account = await start({ coins: [SOMA, SOMA, SOMA] });
    const result = await account.transferCoin({ recipient: '0x77', amountShannons: (5n * SOMA) / 2n });
    expect(await fixture.client.getBalance('0x77')).toBe((5n * SOMA) / 2n);
    expect(result.effects.status.kind).toBe('success');
    await expectExact(account);
  });

  it('survives versions that another program used up', async () => {
    const account = await start({ coins: [3n * SOMA, 2n * SOMA] });
    await account.pool.ready();
    // Another program spends both coins; this pool still has their old versions.
    for (const { balanceShannons: _balance, ...coin } of account.pool.free()) {
      const kind = { kind: 'transferCoin', coin, amount: 1n, recipient: '0x77' } as const;
      const data = { kind, sender: account.address, gasPayment: [coin] };
      await fixture.client.executeTransaction(await signTransaction(data, fixture.keypair));
    }
    const result = await account.transferCoin({ recipient: '0x78', amountShannons: SOMA });
    expect(result.effects.status.kind).toBe('success');
    // The coin that was tried in vain has been read again.
    await until(() => account.pool.state.quarantined === 0, 'the coin read again');
    await account.pool.refresh();
    await expectExact(account);
  });

  it('sets a locked coin aside, uses another, and comes back to it', async () => {
    const account = await start({ coins: [3n * SOMA, 2n * SOMA] });
    await account.pool.ready();
    const [rich, small] = account.pool.free();
    const { balanceShannons: _balance, ...ref } = small!;
    const holder = fixture.devnet.ledger.lockForStranger(ref);
    const result = await account.transferCoin({ recipient: '0x77', amountShannons: SOMA, wait: false });
    expect(result.effects.changedObjects.map((change) => change.objectId)).toContain(rich!.objectId);
    expect(account.pool.state.quarantined).toBe(1);
    fixture.devnet.ledger.release(small!.objectId, holder);
    // Its version changes when the stranger's transaction executes, here: when it is spent elsewhere.
    const kind = { kind: 'transferCoin', coin: ref, amount: 1n, recipient: '0x77' } as const;
    const data = { kind, sender: account.address, gasPayment: [ref] };
    await fixture.client.executeTransaction(await signTransaction(data, fixture.keypair));
    await until(() => account.pool.state.quarantined === 0, 'the coin read again');
    await expectExact(account);
  });

  it('tries a locked coin again when the lock may have been given up', async () => {
    const account = await start({ coins: [SOMA] });
    await account.pool.ready();
    const { balanceShannons: _balance, ...ref } = account.pool.free()[0]!;
    const holder = fixture.devnet.ledger.lockForStranger(ref);
    setTimeout(() => fixture.devnet.ledger.release(ref.objectId, holder), 300);
    const result = await account.transferCoin({ recipient: '0x77', amountShannons: 1n });
    expect(result.effects.status.kind).toBe('success');
    await expectExact(account);
  });

  it('joins no small coins for a claim while one in use suffices alone', async () => {
    const account = await start({ coins: [SOMA, SOMA / 2n, SOMA / 2n] });
    const { pool } = account;
    await pool.ready();
    const rich = pool.reserveNow(pool.free()[0]!.objectId)!;
    const joined = await pool.acquire({ amount: SOMA });
    expect(joined.coins).toHaveLength(2);
    pool.release(joined);
    const alone = pool.acquire({ amount: SOMA, patient: true });
    expect(pool.state).toMatchObject({ free: 2, leased: 1 });
    pool.release(rich);
    expect((await alone).coins).toEqual(rich.coins);
    // Nothing in use suffices: then several must.
    expect(
      (await pool.acquire({ amount: SOMA - 1n, patient: true, signal: AbortSignal.timeout(50) }).catch((e) => e)).code,
    ).toBe('ABORTED');
  });

  it('splits the poorest coin that has enough, so that the richest stays whole', async () => {
    const account = await start({ coins: [50n * SOMA, SOMA, SOMA / 1_000_000n] }, 4);
    await submitAll(account, 4);
    expect(account.pool.free()[0]!.balanceShannons).toBeGreaterThanOrEqual(50n * SOMA - 10_000n);
    await expectExact(account);
  });

  it('waits for coins in use, and is aborted by its signal', async () => {
    const account = await start({ coins: [SOMA], finalityDelayMs: 200 });
    const first = account.transferCoin({ recipient: '0x77', amountShannons: 1000n });
    await until(() => account.pool.state.leased === 1, 'the coin in use');
    const second = account.transferCoin({ recipient: '0x77', amountShannons: 1000n, signal: AbortSignal.timeout(30) });
    await expect(second).rejects.toMatchObject({ code: 'ABORTED' });
    await first;
    await expectExact(account);
  });

  it('gives every coin back when the sender fails before sending', async () => {
    const account = await start({ coins: [SOMA] });
    const broken = account.transferCoin({
      recipient: '0x77',
      amountShannons: 1n,
      onSigned: () => {
        throw new Error('the journal is full');
      },
    });
    await expect(broken).rejects.toMatchObject({ code: 'INTERNAL' });
    await expectExact(account);
  });

  /** A submission for one target. */
  async function submission() {
    const [target] = await fixture.client.getTargets({ limit: 1 });
    return {
      targetId: target!.id,
      manifest: manifestOf('http://127.0.0.1/data', bytesOf(100, 1)),
      modelId: target!.modelIds[0]!,
      embedding: target!.embedding,
      distance: 0.5,
      loss: 1,
    };
  }

  it('reports every transaction that was charged and cancelled, and fills the target once', async () => {
    const chaos = { seed: 9, rates: { ...NO_CHAOS, congestion: 0.5 } };
    const account = await start({ coins: [3n * SOMA], chaos });
    const before = fixture.devnet.balanceOf(account.address);
    const signed: string[] = [];
    const cancelled: string[] = [];
    let fees = 0n;
    const result = await account.submitData({
      ...(await submission()),
      onSigned: ({ digest }) => void signed.push(digest),
      onSuperseded({ digest, effects }) {
        // Before the next one is signed.
        expect(digest).toBe(signed.at(-1));
        cancelled.push(digest);
        fees += effects.fee.totalFee;
      },
    });
    expect(fixture.devnet.faults.congestion).toBe(2);
    expect(signed).toEqual([...cancelled, result.digest]);
    const bond = 100n * 65n;
    expect(fixture.devnet.balanceOf(account.address)).toBe(before - fees - result.effects.fee.totalFee - bond);
    expect(account.feesShannons).toBe(fees + result.effects.fee.totalFee);
    await expectExact(account);
  });

  it('asks the ledger before it signs another, whatever the answer says', async () => {
    const account = await start({ coins: [3n * SOMA] });
    const wanted = await submission();
    const { transport } = fixture.client.context;
    const unary = transport.unary.bind(transport);
    transport.unary = (async (method: { name: string }, ...rest: [never, never]) => {
      const answer = await unary(method as never, ...rest);
      if (method.name !== 'ExecuteTransaction') return answer;
      // It executed, and the node says that it was cancelled.
      const { transaction } = answer as unknown as ExecuteTransactionResponse;
      const error = create(ExecutionErrorSchema, { kind: Kind.SHARED_OBJECT_CONGESTION });
      transaction!.effects!.status = create(ExecutionStatusSchema, { success: false, error });
      return answer;
    }) as typeof transport.unary;
    const signed: string[] = [];
    const result = await account.submitData({ ...wanted, onSigned: ({ digest }) => void signed.push(digest) });
    expect(signed).toEqual([result.digest]);
    expect(result.effects.status.kind).toBe('success');
    transport.unary = unary as typeof transport.unary;
    await expectExact(account);
  });

  it('signs no other while an earlier call may still arrive, although its coin is locked', async () => {
    const account = await start({ coins: [3n * SOMA, 2n * SOMA] });
    const wanted = await submission();
    const { transport } = fixture.client.context;
    const unary = transport.unary.bind(transport);
    const refuse = (grpcCode: number, message: string): never => {
      throw new GrpcError({ grpcCode, message, method: '/m', fromServer: true });
    };
    let calls = 0;
    let late: Promise<unknown> | undefined;
    transport.unary = (async (method: { name: string }, ...rest: [never, never]) => {
      if (method.name !== 'ExecuteTransaction') return unary(method as never, ...rest);
      calls++;
      if (calls === 1) {
        // It breaks off for the caller, and arrives a second later all the same.
        late = new Promise((done) => setTimeout(done, 1_000)).then(() => unary(method as never, ...rest));
        refuse(status.UNAVAILABLE, 'connection lost');
      }
      if (calls === 2) {
        refuse(
          status.FAILED_PRECONDITION,
          'Failed to sign transaction by a quorum of validators because of locked objects. Conflicting Transactions: …',
        );
      }
      return unary(method as never, ...rest);
    }) as typeof transport.unary;
    const signed: string[] = [];
    const result = await account.submitData({ ...wanted, onSigned: ({ digest }) => void signed.push(digest) });
    await late;
    expect(signed).toEqual([result.digest]);
    expect(result.effects.status.kind).toBe('success');
    transport.unary = unary as typeof transport.unary;
    await expectExact(account);
  });

  it('states the shortfall in SOMA', async () => {
    const account = await start({ coins: [SOMA / 2n] });
    const error = await account.transferCoin({ recipient: '0x77', amountShannons: SOMA }).catch((each: Error) => each);
    expect(error).toMatchObject({ code: 'INSUFFICIENT_FUNDS', details: { availableShannons: SOMA / 2n } });
    expect((error as Error).message).toMatch(/ has 0\.5 SOMA, but needs 1\.\d+ SOMA/);
    const failure = { kind: 'insufficientBond', rpcKind: 43, detail: 'required=65000, provided=10' } as const;
    const refused = new ExecutionError(failure as never, { transactionDigest: 'x' } as never, 'submitData');
    expect(refused.message).toBe(
      'submitData failed with INSUFFICIENT_BOND: required=0.000065 SOMA, provided=0.00000001 SOMA',
    );
    expect(refused.data).toEqual({ required: '65000', provided: '10' });
  });
});

describe('the coin pool against a node whose reads lag behind its answers', () => {
  let fixture: Fixture;
  afterEach(() => fixture.close());

  const never = 600_000;

  it('keeps the coins that claims bring, and never takes a list for newer than the effects', async () => {
    // Reads catch up only where the test says so.
    fixture = await startFixture({
      targetsPerEpoch: 4,
      readLagMs: never,
      checkpointIntervalMs: never,
      idleCheckpointMs: never,
      auditShare: 0,
    });
    const { client, devnet, keypair } = fixture;
    const account = client.account(keypair);
    const targets = await client.getTargets({ limit: 3 });
    const data = bytesOf(100, 1);
    for (const target of targets) {
      await account.submitData({
        targetId: target.id,
        manifest: manifestOf('http://127.0.0.1/data', data),
        modelId: target.modelIds[0]!,
        embedding: target.embedding,
        distance: 0.5,
        loss: 1,
        wait: false,
      });
    }
    for (const epoch of [1n, 2n]) {
      const ended = devnet.advanceEpoch();
      await expect.poll(() => devnet.node.ledger.state.epoch).toBe(epoch);
      devnet.node.sealCheckpoint();
      await ended;
    }
    for (const { id } of targets) await account.claimRewards({ targetId: id, wait: false });
    // What the list shows now is what was before.
    expect(await client.getBalance(keypair.address)).not.toBe(devnet.balanceOf(keypair.address));
    await account.pool.refresh();
    expect(account.pool.state.quarantined).toBeGreaterThan(0);
    devnet.node.sealCheckpoint();
    await expect.poll(() => account.pool.state.quarantined).toBe(0);
    expect(account.pool.state.totalShannons).toBe(devnet.balanceOf(keypair.address));
    expect(await client.getBalance(keypair.address)).toBe(devnet.balanceOf(keypair.address));
    await account.pool.refresh();
    expect(account.pool.free()).toEqual(await client.listCoins(keypair.address));
  });

  it('tells a transaction only when it knows it', async () => {
    fixture = await startFixture({ readLagMs: never, checkpointIntervalMs: never, idleCheckpointMs: never });
    const { client, devnet } = fixture;
    const { digest } = await client.account(fixture.keypair).transferCoin({
      recipient: '0x77',
      amountShannons: 1n,
      wait: false,
    });
    await expect(client.getTransaction(digest)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    devnet.node.sealCheckpoint();
    expect(await client.getTransaction(digest)).toMatchObject({ digest });
  });

  it('keeps a coin that two transactions locked out of choice until the epoch ends', async () => {
    fixture = await startFixture({ coins: [10n * SOMA] });
    const { client, devnet, keypair } = fixture;
    const account = client.account(keypair);
    await account.pool.ready();
    const [coin] = account.pool.free();
    const { context } = client;
    const { sleep } = context;
    // Every pause is short, so that the fifth refusal is not half a minute away.
    let skipped = 0;
    Object.assign(context, {
      now: () => Date.now() + skipped,
      sleep: (ms: number, signal?: AbortSignal) => {
        skipped += ms;
        return sleep(20, signal);
      },
    });
    for (let times = 0; times < 5; times++) {
      await expect.poll(() => account.pool.state.free).toBe(1);
      account.pool.quarantine([coin!.objectId], 'locked');
    }
    await expect(account.transferCoin({ recipient: '0x77', amountShannons: 1n })).rejects.toMatchObject({
      code: 'OBJECT_LOCKED',
      hint: expect.stringContaining('its own coins'),
    });
    await devnet.advanceEpoch();
    await expect.poll(() => account.pool.state.free).toBe(1);
    await account.transferCoin({ recipient: '0x77', amountShannons: 1n });
  });

  it('spends another coin while one is locked until the epoch ends, and that one afterwards', async () => {
    fixture = await startFixture({ coins: [1n * SOMA, 10n * SOMA] });
    const { client, devnet, keypair } = fixture;
    const account = client.account(keypair);
    await account.pool.ready();
    const locked = account.pool.free().at(-1)!;
    devnet.node.ledger.lockForStranger(locked);
    const first = await account.transferCoin({ recipient: '0x77', amountShannons: 1n });
    expect(first.effects.changedObjects.map(({ objectId }) => objectId)).not.toContain(locked.objectId);
    expect(account.pool.state.quarantined).toBe(1);
    await devnet.advanceEpoch();
    await expect.poll(() => account.pool.state.free).toBe(2);
    const second = await account.transferCoin({ recipient: '0x77', amountShannons: 1n });
    expect(second.effects.changedObjects.map(({ objectId }) => objectId)).toContain(locked.objectId);
  });
});
