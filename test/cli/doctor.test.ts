import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Devnet, startDevnet } from '../../src/devnet/soma/index.js';
import { probeWebGpu } from '../../src/engine/gpu/index.js';
import { Keypair } from '../../src/soma/chain/index.js';
import { cliRunner } from './run-cli.js';

let dir: string;
let devnet: Devnet;
const rich = Keypair.generate();
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-doctor-'));
  devnet = await startDevnet({ accounts: [{ address: rich.address, coins: [5_000_000_000n] }] });
});
afterAll(async () => {
  await devnet.close();
  await rm(dir, { recursive: true, force: true });
});

function states(checks: readonly { name: string; state: string }[]): Record<string, string> {
  return Object.fromEntries(checks.map(({ name, state }) => [name, state]));
}

test('doctor --network checks all that mining needs', async () => {
  const run = cliRunner({ HOME: dir, SOMA_SECRET_KEY: rich.exportSecret('hex') });
  const ready = await run(['doctor', '--network', devnet.rpcUrl, '--data-port', '0', '--json']);
  expect(ready.exit).toBe(0);
  expect(ready.stdout.trimEnd()).not.toContain('\n');
  // A look at what is there creates nothing.
  expect(await readdir(dir)).toEqual([]);
  const report = JSON.parse(ready.stdout);
  expect(states(report.mining)).toMatchObject({
    key: 'ok',
    node: 'ok',
    clock: 'ok',
    balance: 'ok',
    'data host': 'ok',
    models: 'warn',
  });
  expect(ready.stdout).not.toContain(rich.exportSecret('hex'));
  const told = await run(['doctor', '--network', devnet.rpcUrl, '--data-port', '0']);
  expect(told.stdout).toMatch(/yes +clock +within .+ of the newest checkpoint's/);
  expect(told.stdout).toContain(`next: quarry mine --network ${devnet.rpcUrl} --data`);
});

test('doctor checks mining unasked once settings name what to mine, and otherwise says how to begin', async () => {
  const run = cliRunner({ HOME: dir, SOMA_SECRET_KEY: rich.exportSecret('hex') });
  const bare = await run(['doctor']);
  expect(bare.stdout).not.toContain('balance');
  expect(bare.stdout).toMatch(/next: quarry init/);
  const set = await run(['doctor'], { env: { QUARRY_NETWORK: devnet.rpcUrl } });
  expect(set.stdout).toMatch(/yes +balance/);
});

test('doctor tells of the WebGPU adapter as it is, and says once why there is none', async () => {
  const probe = await probeWebGpu();
  const run = cliRunner({ HOME: dir });
  const { stdout } = await run(['doctor']);
  const { provider, providers, adapter } = JSON.parse((await run(['doctor', '--json'])).stdout);
  expect(adapter).toEqual(probe);
  if (probe.available) return expect(stdout).toContain(probe.adapter);
  expect(stdout.split(probe.reason)).toHaveLength(2);
  const isListed = providers.some((each: { readonly provider: string }) => each.provider === 'webgpu');
  if (isListed) expect(provider.reason).toContain(probe.reason);
});

test('what is missing is named, with what to do, and the exit says so', async () => {
  const poor = cliRunner({ HOME: dir, SOMA_SECRET_KEY: Keypair.generate().exportSecret('hex') });
  const told = await poor(['doctor', '--network', devnet.rpcUrl]);
  expect(told.exit).toBe(1);
  expect(told.stdout).toMatch(/no +balance +0 SOMA\n.*bond and a fee/);
  expect(told.stderr).toMatch(/not ready to mine: balance/);
  const away = await cliRunner({ HOME: dir })(['doctor', '--network', 'http://127.0.0.1:1', '--json']);
  expect(states(JSON.parse(away.stdout).mining)).toMatchObject({ key: 'fail', node: 'fail' });
});

test('init writes a private file that the other commands read, and replaces none', async () => {
  const run = cliRunner({ HOME: dir, SOMA_SECRET_KEY: rich.exportSecret('hex') });
  const out = join(dir, 'first.yaml');
  const made = await run(['init', '--out', out, '--network', devnet.rpcUrl, '--data', 'synthetic', '--data-port', '0']);
  expect(made.exit).toBe(0);
  expect(made.stderr).toContain(`next: quarry mine --config ${out}`);
  expect((await stat(out)).mode & 0o777).toBe(0o600);
  const text = await readFile(out, 'utf8');
  expect(text).toContain(`network: ${devnet.rpcUrl}`);
  expect(text).not.toContain(rich.exportSecret('hex'));
  const read = await run(['doctor', '--network', '--config', out, '--json']);
  expect(JSON.parse(read.stdout)).toMatchObject({ network: devnet.rpcUrl });
  const again = await run(['init', '--out', out, '--no-check', '--json']);
  expect(again.exit).not.toBe(0);
  expect(await readFile(out, 'utf8')).toBe(text);
});

test('a variable that is nearly a setting is reported, and a YAML error has its line', async () => {
  const run = cliRunner({ HOME: dir });
  expect((await run(['doctor'], { env: { QUARRY_WORKRES: '2' } })).stderr).toContain('did you mean QUARRY_WORKERS?');
  const bad = join(dir, 'bad.yaml');
  await writeFile(bad, 'workers: 2\ndata: [\n');
  expect((await run(['doctor', '--config', bad])).stderr).toMatch(/bad\.yaml:\d+:\d+ is not valid YAML/);
});
