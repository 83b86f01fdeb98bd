import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Devnet, startDevnet } from '../../src/devnet/soma/index.js';
import { cryptWeights, Keypair, manifestOf } from '../../src/soma/chain/index.js';
import { generateWeightsBytes } from '../../src/weights/generate.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import { type LoopbackServer, listen } from '../loopback-server.js';
import { type CliRun, cliRunner } from './run-cli.js';

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
/** What is kept of a download begins again at a block of the disk. */
const BLOCK = 4096;

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

/** Starts a command that is interrupted when half of the bytes have come. */
async function interrupt(args: readonly string[]): Promise<CliRun> {
  const stop = new AbortController();
  isStuck = true;
  asked.length = 0;
  const interrupted = run(args, { signal: stop.signal });
  await expect.poll(() => asked.length).toBe(1);
  // The command runs in this process and keeps what it holds until it ends: turns of the event loop bring it the host's half.
  for (let turn = 0; turn < 20; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 25));
    await new Promise((resolve) => setImmediate(resolve));
  }
  stop.abort('SIGINT');
  isStuck = false;
  return interrupted;
}

it.each([
  ['decrypted', ['--decrypt'], plain],
  ['encrypted', [], encrypted],
] as const)('goes on with %s weights where it was interrupted', async (name, flags, expected) => {
  const out = join(dir, name);
  const args = ['models', 'fetch', modelId, ...flags, '--out', out];
  const { exit, stderr } = await interrupt(args);
  const { size } = await stat(`${out}.part`);
  expect([exit, Math.floor(size / BLOCK)]).toEqual([130, Math.floor(half / BLOCK)]);
  expect(stderr).toContain(`${out}.part`);

  asked.length = 0;
  expect((await run(args)).exit).toBe(0);
  const start = Number(/^bytes=(\d+)-$/.exec(asked[0] ?? '')?.[1]);
  expect([asked.length, Math.floor(start / BLOCK)]).toEqual([1, Math.floor(half / BLOCK)]);
  expect(Buffer.from(expected).equals(await readFile(out))).toBe(true);
  expect((await readdir(dir)).filter((entry) => entry.endsWith('.part'))).toEqual([]);
});

it('starts anew when what is there belongs to another file', async () => {
  const out = join(dir, 'mixed');
  await interrupt(['models', 'fetch', modelId, '--out', out]);
  // Encrypted so far; now it shall be decrypted.
  expect((await run(['models', 'fetch', modelId, '--decrypt', '--out', out])).exit).toBe(0);
  expect(Buffer.from(plain).equals(await readFile(out))).toBe(true);
});
