import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Devnet, startDevnet } from '../../src/devnet/soma/index.js';
import { Keypair } from '../../src/soma/chain/index.js';
import { openStore } from '../../src/store/index.js';
import { weightsIdentity } from '../../src/weights/manifest.js';
import { publishModels } from '../devnet/soma/published-models.js';
import { RawClient, requestGas } from '../devnet/soma/raw-client.js';
import { cliRunner } from './run-cli.js';

let dir: string;
let devnet: Devnet;
let run: ReturnType<typeof cliRunner>;
const owner = Keypair.fromSecret(new Uint8Array(32).fill(61));
const file = (name: string): string => join(dir, name);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-wallet-'));
  devnet = await startDevnet({
    seed: 61,
    checkpointIntervalMs: 20,
    faucetAmount: 100_000_000_000n,
    initialDistanceThreshold: 0.8,
  });
  run = cliRunner({
    HOME: dir,
    QUARRY_NETWORK: devnet.rpcUrl,
    QUARRY_FAUCET_URL: devnet.faucetUrl,
    SOMA_CONFIG_DIR: file('wallet'),
    QUARRY_STATE_DIR: file('state'),
  });
});
afterAll(async () => {
  await devnet.close();
  await rm(dir, { recursive: true, force: true });
});

describe('wallet', () => {
  it('makes, imports, chooses and renames accounts without showing secrets', async () => {
    const made = await run(['wallet', 'new', '--alias', 'first', '--json']);
    expect(made.json).toMatchObject({ alias: 'first', active: true });
    expect(Object.keys(made.json).sort()).toEqual(['active', 'address', 'alias', 'publicKey']);
    const shown = await run(['wallet', 'new', '--alias', 'second', '--words', '24', '--show-mnemonic', '--json']);
    expect(Keypair.fromMnemonic(shown.json.mnemonic).address).toBe(shown.json.address);
    const secret = owner.exportSecret('bech32');
    const imported = await run(['wallet', 'import', '--alias', 'owner'], { stdin: `${secret}\n` });
    expect(imported.stdout).toContain(owner.address);
    expect(imported.stdout + imported.stderr).not.toContain(secret);
    expect((await run(['wallet', 'use', 'owner', '--json'])).json).toMatchObject({ alias: 'owner', active: true });
    expect((await run(['wallet', 'rename', 'first', 'miner'])).exit).toBe(0);
    const list = await run(['wallet', 'list', '--json']);
    expect(list.json.accounts.map((each: { alias: string }) => each.alias).sort()).toEqual([
      'miner',
      'owner',
      'second',
    ]);
    expect((await stat(file('wallet/soma.keystore'))).mode & 0o777).toBe(0o600);
    expect((await run(['wallet', 'address'])).stdout).toBe(`${owner.address}\n`);
    expect((await run(['wallet', 'address', '--account', 'miner'])).stdout).toBe(`${made.json.address}\n`);
    // The environment's key goes before the wallet's, and what the command line names before both.
    const env = { SOMA_SECRET_KEY: '07'.repeat(32) };
    expect((await run(['wallet', 'address'], { env })).stdout).not.toBe(`${owner.address}\n`);
    expect((await run(['wallet', 'address', '--account', 'owner'], { env })).stdout).toBe(`${owner.address}\n`);
  });

  it('exports only when told twice', async () => {
    expect((await run(['wallet', 'export', 'owner'])).stdout).toBe('');
    const told = await run(['wallet', 'export', 'owner', '--yes-show-the-secret', '--format', 'hex']);
    expect(told.stdout).toBe(`${'3d'.repeat(32)}\n`);
  });

  it('refuses a key it has, and an alias that is taken', async () => {
    const again = await run(['wallet', 'import', '--json'], { stdin: owner.exportSecret('hex') });
    expect([again.exit, again.error.code]).toEqual([1, 'ALREADY_EXISTS']);
    const taken = await run(['wallet', 'new', '--alias', 'owner', '--json']);
    expect([taken.exit, taken.error.code]).toEqual([1, 'ALREADY_EXISTS']);
    expect((await run(['wallet', 'remove', 'second', '--yes-delete-the-key'])).exit).toBe(0);
    expect((await run(['wallet', 'list', '--json'])).json.accounts).toHaveLength(2);
  });

  it('knows networks by name', async () => {
    const set = await run(['wallet', 'env', 'mine', '--rpc', devnet.rpcUrl, '--json']);
    expect(set.json.active).toBe('mine');
    expect(set.json.environments).toContainEqual({ alias: 'mine', rpc: devnet.rpcUrl });
    const balance = await run(['wallet', 'balance', '--network', 'mine', '--json']);
    expect(balance.json).toEqual({ address: owner.address, balanceShannons: '0', balanceSoma: '0' });
    const unknown = await run(['wallet', 'env', 'nowhere', '--json']);
    expect([unknown.exit, unknown.error.code]).toEqual([1, 'NOT_FOUND']);
  });

  it('gets coins from the faucet', async () => {
    const given = await run(['wallet', 'faucet', '--json']);
    expect(given.json).toMatchObject({ address: owner.address, receivedShannons: '100000000000' });
    expect((await run(['wallet', 'balance'])).stdout).toBe('100 SOMA\n');
    const coins = await run(['wallet', 'coins', '--json']);
    expect(coins.json.coins).toMatchObject([{ balanceShannons: '100000000000' }]);
  });
});

describe('store', () => {
  it('shows, scans, collects, exports and verifies what a miner left', async () => {
    const rpc = new RawClient(devnet.rpcUrl);
    await requestGas(devnet.faucetUrl, owner.address);
    const [published] = await publishModels(devnet, rpc, owner, 1);
    rpc.close();
    const { manifests } = (await run(['models', 'manifests', published!.id, '--json'])).json;
    const identity = weightsIdentity({ checksum: manifests[0].checksumHex, decryptionKey: published!.key });
    const active = { architecture: 'v1', checksum: identity };
    const old = { architecture: 'v1', checksum: 'ab'.repeat(32) };
    const store = await openStore({ dir: file('state/store'), embeddingDim: 16, durability: 'process' });
    const bytes = new TextEncoder().encode('a sample that a miner scored');
    const [{ id } = { id: -1 }] = await store.appendSamples([{ bytes, origin: 'book.txt' }]);
    const [score] = await published!.model.score([bytes]);
    await store.appendScores(active, [{ sampleId: id, ...score! }]);
    await store.appendScores(old, [{ sampleId: id, ...score! }]);
    await store.close();

    const info = await run(['store', 'info', '--json']);
    expect(info.json).toMatchObject({ samples: 1, sampleBytes: bytes.length, embeddingDim: 16 });
    expect(info.json.models).toHaveLength(2);
    const scanned = await run(['store', 'scan', '--json']);
    expect(scanned.lines.length).toBeGreaterThan(0);
    expect(scanned.json).toMatchObject({ sampleId: id, origin: 'book.txt', weights: active.checksum });
    expect(scanned.json.distance).toBeLessThanOrEqual(scanned.json.threshold);
    const exported = await run(['store', 'export', '--embeddings', '--bytes']);
    expect(Buffer.from(exported.json.bytes, 'base64').toString()).toBe('a sample that a miner scored');
    expect(exported.json.scores).toHaveLength(2);

    const planned = await run(['store', 'gc', '--dry-run', '--json']);
    expect(planned.json.removed).toEqual([{ ...old, rows: 1 }]);
    expect((await run(['store', 'gc', '--json'])).json).toMatchObject({
      dryRun: false,
      removed: [{ ...old, rows: 1 }],
    });
    expect((await run(['store', 'info', '--json'])).json.models).toHaveLength(1);
    expect((await run(['store', 'verify', '--json'])).json).toEqual({ samples: 1, rows: 1, faults: [] });
    const locked = await openStore({ dir: file('state/store'), embeddingDim: 16 });
    const busy = await run(['store', 'gc', '--json']);
    expect([busy.exit, busy.error.code]).toEqual([1, 'STORE_LOCKED']);
    await locked.close();

    const data = await open(file('state/store/samples/data-000000.bin'), 'r+');
    await data.write(Uint8Array.of(0xff), 0, 1, 5);
    await data.close();
    const damaged = await run(['store', 'verify', '--json']);
    expect([damaged.exit, damaged.error.code]).toEqual([1, 'STORE_CORRUPT']);
    expect(damaged.json.faults).toEqual([{ kind: 'sample-bytes', index: id }]);
  });
});
