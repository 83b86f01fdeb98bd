import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Devnet, startDevnet } from '../../../src/devnet/soma/index.js';
import { normalArray } from '../../../src/engine/reference/index.js';
import { CREATION_NUMBERS, deriveId, Keypair } from '../../../src/soma/chain/index.js';
import { SomaClient } from '../../../src/soma/client/index.js';
import { ModelPublication } from '../../../src/soma/publish/index.js';
import { generateWeightsBytes } from '../../../src/weights/generate.js';
import { MODEL_CONFIGS } from '../../../src/weights/model-config.js';

const bin = fileURLToPath(new URL('../../../bin/quarry.js', import.meta.url));
const owner = Keypair.fromSecret(new Uint8Array(32).fill(41));

let dir: string;
let devnet: Devnet;
let weights: string;
/** Kinds of the owner's transactions, in the order of their execution. */
const executed: string[] = [];
/** The process that ends the moment the ledger executes a transaction of this kind, before it can hear of it. */
let doomed: { readonly child: ChildProcess; readonly at: string } | undefined;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-publish-'));
  weights = join(dir, 'model.safetensors');
  await writeFile(weights, generateWeightsBytes(MODEL_CONFIGS.small, 9n));
  devnet = await startDevnet({
    checkpointIntervalMs: 20,
    accounts: [{ address: owner.address, coins: [50_000_000_000n, 50_000_000_000n] }],
  });
  devnet.node.onExecuted(({ data }) => {
    if (data.sender !== owner.address) return;
    executed.push(data.kind.kind);
    if (data.kind.kind === doomed?.at) doomed.child.kill('SIGKILL');
  });
});
afterAll(async () => {
  await devnet.close();
  await rm(dir, { recursive: true, force: true });
});

async function publish(args: readonly string[], killAt?: string): Promise<{ exit: number | null; stdout: string }> {
  const env = {
    PATH: process.env['PATH'],
    HOME: dir,
    QUARRY_NETWORK: devnet.rpcUrl,
    SOMA_SECRET_KEY: owner.exportSecret('hex'),
  };
  const command = ['models', 'publish', weights, '--config', 'small', '--url', `${devnet.httpUrl}/blobs/w`, '--json'];
  const child = spawn(process.execPath, [bin, ...command, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  doomed = killAt === undefined ? undefined : { child, at: killAt };
  let stdout = '';
  child.stdout.on('data', (part) => {
    stdout += String(part);
  });
  child.stderr.resume();
  const [exit] = (await once(child, 'close')) as [number | null];
  doomed = undefined;
  return { exit, stdout };
}

const stateNow = async () => JSON.parse(await readFile(`${weights}.publication.json`, 'utf8'));

it('creates, commits and reveals once, though killed during each of the three', async () => {
  // Encrypts, and finds that the file is not where it should be yet.
  expect((await publish(['--commit-only'])).exit).toBe(1);
  devnet.putBlob('w', await readFile(`${weights}.encrypted`));

  expect((await publish(['--commit-only'], 'createModel')).exit).toBe(null);
  expect(await stateNow()).toMatchObject({ pending: { step: 'created' } });
  expect((await stateNow()).modelId).toBeUndefined();
  expect((await publish(['--commit-only'], 'commitModel')).exit).toBe(null);
  expect(await stateNow()).toMatchObject({ pending: { step: 'committed' } });
  await devnet.advanceEpoch();
  expect((await publish([], 'revealModel')).exit).toBe(null);
  expect((await stateNow()).revealed).toBeUndefined();
  const last = await publish([]);
  expect([last.exit, JSON.parse(last.stdout)]).toMatchObject([0, { revealed: true }]);

  expect(executed).toEqual(['createModel', 'commitModel', 'revealModel']);
  const mine = [...devnet.ledger.state.modelRegistry.models].filter(([, model]) => model.owner === owner.address);
  expect(mine.map(([id]) => id)).toEqual([(await stateNow()).modelId]);
  expect(await stateNow()).not.toHaveProperty('pending');
});

it('sends what was signed but never sent, and signs again when its coin is gone', async () => {
  executed.length = 0;
  const client = await SomaClient.connect({ url: devnet.rpcUrl });
  const account = client.account(owner);
  for (const coinIsSpent of [false, true]) {
    const path = join(dir, `second-${coinIsSpent}.safetensors`);
    await writeFile(path, generateWeightsBytes(MODEL_CONFIGS.small, 10n));
    const { small } = MODEL_CONFIGS;
    const embedding = normalArray(1n, small.embeddingDim);
    const options = { path, shape: small, embedding, commissionRateBps: 100 };
    const hostFile = async (): Promise<string> => `${devnet.httpUrl}/blobs/x`;
    // The process dies when the transaction is signed and written down, and not yet sent.
    const dying = Object.create(account) as typeof account;
    dying.createModel = (each) =>
      account.createModel({
        ...each,
        async onSigned(signed) {
          await each.onSigned?.(signed);
          throw new Error('killed');
        },
      });
    const dead = new ModelPublication(options, { client, account: dying, hostFile });
    await expect(dead.commit()).rejects.toThrow('killed');
    expect(executed.filter((kind) => kind === 'createModel')).toHaveLength(coinIsSpent ? 1 : 0);
    const { digest } = JSON.parse(await readFile(`${path}.publication.json`, 'utf8')).pending;
    // Nearly everything: every coin is used.
    const most = devnet.balanceOf(owner.address) - 5_000_000_000n;
    if (coinIsSpent) await account.transferCoin({ recipient: owner.address, amountShannons: most });
    const { modelId } = await new ModelPublication(options, { client, account, hostFile }).commit();
    expect(devnet.ledger.state.modelRegistry.models.get(modelId!)?.owner).toBe(owner.address);
    expect(modelId === deriveId(digest, CREATION_NUMBERS.createModel.model)).toBe(!coinIsSpent);
    expect(executed.filter((kind) => kind === 'createModel')).toHaveLength(coinIsSpent ? 2 : 1);
  }
  client.close();
});
