import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Devnet, startDevnet } from '../../src/devnet/soma/index.js';
import { Keypair } from '../../src/soma/chain/index.js';
import { type CliRun, cliRunner } from './run-cli.js';

let dir: string;
let devnet: Devnet;
const owner = Keypair.generate();
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-table-'));
  devnet = await startDevnet({ accounts: [{ address: owner.address, coins: [5_000_000_000n, 7n] }] });
});
afterAll(async () => {
  await devnet.close();
  await rm(dir, { recursive: true, force: true });
});

describe('a listing', () => {
  const coins = (...flags: string[]): Promise<CliRun> =>
    cliRunner({ HOME: dir })(['wallet', 'coins', owner.address, '--network', devnet.rpcUrl, ...flags]);

  test('is CSV, Markdown or chosen columns of either', async () => {
    expect((await coins('--csv', '--columns', 'soma,version')).stdout).toMatch(
      /^SOMA,VERSION\n5,\d+\n0\.000000007,\d+\n$/,
    );
    expect((await coins('--md', '--columns', 'Soma')).stdout).toBe('| SOMA |\n| ---: |\n| 5 |\n| 0.000000007 |\n');
    expect((await coins('--columns', 'soma')).stdout.split('\n')[0]).toBe('       SOMA');
  });

  test('refuses what it does not have', async () => {
    expect(await coins('--csv', '--md')).toMatchObject({ exit: 2 });
    const unknown = await coins('--columns', 'colour');
    expect(unknown).toMatchObject({ exit: 2 });
    expect(unknown.stderr).toMatch(/unknown column colour\nhint: columns are COIN, SOMA, VERSION/);
  });
});

describe('--dotenv', () => {
  test('goes below the environment, for every network', async () => {
    const file = join(dir, 'variables');
    await writeFile(file, `QUARRY_NETWORK=${devnet.rpcUrl}\n`, { mode: 0o644 });
    const run = cliRunner({ HOME: dir });
    const balance = ['wallet', 'balance', owner.address, '--dotenv', file];
    expect((await run(balance)).stdout).toBe('5.000000007 SOMA\n');
    const away = { env: { QUARRY_NETWORK: 'http://127.0.0.1:1' } };
    expect(await run(balance, away)).toMatchObject({ exit: 4 });
    expect(await run(['flock', 'tasks', `--dotenv=${join(dir, 'none')}`])).toMatchObject({ exit: 1 });
  });

  test.skipIf(process.platform === 'win32')('with a wallet key in it is for its owner only', async () => {
    const file = join(dir, 'secret');
    await writeFile(file, `SOMA_SECRET_KEY=${owner.exportSecret('hex')}\nQUARRY_NETWORK=${devnet.rpcUrl}\n`);
    const run = cliRunner({ HOME: dir });
    await chmod(file, 0o644);
    const refused = await run(['wallet', 'balance', '--dotenv', file, '--json']);
    expect(refused.error).toMatchObject({
      code: 'KEY_FILE_UNSAFE',
      hint: `chmod 600 ${file}, or set the secret in the environment`,
    });
    await chmod(file, 0o600);
    expect((await run(['wallet', 'balance', '--dotenv', file])).stdout).toBe('5.000000007 SOMA\n');
  });
});
