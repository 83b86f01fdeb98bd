import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Devnet, startDevnet } from '../../src/devnet/index.js';
import { MODEL_CONFIGS } from '../../src/engine/model-config.js';
import { cryptWeights, Keypair, manifestOf } from '../../src/soma/chain/index.js';
import { generateWeightsBytes } from '../../src/weights/generate.js';
import { type LoopbackServer, listen } from '../loopback-server.js';
import { cliRunner } from './run-cli.js';

const key = new Uint8Array(32).fill(3);
const plain = generateWeightsBytes(MODEL_CONFIGS.small, 1n);
const encrypted = cryptWeights(plain, key);
const half = encrypted.length >> 1;

let dir: string;
let devnet: Devnet;
let host: LoopbackServer;
let modelId: string;
let run: ReturnType<typeof cliRunner>;
/** Ranges the host was asked for. */
const asked: (string | undefined)[] = [];
/** Whether the host falls silent half-way. */
let isStuck = false;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-fetch-'));
  host = await listen((request, response) => {
    const { range } = request.headers;
    asked.push(range);
    const start = Number(/bytes=(\d+)-/.exec(range ?? '')?.[1] ?? 0);
    const contentRange = `bytes ${start}-${encrypted.length - 1}/${encrypted.length}`;
    response.writeHead(start > 0 ? 206 : 200, start > 0 ? { 'content-range': contentRange } : {});
    if (isStuck) response.write(encrypted.subarray(start, half));
    else response.end(encrypted.subarray(start));
  });
  devnet = await startDevnet({
    checkpointIntervalMs: 20,
    models: [
      {
        owner: Keypair.generate().address,
        manifest: manifestOf(`${host.url}/weights`, encrypted),
        decryptionKey: key,
        embedding: new Float32Array(MODEL_CONFIGS.small.embeddingDim).fill(1),
        commissionRate: 0n,
        initialStake: 1_000_000_000n,
      },
    ],
  });
  run = cliRunner({ HOME: dir, QUARRY_NETWORK: devnet.rpcUrl, QUARRY_STATE_DIR: join(dir, 'state') });
  modelId = (await run(['models', 'list', '--json'])).json.models[0].modelId;
});
afterAll(async () => {
  await devnet.close();
  await host.close();
  await rm(dir, { recursive: true, force: true });
});

it.each([
  ['decrypted', ['--decrypt'], plain],
  ['encrypted', [], encrypted],
] as const)('goes on with %s weights where it was interrupted', async (name, flags, expected) => {
  const out = join(dir, name);
  const args = ['models', 'fetch', modelId, ...flags, '--out', out];
  const stop = new AbortController();
  isStuck = true;
  const interrupted = run(args, { signal: stop.signal });
  await expect.poll(async () => (await stat(`${out}.part`).catch(() => undefined))?.size).toBe(half);
  stop.abort('SIGINT');
  const { exit, stderr } = await interrupted;
  expect([exit, (await stat(`${out}.part`)).size]).toEqual([130, half]);
  expect(stderr).toContain(`${out}.part`);

  isStuck = false;
  asked.length = 0;
  expect((await run(args)).exit).toBe(0);
  expect(asked).toEqual([`bytes=${half}-`]);
  expect(Buffer.from(expected).equals(await readFile(out))).toBe(true);
  expect((await readdir(dir)).filter((entry) => entry.endsWith('.part'))).toEqual([]);
});

it('starts anew when what is there belongs to another file', async () => {
  const out = join(dir, 'mixed');
  isStuck = true;
  const stop = new AbortController();
  const interrupted = run(['models', 'fetch', modelId, '--out', out], { signal: stop.signal });
  await expect.poll(async () => (await stat(`${out}.part`).catch(() => undefined))?.size).toBe(half);
  stop.abort('SIGINT');
  await interrupted;
  isStuck = false;
  // Encrypted so far; now it shall be decrypted.
  expect((await run(['models', 'fetch', modelId, '--decrypt', '--out', out])).exit).toBe(0);
  expect(Buffer.from(plain).equals(await readFile(out))).toBe(true);
});
