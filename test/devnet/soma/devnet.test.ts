import { Client, credentials } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Devnet, startDevnet } from '../../../src/devnet/soma/index.js';
import { LedgerService } from '../../../src/gen/soma/rpc/ledger_service_pb.js';
import { StateService } from '../../../src/gen/soma/rpc/state_service_pb.js';
import { Keypair } from '../../../src/soma/chain/keys/keypair.js';
import { coinsOf, execute, failure, mask, RawClient, requestGas } from './raw-client.js';

const alice = Keypair.fromSecret(new Uint8Array(32).fill(1));
const bob = Keypair.fromSecret(new Uint8Array(32).fill(2));
let devnet: Devnet;
let rpc: RawClient;

beforeAll(async () => {
  devnet = await startDevnet({ seed: 7, checkpointIntervalMs: 20, readLagMs: 0, faucetCoins: 3 });
  rpc = new RawClient(devnet.rpcUrl);
});
afterAll(async () => {
  rpc.close();
  await devnet.close();
});

describe('devnet', () => {
  it('tells what it is, with the headers of a fullnode', async () => {
    const info = await rpc.call(LedgerService.method.getServiceInfo, {});
    expect(info.chain).toBe('localnet');
    expect(info.chainId).toBe(devnet.chainId);
    expect(info.epoch).toBe(0n);
    expect(rpc.headers?.get('x-soma-chain')).toEqual(['localnet']);
    expect(rpc.headers?.get('x-soma-epoch')).toEqual(['0']);
  });

  it('gives coins through the faucet, and transfers them', async () => {
    const given = await requestGas(devnet.faucetUrl, alice.address);
    expect(given.status).toBe('Success');
    expect(given.coinsSent.map((each) => each.amount)).toEqual([2_000_000_000n, 2_000_000_000n, 2_000_000_000n]);
    const coins = await coinsOf(rpc, alice.address);
    expect(coins).toHaveLength(3);
    const [coin, gas] = coins;
    const executed = await execute(
      rpc,
      alice,
      { kind: 'transferCoin', coin: coin!, amount: 500_000_000n, recipient: bob.address },
      [gas!],
    );
    expect(executed.effects?.status?.success).toBe(true);
    // 1000 base, three objects written, 10 basis points of the value.
    expect(executed.effects?.fee?.totalFee).toBe(1_000n + 900n + 500_000n);
    expect(devnet.balanceOf(bob.address)).toBe(500_000_000n);
    const target = await rpc.call(StateService.method.getBalance, { owner: bob.address });
    expect([0n, 500_000_000n]).toContain(target.balance);
  });

  it('refuses a corrupted signature and a stale coin', async () => {
    const [coin, gas] = await coinsOf(rpc, alice.address);
    const kind = { kind: 'transferCoin', coin: coin!, amount: 1n, recipient: bob.address } as const;
    const spoiled = await failure(
      execute(rpc, alice, kind, [gas!], (bytes) => bytes.map((byte, index) => (index === 10 ? byte ^ 1 : byte))),
    );
    expect(spoiled.code).toBe('INVALID_ARGUMENT');
    expect(spoiled.message).toContain('Invalid user signature');
    await execute(rpc, alice, kind, [gas!]);
    const stale = await failure(execute(rpc, alice, { ...kind, amount: 2n }, [gas!]));
    expect(stale.code).toBe('INVALID_ARGUMENT');
    expect(stale.message).toContain('is not available for consumption, its current version: Version(');
  });

  it('answers calls that arrive together one by one, not all of them after the last', async () => {
    const payer = Keypair.fromSecret(new Uint8Array(32).fill(3));
    const taker = Keypair.fromSecret(new Uint8Array(32).fill(4)).address;
    const coins = Array.from({ length: 32 }, () => 1_000_000_000n);
    const rich = await startDevnet({ accounts: [{ address: payer.address, coins }], readLagMs: 0 });
    const client = new RawClient(rich.rpcUrl);
    try {
      const paid: bigint[] = [];
      const owned = await coinsOf(client, payer.address);
      expect(owned).toHaveLength(32);
      const transfers = owned.map(async (coin) => {
        await execute(client, payer, { kind: 'transferCoin', coin, amount: 1n, recipient: taker }, [coin]);
        paid.push(rich.balanceOf(taker));
      });
      await Promise.all(transfers);
      expect(paid[0]).toBeLessThan(16n);
      expect(paid.at(-1)).toBe(32n);
    } finally {
      client.close();
      await rich.close();
    }
  });

  it('shares the RPC port with the HTTP routes', async () => {
    const response = await fetch(`${devnet.rpcUrl}/data/${'0'.repeat(64)}`);
    expect(response.status).toBe(502);
    expect((await fetch(`${devnet.rpcUrl}/data/12`)).status).toBe(400);
    const put = await fetch(`${devnet.httpUrl}/blobs/x`, { method: 'PUT', body: 'hello' });
    expect(put.status).toBe(201);
    const part = await fetch(`${devnet.httpUrl}/blobs/x`, { headers: { range: 'bytes=1-3' } });
    expect([part.status, await part.text()]).toEqual([206, 'ell']);
  });

  it('refuses unknown read mask paths', async () => {
    const refused = await failure(
      rpc.call(LedgerService.method.getObject, { objectId: '0x5', readMask: mask('nonsense') }),
    );
    expect(refused.code).toBe('INVALID_ARGUMENT');
    expect(refused.message).toBe('invalid read_mask path: nonsense');
    expect(refused.error.metadata.get('grpc-status-details-bin')).toHaveLength(1);
  });

  it('answers health checks and lists its services by reflection', async () => {
    const client = new Client(new URL(devnet.rpcUrl).host, credentials.createInsecure());
    const same = (bytes: Buffer) => bytes;
    const name = Buffer.from('soma.rpc.StateService');
    // HealthCheckRequest { service = 1 }, HealthCheckResponse { status = 1 }, where SERVING is 1.
    const health = await new Promise<Buffer | undefined>((resolve, reject) => {
      const request = Buffer.concat([Buffer.of(0x0a, name.length), name]);
      client.makeUnaryRequest('/grpc.health.v1.Health/Check', same, same, request, (error, answer) =>
        error === null ? resolve(answer) : reject(error),
      );
    });
    expect(health).toEqual(Buffer.of(0x08, 0x01));
    const path = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
    const listed = await new Promise<Buffer>((resolve, reject) => {
      const call = client.makeBidiStreamRequest(path, same, same);
      call.on('data', resolve);
      call.on('error', reject);
      // ServerReflectionRequest { list_services = 7 }.
      call.write(Buffer.of(0x3a, 0x01, 0x2a));
      call.end();
    });
    expect(listed.toString('latin1')).toContain('soma.rpc.TransactionExecutionService');
    client.close();
  });

  it('refuses a blob that its host has no room for', async () => {
    const small = await startDevnet();
    const bytes = new Uint8Array(2 ** 28);
    for (let n = 0; n < 16; n++) small.putBlob(`blob-${n}`, bytes);
    expect(() => small.putBlob('one-more', bytes)).toThrow(expect.objectContaining({ code: 'DATA_TOO_LARGE' }));
    await small.close();
  });
});
