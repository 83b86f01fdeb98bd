import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Devnet, startDevnet } from '../../src/devnet/soma/index.js';
import { cosineDistance } from '../../src/engine/reference/index.js';
import { digestToBytes, Keypair } from '../../src/soma/chain/index.js';
import { generateWeightsBytes } from '../../src/weights/generate.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import { publishModels } from '../devnet/soma/published-models.js';
import { RawClient, requestGas } from '../devnet/soma/raw-client.js';
import { cliRunner } from './run-cli.js';

const owner = Keypair.fromSecret(new Uint8Array(32).fill(21));
const miner = Keypair.fromSecret(new Uint8Array(32).fill(22));
const stranger = Keypair.fromSecret(new Uint8Array(32).fill(23));

let dir: string;
let devnet: Devnet;
let run: ReturnType<typeof cliRunner>;
let modelId: string;
const file = (name: string): string => join(dir, name);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-cli-'));
  devnet = await startDevnet({
    seed: 31,
    checkpointIntervalMs: 20,
    faucetCoins: 4,
    faucetAmount: 100_000_000_000n,
    initialDistanceThreshold: 0.8,
  });
  const rpc = new RawClient(devnet.rpcUrl);
  await requestGas(devnet.faucetUrl, owner.address);
  const [published] = await publishModels(devnet, rpc, owner, 1);
  modelId = published!.id;
  rpc.close();
  run = cliRunner({
    HOME: dir,
    QUARRY_NETWORK: devnet.rpcUrl,
    QUARRY_FAUCET_URL: devnet.faucetUrl,
    QUARRY_STATE_DIR: file('state'),
    SOMA_SECRET_KEY: miner.exportSecret('hex'),
    QUARRY_ENGINE: 'js',
    QUARRY_WORKERS: '1',
  });
  await writeFile(file('sample.txt'), 'a sample that is scored by hand\n'.repeat(4));
  await writeFile(file('weights.safetensors'), generateWeightsBytes(MODEL_CONFIGS.small, 1n));
});
afterAll(async () => {
  await devnet.close();
  await rm(dir, { recursive: true, force: true });
});

describe('targets', () => {
  it('are listed by every status of the network, claimed included', async () => {
    const claimed = await run(['targets', 'list', '--status', 'claimed', '--json']);
    expect(claimed.json.targets).toEqual([]);
    const told = await run(['targets', 'list', '--status', 'claimed']);
    expect(told.stdout + told.stderr).toContain('deletes a target when it is claimed');
  });

  it('lists one page, and every page', async () => {
    const page = await run(['targets', 'list', '--limit', '3', '--json']);
    expect(page.exit).toBe(0);
    expect(page.json.targets).toHaveLength(3);
    expect(page.json.targets[0]).toMatchObject({ status: 'open', generationEpoch: '2', modelIds: [modelId] });
    const next = await run(['targets', 'list', '--limit', '3', '--page-token', page.json.nextPageToken, '--json']);
    expect(next.json.targets[0].id > page.json.targets[2].id).toBe(true);
    const all = await run(['targets', 'list', '--all', '--json']);
    expect(all.lines).toHaveLength(devnet.targets().size);
    expect(new Set(all.lines.map((line) => JSON.parse(line).id)).size).toBe(all.lines.length);
  });

  it('honours read masks and filters', async () => {
    const masked = await run(['targets', 'list', '--limit', '1', '--read-mask', 'id,reward_pool', '--json']);
    expect(Object.keys(masked.json.targets[0]).sort()).toEqual(['id', 'rewardPoolShannons']);
    const table = await run(['targets', 'list', '--limit', '2', '--read-mask', 'id,reward_pool']);
    expect(table.lines[0]).toBe(`${'TARGET'.padEnd(66)}  REWARD SOMA`);
    expect(table.lines).toHaveLength(3);
    const past = await run(['targets', 'list', '--epoch', '7']);
    expect([past.exit, past.stdout, past.stderr]).toEqual([0, '', 'no open targets\n']);
  });

  it('shows one and watches all', async () => {
    const [id] = devnet.targets().keys();
    const shown = await run(['targets', 'show', id!, '--json']);
    expect(shown.json).toMatchObject({
      id,
      status: 'open',
      generationEpoch: '2',
      bondShannons: '0',
      modelIds: [modelId],
    });
    expect(shown.json.embedding).toHaveLength(16);
    const watched = await run(['targets', 'watch', '--until-synced', '--json']);
    const events = watched.lines.map((line) => JSON.parse(line));
    expect(events.at(-1)).toEqual({ type: 'synced', open: devnet.targets().size });
    expect(events.filter((event) => event.type === 'opened')).toHaveLength(devnet.targets().size);
  });

  it('ends watching with 130 when interrupted', async () => {
    const stop = new AbortController();
    const onOutput = (text: string) => text.includes('synced') && stop.abort();
    expect((await run(['targets', 'watch'], { signal: stop.signal, onOutput })).exit).toBe(130);
  });
});

describe('models', () => {
  it('lists them and their manifests', async () => {
    const list = await run(['models', 'list', '--state', 'active', '--json']);
    expect(list.json.models).toEqual([expect.objectContaining({ modelId, state: 'active', owner: owner.address })]);
    const byId = await run(['models', 'manifests', modelId, '--json']);
    const [target] = devnet.targets().keys();
    const byTarget = await run(['models', 'manifests', '--target', target!, '--json']);
    expect(byTarget.stdout).toBe(byId.stdout);
    const [manifest] = byId.json.manifests;
    expect(manifest).toMatchObject({ modelId, sizeBytes: 56_304 });
    // Base58 as the network's SDK writes it, hex beside it.
    for (const name of ['checksum', 'decryptionKey']) {
      expect(Buffer.from(digestToBytes(manifest[name])).toString('hex')).toBe(manifest[`${name}Hex`]);
    }
    expect((await run(['models', 'manifests'])).exit).toBe(2);
  });

  it('fetches weights encrypted and decrypted', async () => {
    const encrypted = await run(['models', 'fetch', modelId, '--out', file('w.encrypted'), '--json']);
    expect(encrypted.json).toMatchObject({ modelId, decrypted: false, sizeBytes: 56_304 });
    expect((await run(['models', 'fetch', modelId, '--decrypt', '--out', file('w.plain')])).exit).toBe(0);
    const plain = await readFile(file('weights.safetensors'));
    expect(await readFile(file('w.plain'))).toEqual(plain);
    expect(await readFile(file('w.encrypted'))).not.toEqual(plain);
    const again = await run(['models', 'fetch', modelId, '--out', file('w.plain'), '--json']);
    expect([again.exit, again.error.code]).toEqual([1, 'ALREADY_EXISTS']);
  });

  it('generates the same weights for the same seed', async () => {
    const made = await run(['models', 'generate', '--config', 'small', '--seed', '1', '--out', file('g.st'), '--json']);
    expect(made.json).toEqual({ file: file('g.st'), config: 'small', seed: '1', sizeBytes: 56_304 });
    expect(await readFile(file('g.st'))).toEqual(await readFile(file('weights.safetensors')));
  });
});

describe('score', () => {
  const base = ['--model', 'weights.safetensors', '--config', 'small'];
  const at = (args: readonly string[]): string[] => args.map((arg) => (arg.includes('.') ? file(arg) : arg));

  it('prints one line a file, in order', async () => {
    await writeFile(file('other.txt'), 'another sample');
    const scored = await run(['score', ...at(['other.txt', 'sample.txt', ...base]), '--json']);
    expect(scored.lines.map((line) => Object.keys(JSON.parse(line)))).toEqual([
      ['file', 'loss', 'embedding'],
      ['file', 'loss', 'embedding'],
    ]);
    expect(scored.lines.map((line) => JSON.parse(line).file)).toEqual([file('other.txt'), file('sample.txt')]);
    expect(scored.json.embedding).toHaveLength(16);
    const seeded = await run(['score', ...at(['other.txt', ...base]), '--seed', '9', '--json']);
    expect(seeded.json.loss).not.toBe(scored.json.loss);
    expect(seeded.json.embedding).toEqual(scored.json.embedding);
  });

  it('computes what joined files score from their parts', async () => {
    const parts = ['a.bin', 'b.bin', 'c.bin'];
    const bytes = parts.map((_, i) => new Uint8Array(1024).fill(70 + i));
    for (const [i, name] of parts.entries()) await writeFile(file(name), bytes[i]!);
    await writeFile(file('joined.bin'), Buffer.concat(bytes));
    const composed = await run(['score', '--compose', ...at([...parts, ...base]), '--json']);
    const joined = await run(['score', ...at(['joined.bin', ...base]), '--json']);
    expect(composed.lines).toHaveLength(1);
    expect(composed.json).toMatchObject({ parts: 3, files: parts.map(file) });
    expect(Math.abs(composed.json.loss - joined.json.loss)).toBeLessThan(1e-4);
    const [a, b] = [composed, joined].map(({ json }) => Float32Array.from(json.embedding));
    expect(cosineDistance(a!, b!)).toBeLessThan(1e-5);
    const uneven = await run(['score', '--compose', ...at(['sample.txt', 'a.bin', ...base]), '--json']);
    expect(uneven.error.code).toBe('INVALID_ARGUMENT');
    const several = await run(['submit', ...at(['a.bin', 'b.bin']), '--target', `0x${'0'.repeat(64)}`, '--json']);
    expect(several.error.code).toBe('USAGE');
  });

  it('decrypts with the key that is on chain', async () => {
    const { decryptionKey } = (await run(['models', 'manifests', modelId, '--json'])).json.manifests[0];
    await run(['models', 'fetch', modelId, '--out', file('enc.bin')]);
    const args = at(['sample.txt', '--model', 'enc.bin', '--config', 'small']);
    const encrypted = await run(['score', ...args, '--key', decryptionKey, '--json']);
    const hex = await run(['score', ...args, '--key', '01'.repeat(32), '--json']);
    const plain = await run(['score', ...at(['sample.txt', ...base]), '--json']);
    expect(encrypted.stdout).toBe(plain.stdout);
    expect(hex.stdout).toBe(plain.stdout);
    const wrong = await run(['score', ...args, '--key', '02'.repeat(32), '--json']);
    expect([wrong.exit, wrong.error.code]).toEqual([1, 'WEIGHTS_INVALID']);
    expect(wrong.error.hint).toContain('--key');
  });

  it('shows the distance to a target', async () => {
    const [id, payload] = [...devnet.targets()][0]!;
    const scored = await run(['score', ...at(['sample.txt', ...base]), '--target', id, '--json']);
    const distance = cosineDistance(Float32Array.from(scored.json.embedding), payload.embedding.values);
    expect(scored.json).toMatchObject({ targetId: id, distance });
    expect(scored.json.hit).toBe(distance <= scored.json.threshold);
  });
});

describe('from a hit to its reward', () => {
  it('submits once, refuses what misses, fetches the data back, claims', async () => {
    await run(['wallet', 'faucet']);
    const scored = await run([
      ...['score', file('sample.txt'), '--model', file('weights.safetensors')],
      ...['--config', 'small', '--json'],
    ]);
    const embedding = Float32Array.from(scored.json.embedding);
    const ranked = [...devnet.targets()]
      .map(
        ([
          id,
          {
            embedding: { values },
          },
        ]) => ({ id, distance: cosineDistance(embedding, values) }),
      )
      .sort((a, b) => a.distance - b.distance);
    const [best] = ranked;
    const worst = ranked.at(-1);
    expect(best!.distance).toBeLessThan(0.8);
    const dry = await run(['submit', file('sample.txt'), '--target', worst!.id, '--dry-run', '--json']);
    expect(dry.json).toMatchObject({ outcome: 'miss', distance: worst!.distance, modelId });
    const nowhere = await run(['submit', file('sample.txt'), '--target', best!.id, '--json']);
    expect([nowhere.exit, nowhere.error.code]).toEqual([3, 'CONFIG_MISSING']);
    const url = devnet.putBlob('sample', await readFile(file('sample.txt')));
    const miss = await run(['submit', file('sample.txt'), '--target', worst!.id, '--url', url, '--json']);
    expect([miss.exit, miss.error.code]).toEqual([1, 'FAILED_PRECONDITION']);
    expect(miss.error.details).toMatchObject({ distance: worst!.distance });
    const elsewhere = devnet.putBlob('elsewhere', new Uint8Array(128));
    const wrong = await run(['submit', file('sample.txt'), '--target', best!.id, '--url', elsewhere, '--json']);
    expect([wrong.exit, wrong.error.code]).toEqual([1, 'FAILED_PRECONDITION']);

    const accepted = await run(['submit', file('sample.txt'), '--target', best!.id, '--url', url, '--json']);
    expect(accepted.stderr).toBe('');
    expect(accepted.json).toMatchObject({ outcome: 'accepted', distance: best!.distance, modelId, url });
    expect(devnet.targets().get(best!.id)?.status.kind).toBe('filled');
    const again = await run(['submit', file('sample.txt'), '--target', best!.id, '--url', url, '--json']);
    expect([again.exit, again.error.code]).toEqual([1, 'FAILED_PRECONDITION']);

    const shown = await run(['targets', 'show', best!.id]);
    expect(shown.stdout).toContain(miner.address);
    const data = await run(['data', 'fetch', best!.id, '--out', file('fetched'), '--json']);
    expect(data.json).toMatchObject({ targetId: best!.id, sizeBytes: 128 });
    expect(await readFile(file('fetched'))).toEqual(await readFile(file('sample.txt')));
    expect((await run(['data', 'fetch', best!.id, '--out', '-'])).stdout).toBe(
      await readFile(file('sample.txt'), 'utf8'),
    );
    const unfilled = await run(['data', 'fetch', worst!.id, '--out', file('nothing'), '--json']);
    expect([unfilled.exit, unfilled.error.code]).toEqual([1, 'FAILED_PRECONDITION']);

    const early = await run(['claim', '--json']);
    expect(early.json).toEqual({ claimed: 0, receivedShannons: '0', feeShannons: '0' });
    const tooEarly = await run(['claim', best!.id, '--json']);
    expect([tooEarly.exit, tooEarly.error.code]).toEqual([1, 'EXECUTION_FAILED']);
    await devnet.advanceEpoch();
    await devnet.advanceEpoch();
    const before = devnet.balanceOf(miner.address);
    const claimed = await run(['claim', '--json']);
    const total = JSON.parse(claimed.lines.at(-1)!);
    expect(claimed.json.targetId).toBe(best!.id);
    expect(total.claimed).toBe(1);
    expect(devnet.balanceOf(miner.address)).toBe(before + BigInt(total.receivedShannons) - BigInt(total.feeShannons));
    const expired = await run(['claim', worst!.id, '--json']);
    expect(expired.json).toMatchObject({ targetId: worst!.id });
  });
});

describe('tx', () => {
  it('transfers, splits, merges and looks up', async () => {
    const sent = await run(['tx', 'transfer', stranger.address, '1.25', '--json']);
    expect(sent.json.status).toBe('success');
    expect(sent.json.balanceChanges).toContainEqual({ address: stranger.address, amountShannons: '1250000000' });
    const found = await run(['tx', 'show', sent.json.digest, '--json']);
    expect(found.json).toMatchObject({ digest: sent.json.digest, feeShannons: sent.json.feeShannons });
    const split = await run(['tx', 'split', '0.5', '--count', '3', '--json']);
    expect(split.json.createdObjects).toHaveLength(3);
    const merged = await run(['tx', 'merge', '--json']);
    expect(merged.json.status).toBe('success');
    expect((await run(['wallet', 'coins', '--json'])).json.coins).toHaveLength(2);
    const paid = await run(['tx', 'pay', `${stranger.address}=0.1`, `${owner.address}=.2`, '--json']);
    expect(paid.json.balanceChanges).toContainEqual({ address: stranger.address, amountShannons: '100000000' });
  });

  it('stakes with a model and withdraws', async () => {
    const staked = await run(['tx', 'stake-model', modelId, '1', '--json']);
    expect(staked.json.status).toBe('success');
    const { stakes } = (await run(['wallet', 'coins', '--stakes', '--json'])).json;
    expect(stakes).toHaveLength(1);
    const withdrawn = await run(['tx', 'withdraw-stake', stakes[0].objectId, '--json']);
    expect(withdrawn.json.status).toBe('success');
  });

  it('simulates without sending', async () => {
    const before = devnet.balanceOf(miner.address);
    const simulated = await run(['tx', 'transfer', stranger.address, '1', '--simulate', '--json']);
    expect(simulated.json).toMatchObject({ status: 'success', simulated: true });
    expect(devnet.balanceOf(miner.address)).toBe(before);
  });

  it('signs elsewhere', async () => {
    const online = { env: { SOMA_SECRET_KEY: undefined } };
    const unsigned = await run(
      ['tx', 'transfer', stranger.address, '0.75', '--sender', miner.address, '--serialize-unsigned'],
      online,
    );
    expect(unsigned.exit).toBe(0);
    const offline = { env: { QUARRY_NETWORK: 'http://127.0.0.1:1' }, stdin: unsigned.stdout };
    const signed = await run(['tx', 'sign', '-'], offline);
    expect(signed.exit).toBe(0);
    await writeFile(file('signed'), signed.stdout);
    const decoded = await run(['tx', 'show', `@${file('signed')}`, '--json'], offline);
    expect(decoded.json).toMatchObject({ kind: 'transferCoin', signed: true, sender: miner.address });
    const apart = await run(['tx', 'sign', unsigned.stdout.trim(), '--signature-only'], offline);
    const before = devnet.balanceOf(stranger.address);
    const notSigned = await run(['tx', 'execute', unsigned.stdout.trim(), '--json'], online);
    expect([notSigned.exit, notSigned.error.code]).toEqual([1, 'SIGNATURE_INVALID']);
    const done = await run(['tx', 'execute', `@${file('signed')}`, '--json'], online);
    expect(done.json).toMatchObject({ status: 'success', digest: decoded.json.digest });
    expect(devnet.balanceOf(stranger.address) - before).toBe(750_000_000n);
    // The same transaction again is the same transaction.
    const args = ['tx', 'execute', '--tx-bytes', unsigned.stdout.trim(), '--signature', apart.stdout.trim(), '--json'];
    expect((await run(args, online)).json.digest).toBe(decoded.json.digest);
    expect(devnet.balanceOf(stranger.address) - before).toBe(750_000_000n);
    const forged = await run(['tx', 'sign', unsigned.stdout.trim(), '--json'], {
      env: { SOMA_SECRET_KEY: stranger.exportSecret('hex') },
    });
    expect([forged.exit, forged.error.code]).toEqual([3, 'KEY_INVALID']);
    const ready = await run(['tx', 'transfer', stranger.address, '0.25', '--serialize-signed', '--json']);
    expect((await run(['tx', 'execute', ready.json.base64, '--json'], online)).json.digest).toBe(ready.json.digest);
  });
});

describe('models publish', () => {
  it('completes every step, and resumes where it stopped', async () => {
    await run(['models', 'generate', '--config', 'small', '--seed', '5', '--out', file('p.st')]);
    const key = { env: { SOMA_SECRET_KEY: owner.exportSecret('hex') } };
    const base = ['models', 'publish', file('p.st'), '--config', 'small', '--json'];
    const nowhere = await run(base, key);
    expect([nowhere.exit, nowhere.error.code]).toEqual([3, 'CONFIG_MISSING']);
    const url = `${devnet.httpUrl}/blobs/p`;
    const notThere = await run([...base, '--url', url], key);
    expect([notThere.exit, notThere.error.code]).toEqual([1, 'FAILED_PRECONDITION']);
    devnet.putBlob('p', await readFile(file('p.st.encrypted')));
    const committed = await run([...base, '--url', url, '--commit-only'], key);
    expect(committed.json).toMatchObject({ url, revealed: false });
    expect((await stat(file('p.st.publication.json'))).mode & 0o777).toBe(0o600);
    const { decryptionKey } = JSON.parse(await readFile(file('p.st.publication.json'), 'utf8'));
    await devnet.advanceEpoch();
    const revealed = await run([...base, '--url', url], key);
    expect(revealed.json).toMatchObject({ modelId: committed.json.modelId, revealed: true });
    for (const each of [nowhere, notThere, committed, revealed]) {
      expect(each.stdout + each.stderr).not.toContain(decryptionKey);
    }
    await devnet.advanceEpoch();
    const list = await run(['models', 'list', '--state', 'active', '--json']);
    expect(list.json.models.map((model: { modelId: string }) => model.modelId)).toContain(committed.json.modelId);
  });
});

describe('weights that are not what the chain says', () => {
  it('leave nothing behind', async () => {
    const args = ['models', 'fetch', modelId, '--decrypt', '--out', file('bad.st'), '--json'];
    const weights = new Uint8Array(await readFile(file('w.encrypted')));
    const { checksumHex: checksum } = (await run(['models', 'manifests', modelId, '--json'])).json.manifests[0];
    const flipped = weights.slice();
    flipped[1000]! ^= 1;
    const cases: [string, Uint8Array, string][] = [
      ['another file', flipped, 'CHECKSUM_MISMATCH'],
      ['truncated', weights.subarray(0, 50_000), 'SIZE_MISMATCH'],
      ['oversized', new Uint8Array([...weights, 0]), 'SIZE_MISMATCH'],
    ];
    for (const [name, bytes, code] of cases) {
      devnet.putBlob('weights-0', bytes);
      const fetched = await run(args);
      expect([name, fetched.exit, fetched.error.code]).toEqual([name, 1, code]);
      expect(fetched.error.hint, name).toBeDefined();
      // The miner's cache takes the same path.
      const { epoch } = devnet.ledger.state;
      const [target] = [...devnet.targets()]
        .filter(([, each]) => each.generationEpoch === epoch && each.modelIds.includes(modelId))
        .map(([id]) => id);
      const state = file(`state-${name.replace(' ', '-')}`);
      const scored = await run(['submit', file('sample.txt'), '--target', target!, '--dry-run', '--json'], {
        env: { QUARRY_STATE_DIR: state },
      });
      expect([name, scored.exit, scored.error.code]).toEqual([name, 1, code]);
      const cached = await readdir(join(state, 'weights'), { recursive: true });
      expect(cached.filter((entry) => entry.includes(checksum))).toEqual([]);
    }
    expect((await readdir(dir)).filter((name) => name.startsWith('bad.st'))).toEqual([]);
    devnet.putBlob('weights-0', weights);
    expect((await run(args)).exit).toBe(0);
  });
});
