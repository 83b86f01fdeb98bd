import { afterEach, describe, expect, it } from 'vitest';
import type { DevnetOptions } from '../../../src/devnet/index.js';
import { manifestOf, signTransaction } from '../../../src/soma/chain/index.js';
import type { SomaAccount } from '../../../src/soma/client/index.js';
import { bytesOf, type Fixture, startFixture } from './devnet-fixture.js';

const SOMA = 1_000_000_000n;

describe('the coin pool against a devnet', () => {
  let fixture: Fixture;
  afterEach(() => fixture.close());

  async function start(options: DevnetOptions & { coins?: readonly bigint[] }, parallel = 1): Promise<SomaAccount> {
    fixture = await startFixture({ targetsPerEpoch: 60, ...options });
    return fixture.client.account(fixture.keypair, { parallel });
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
    expect(account.pool.state).toMatchObject({ leased: 0, doubtful: 0 });
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
    while (account.pool.state.doubtful > 0) await new Promise((done) => setTimeout(done, 20));
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
    expect(account.pool.state.doubtful).toBe(1);
    fixture.devnet.ledger.release(small!.objectId, holder);
    // Its version changes when the stranger's transaction executes, here: when it is spent elsewhere.
    const kind = { kind: 'transferCoin', coin: ref, amount: 1n, recipient: '0x77' } as const;
    const data = { kind, sender: account.address, gasPayment: [ref] };
    await fixture.client.executeTransaction(await signTransaction(data, fixture.keypair));
    const deadline = Date.now() + 5_000;
    while (account.pool.state.doubtful > 0 && Date.now() < deadline) await new Promise((done) => setTimeout(done, 20));
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

  it('waits for coins in use, and is interrupted by its signal', async () => {
    const account = await start({ coins: [SOMA], finalityDelayMs: 200 });
    const first = account.transferCoin({ recipient: '0x77', amountShannons: 1000n });
    await new Promise((done) => setTimeout(done, 50));
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
});
