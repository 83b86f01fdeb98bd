import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Devnet, startDevnet } from '../../src/devnet/soma/index.js';
import { LedgerService } from '../../src/gen/soma/rpc/ledger_service_pb.js';
import { StateService } from '../../src/gen/soma/rpc/state_service_pb.js';
import { Keypair } from '../../src/soma/chain/index.js';
import { generateWeightsBytes } from '../../src/weights/generate.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import { StatusError, TestServer } from '../soma/client/grpc-server.js';
import { cliRunner } from './run-cli.js';

let dir: string;
let devnet: Devnet;
let run: ReturnType<typeof cliRunner>;
const key = Keypair.fromSecret(new Uint8Array(32).fill(41));
const ID = `0x${'a1'.repeat(32)}`;
const file = (name: string): string => join(dir, name);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-bad-'));
  devnet = await startDevnet({ seed: 51, checkpointIntervalMs: 20 });
  run = cliRunner({ HOME: dir, QUARRY_NETWORK: devnet.rpcUrl, QUARRY_ENGINE: 'js', QUARRY_WORKERS: '1' });
  await writeFile(file('weights.st'), generateWeightsBytes(MODEL_CONFIGS.small, 1n));
  await writeFile(file('sample.txt'), 'sample');
});
afterAll(async () => {
  await devnet.close();
  await rm(dir, { recursive: true, force: true });
});

/** Runs with `--json` and for people: both must say the same, once, with a hint and without a stack. */
async function refused(args: readonly string[], env: Readonly<Record<string, string>> = {}, stdin?: string) {
  const options = { env, ...(stdin !== undefined && { stdin }) };
  const machine = await run([...args, '--json'], options);
  const people = await run(args, options);
  expect(people.exit).toBe(machine.exit);
  expect(machine.stdout).toBe('');
  expect(people.stderr.match(/^error: /gm)).toHaveLength(1);
  expect(people.stderr).toMatch(/^hint: /m);
  expect(people.stderr).toContain(`hint: ${machine.error.hint}\n`);
  expect(people.stderr).not.toMatch(/^\s+at /m);
  return { ...machine.error, exit: machine.exit, text: people.stderr + machine.stderr };
}

describe('the way to the network', () => {
  it('an unknown network', async () => {
    const error = await refused(['targets', 'list', '--network', 'mars']);
    expect(error).toMatchObject({ exit: 3, code: 'UNKNOWN_NETWORK' });
    expect(error.hint).toContain('testnet');
  });

  it('an unreachable node', async () => {
    expect(await refused(['targets', 'list', '--network', 'http://127.0.0.1:1'])).toMatchObject({
      exit: 4,
      code: 'UNREACHABLE',
    });
  });

  it('TLS to a server without it', async () => {
    const error = await refused(['targets', 'list', '--network', devnet.rpcUrl.replace('http:', 'https:')]);
    expect(error).toMatchObject({ exit: 4, code: 'TLS' });
    expect(error.hint).toContain('http');
  });

  it('an invalid URL', async () => {
    expect(await refused(['models', 'list', '--network', 'http://'])).toMatchObject({
      exit: 3,
      code: 'CONFIG_INVALID',
    });
    expect(await refused(['models', 'list', '--network', 'ftp://host'])).toMatchObject({
      exit: 3,
      code: 'CONFIG_INVALID',
    });
  });

  it('a node without indexes', async () => {
    const server = await new TestServer()
      .add(LedgerService, {
        getServiceInfo: () => ({ chainId: 'x', chain: 'localnet', epoch: 1n, checkpointHeight: 1n, server: 'node/1' }),
      })
      .add(StateService, {
        listTargets: () => {
          throw new StatusError(5, 'Index store is not available');
        },
      })
      .start();
    try {
      expect(await refused(['targets', 'list', '--network', server.url])).toMatchObject({ exit: 1, code: 'NOT_FOUND' });
    } finally {
      server.stop();
    }
  });

  it('ids that do not exist', async () => {
    expect(await refused(['targets', 'show', ID])).toMatchObject({ exit: 1, code: 'NOT_FOUND' });
    expect(await refused(['models', 'fetch', ID])).toMatchObject({ exit: 1, code: 'NOT_FOUND' });
    expect(await refused(['data', 'fetch', ID])).toMatchObject({ exit: 1, code: 'NOT_FOUND' });
    expect(await refused(['tx', 'show', '1'.repeat(32)])).toMatchObject({ exit: 1, code: 'NOT_FOUND' });
  });
});

describe('weights', () => {
  const score = (name: string, ...more: string[]) =>
    refused(['score', file('sample.txt'), '--model', file(name), '--config', 'small', ...more]);

  it('files that are not safetensors', async () => {
    const good = Buffer.from(generateWeightsBytes(MODEL_CONFIGS.small, 1n));
    const header = good.subarray(8, 8 + Number(good.readBigUInt64LE(0)));
    const withHeader = (text: string): Buffer => {
      const size = Buffer.alloc(8);
      size.writeBigUInt64LE(BigInt(text.length));
      return Buffer.concat([size, Buffer.from(text), good.subarray(8 + header.length)]);
    };
    const text = header.toString();
    const tooLong = Buffer.from(good);
    tooLong.writeBigUInt64LE(2n ** 40n, 0);
    const cases: Record<string, Buffer> = {
      short: good.subarray(0, 5),
      cut: good.subarray(0, 20_000),
      padded: Buffer.concat([good, Buffer.from([0])]),
      'long-header': tooLong,
      'no-json': withHeader(text.replaceAll('{', '(')),
      'an-array': withHeader('[]'),
      'unknown-dtype': withHeader(text.replace('"F32"', '"F31"')),
      'wrong-shape': withHeader(text.replace('[264,16]', '[264,17]').replace('[264, 16]', '[264, 17]')),
      'missing-tensor': withHeader(text.replace('final_norm.gamma', 'final_norm.gamme')),
    };
    for (const [name, bytes] of Object.entries(cases)) {
      await writeFile(file(name), bytes);
      expect([name, await score(name)]).toMatchObject([name, { exit: 1, code: 'WEIGHTS_INVALID' }]);
    }
  });

  it('another configuration, no file, no key', async () => {
    const args = ['score', file('sample.txt'), '--model', file('weights.st')];
    expect(await refused([...args, '--config', 'medium'])).toMatchObject({ exit: 1, code: 'WEIGHTS_INVALID' });
    expect(await score('absent.st')).toMatchObject({ exit: 1, code: 'FILE_NOT_FOUND' });
    expect(await score('weights.st', '--key', 'no-key')).toMatchObject({ exit: 3, code: 'KEY_INVALID' });
    const other = await run([...args, '--config', 'large']);
    expect([other.exit, other.stderr]).toEqual([2, expect.stringContaining('small, medium, v1')]);
  });

  it('leaves no temporary files behind', async () => {
    // Other tests use the common folder.
    const own = file('tmp');
    await mkdir(own);
    vi.stubEnv('TMPDIR', own);
    try {
      await score('weights.st', '--key', '03'.repeat(32));
    } finally {
      vi.unstubAllEnvs();
    }
    expect(await readdir(own)).toEqual([]);
  });
});

describe('data', () => {
  it('that is empty, missing, a directory, too large', async () => {
    await writeFile(file('empty'), '');
    await writeFile(file('large'), new Uint8Array(1_048_577));
    const score = (name: string) => refused(['score', name, '--model', file('weights.st'), '--config', 'small']);
    expect(await score(file('empty'))).toMatchObject({ exit: 1, code: 'DATA_EMPTY' });
    expect(await score(file('absent'))).toMatchObject({ exit: 1, code: 'FILE_NOT_FOUND' });
    expect(await score(dir)).toMatchObject({ exit: 1, code: 'FILE_UNREADABLE' });
    expect(await score(join(file('sample.txt'), 'inside'))).toMatchObject({ exit: 1, code: 'FILE_UNREADABLE' });
    expect(await refused(['submit', file('large'), '--target', ID])).toMatchObject({ exit: 1, code: 'DATA_TOO_LARGE' });
    expect(await refused(['submit', file('empty'), '--target', ID])).toMatchObject({ exit: 1, code: 'DATA_EMPTY' });
  });
});

describe('keys', () => {
  it('in a wrong format, without showing them', async () => {
    for (const secret of [
      'deadbeefdeadbeef',
      `somaprivkey1${'q'.repeat(50)}`,
      'legal winner thank year wave sausage',
    ]) {
      const error = await refused(['wallet', 'address'], { SOMA_SECRET_KEY: secret });
      expect(error).toMatchObject({ exit: 3, code: 'KEY_INVALID' });
      expect(error.text).not.toContain(secret);
      expect(error.text).not.toContain('sausage');
      await writeFile(file('bad.key'), secret, { mode: 0o600 });
      const fromFile = await refused(['wallet', 'balance', '--key-file', file('bad.key')]);
      expect(fromFile).toMatchObject({ exit: 3, code: 'KEY_INVALID' });
      expect(fromFile.text).not.toContain(secret);
    }
  });

  it('in a file that others may read, or none at all', async () => {
    await writeFile(file('open.key'), key.exportSecret('bech32'));
    await chmod(file('open.key'), 0o644);
    const error = await refused(['wallet', 'address', '--key-file', file('open.key')]);
    expect(error).toMatchObject({ exit: 3, code: 'KEY_FILE_UNSAFE' });
    expect(error.hint).toContain('chmod 600');
    expect(error.text).not.toContain(key.exportSecret('bech32'));
    expect(await refused(['tx', 'transfer', ID, '1'])).toMatchObject({ exit: 3, code: 'CONFIG_MISSING' });
    expect(await refused(['wallet', 'list'])).toMatchObject({ exit: 3, code: 'CONFIG_MISSING' });
  });
});

describe('ports', () => {
  it('that are invalid, taken or shared, before anything is created', async () => {
    const state = file('never-made');
    const taken = new URL(devnet.rpcUrl).port;
    const env = { SOMA_SECRET_KEY: key.exportSecret('hex') };
    const mine = (...args: string[]) =>
      refused(['mine', '--data', file('sample.txt'), '--state-dir', state, ...args], env);
    expect(await mine('--api-port', '65536')).toMatchObject({ exit: 2, code: 'USAGE' });
    expect(await mine('--data-port', '-1')).toMatchObject({ exit: 2, code: 'USAGE' });
    expect((await mine('--api-port', '1234', '--data-port', '1234')).text).toContain('are both 1234');
    for (const flag of ['--api-port', '--data-port']) {
      const error = await mine(flag, taken);
      expect(error).toMatchObject({ code: 'CONFLICT' });
      expect(error.text).toContain(`${flag} ${taken} on 127.0.0.1 is taken`);
    }
    expect((await mine('--api-port', '0', '--api-host', '0.0.0.0')).code).toBe('CONFIG_INVALID');
    for (const host of ['192.0.2.1', 'no.such.host.invalid']) {
      for (const flags of [
        ['--data-port', '0', '--host-interface', host],
        ['--api-port', '0', '--api-host', host],
      ]) {
        const error = await refused(['mine', '--data', file('sample.txt'), '--state-dir', state, ...flags], {
          ...env,
          QUARRY_API_TOKEN: 'a token that is long enough',
        });
        expect([flags, error]).toMatchObject([flags, { exit: 3, code: 'CONFIG_INVALID' }]);
        expect(error.hint).toContain('an address of this machine');
      }
    }
    for (const [flags, error] of [
      [['--serve-host', '0.0.0.0'], { exit: 3, code: 'CONFIG_MISSING' }],
      [['--serve-port', taken], { exit: 1, code: 'CONFLICT' }],
    ] as const) {
      expect(await refused(['serve', '--state-dir', state, ...flags])).toMatchObject(error);
    }
    for (const command of ['flock demo --serve', 'aitbc serve']) {
      const error = await refused([...command.split(' '), '--port', taken]);
      expect([command, error]).toMatchObject([command, { exit: 1, code: 'CONFLICT' }]);
    }
    await writeFile(file('port.yaml'), 'apiPort: 99999\n');
    expect((await mine('--config', file('port.yaml'))).text).toContain(
      'apiPort expects a whole number from 0 to 65535',
    );
    expect(existsSync(state)).toBe(false);
  });
});

describe('arguments', () => {
  it('that name no command, also where help is asked for', async () => {
    for (const args of [['histroy'], ['help', 'histroy'], ['histroy', '--help']]) {
      const { exit, stderr, stdout } = await run(args);
      expect([exit, stdout]).toEqual([2, '']);
      expect(stderr).toContain("unknown command 'histroy' (Did you mean history?)");
    }
    expect((await run(['help', 'history'])).stdout).toContain('Usage: quarry history');
    expect((await run(['help'])).stdout).toContain('Start here:');
  });

  it('that match nothing exit with 2', async () => {
    const env = { SOMA_SECRET_KEY: key.exportSecret('hex') };
    const cases: string[][] = [
      ['targets', 'list', '--limit', '0'],
      ['targets', 'list', '--limit', '1001'],
      ['targets', 'list', '--epoch', '-1'],
      ['targets', 'list', '--page-token', '0xab'],
      ['targets', 'list', '--timeout-seconds', '2147484'],
      ['mine', '--seed', '1e20'],
      ['mine', '--min-entropy', '8.1'],
      ['flock', 'watch', '--interval', '2147484'],
      ['flock', 'watch', '--webhook', 'not a url'],
      ['flock', 'task', '-1'],
      ['flock', 'countdown', '6', 'x'],
      ['flock', 'leaderboard', '7', '--wallet', '0x12'],
      ['flock', 'demo', '--serve', '--port', '65534'],
      // Before it is submitted.
      ['flock', 'submit', '7', '--repo', 'owner/name', '--yes', '--csv', '--md'],
      ['store', 'info', '--csv', '--md'],
      ['aitbc', 'serve', '--port', '65536'],
      ['aitbc', 'watch', '--ws-url', 'not a url'],
      ['aitbc', 'offers', 'list', '--max-price', '0x10'],
      ['aitbc', 'offers', 'accept', 'offer', '--job', 'job', '--bid', '-1'],
      ['aitbc', 'jobs', 'wait', 'job', '--poll-ms', '2147483648'],
      ['score', file('sample.txt'), '--model', file('weights.st'), '--config', 'small', '--workers', '1e20'],
      ['targets', 'show', 'xyz'],
      ['tx', 'transfer', '0xabc', '1'],
      ['tx', 'transfer', ID, '1.0000000001'],
      ['tx', 'transfer', ID, '1e3'],
      ['tx', 'transfer', ID, '0'],
      ['tx', 'transfer', ID, '1', '--sender', ID],
      ['tx', 'transfer', ID, '1', '--simulate', '--serialize-signed'],
      ['tx', 'pay', ID],
      ['tx', 'split', '1', '--count', '201'],
      ['tx', 'execute'],
      ['tx', 'show', 'short'],
      ['tx', 'show', ID],
      ['tx', 'show', '@'],
      ['wallet', 'export', 'miner'],
      ['wallet', 'remove', 'miner'],
      ['models', 'publish', file('weights.st'), '--config', 'small', '--commission-bps', '10001'],
      ['models', 'generate', '--config', 'small', '--seed', '1.5', '--out', file('never')],
    ];
    for (const args of cases)
      expect([args, await refused(args, env)]).toMatchObject([args, { exit: 2, code: 'USAGE' }]);
    // What the parser refuses reads the same as what a command does.
    for (const args of [['targets', 'list', '--status', 'odd'], ['models', 'fetch'], ['nonsense'], ['tx', '--odd']]) {
      expect([args, await refused(args)]).toMatchObject([args, { exit: 2, code: 'USAGE' }]);
    }
  });

  it('that are not transactions', async () => {
    const env = { SOMA_SECRET_KEY: key.exportSecret('hex') };
    expect(await refused(['tx', 'sign', 'AAAA'], env)).toMatchObject({ exit: 1, code: 'BCS_INVALID' });
    expect(await refused(['tx', 'execute', '%%%'], env)).toMatchObject({ exit: 1, code: 'INVALID_ARGUMENT' });
    expect(await refused(['tx', 'simulate', '-'], env, 'AAAA')).toMatchObject({ exit: 1, code: 'BCS_INVALID' });
    expect(await refused(['tx', 'sign', `@${file('absent')}`], env)).toMatchObject({ exit: 1, code: 'FILE_NOT_FOUND' });
  });

  it('that are read from standard input, where none comes, end with the signal', async () => {
    for (const args of [
      ['tx', 'sign', '-'],
      ['wallet', 'import'],
      ['aitbc', 'jobs', 'create', '--file', '-'],
      ['aitbc', 'receipts', 'verify', '-'],
    ]) {
      const stop = new AbortController();
      const running = run(args, { stdin: new PassThrough(), signal: stop.signal });
      stop.abort('SIGINT');
      expect([args, (await running).exit]).toEqual([args, 130]);
    }
  });

  it('name a URL without its password, in whichever option it is', async () => {
    for (const args of [
      ['store', 'info', '--network', 'https://user:hunter@2@host/'],
      ['submit', file('sample.txt'), '--target', ID, '--data-port', 'https://user:hunter@2@host/'],
      ['fleet', 'status', '--nats', 'nats://user:hunter@2@127.0.0.1:1'],
      ['tx', 'show', 'https://user:hunter@2@host/'],
    ]) {
      const { text } = await refused(args);
      expect([args, text]).not.toEqual([args, expect.stringMatching(/hunter|2@/)]);
    }
  });

  it('that were forgotten: an unset variable of a shell, or an option in place of a value', async () => {
    for (const args of [
      ['flock', 'upload', 'owner/name', '--dir', ''],
      ['flock', 'tasks', '--base-url='],
      ['flock', 'tasks', '--dotenv', ''],
      ['aitbc', 'receipts', 'verify', ''],
      ['aitbc', 'jobs', 'get', 'job', '--party', '--camel'],
      ['bench', 'rng', '--save', ''],
      ['tx', 'pay', `${ID}=1`, ''],
    ]) {
      const error = await refused(args);
      expect([args, error]).toMatchObject([args, { exit: 2, code: 'USAGE' }]);
      expect(error.text).toContain('expects a value, got');
    }
  });

  it('that name files and folders which a job would need', async () => {
    await writeFile(file('deep'), `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`);
    for (const command of ['jobs create', 'offers create', 'registry validate llm_inference']) {
      const error = await refused(['aitbc', ...command.split(' '), '--file', file('deep')]);
      expect([command, error]).toMatchObject([command, { exit: 1, code: 'DATA_INVALID' }]);
    }
    const inside = join(file('sample.txt'), 'inside');
    const env = { AITBC_MINER_KEY: 'key', FLOCK_API_KEY: 'key' };
    for (const args of [
      ['aitbc', 'miner', 'run', '--miner-id', 'me', '--receipts-dir', inside],
      ['flock', 'validate', 'loop', '7', '--scorer', 'true', '--work-dir', inside],
    ]) {
      expect([args, await refused(args, env)]).toMatchObject([args, { exit: 1, code: 'FILE_UNREADABLE' }]);
    }
  });

  it('with control characters are refused by the name of their option', async () => {
    for (const args of [
      ['flock', 'tasks', '--base-url', 'a\u0001b'],
      ['aitbc', 'health', '--marketplace-url', 'a\u0001b'],
    ]) {
      expect((await refused(args)).text).toContain(`${args[2]} expects text on one line`);
    }
    expect((await refused(['aitbc', 'health', '--marketplace-url', 'nowhere'])).text).toContain('marketplace URL');
  });

  it("the devnet's counts that are not whole", async () => {
    for (const flag of ['--protocol-version', '--targets', '--seed', '--epoch-ms', '--checkpoint-ms']) {
      expect([flag, await refused(['devnet', flag, '0.5'])]).toMatchObject([flag, { exit: 2, code: 'USAGE' }]);
    }
  });

  it('leave no wallet behind, nor anything in the working directory', async () => {
    const wallet = ['--wallet-dir', file('refused-wallet')];
    for (const [args, code] of [
      [['wallet', 'import', ...wallet], 'KEY_INVALID'],
      [['wallet', 'import', '--alias', 'not one', ...wallet], 'INVALID_ARGUMENT'],
      [['wallet', 'new', '--alias', '', ...wallet], 'INVALID_ARGUMENT'],
      [['wallet', 'new', '--wallet-dir', ''], 'USAGE'],
      [['store', 'info', '--state-dir='], 'USAGE'],
    ] as const) {
      expect([args, await refused(args)]).toMatchObject([args, { code }]);
    }
    expect(existsSync(file('refused-wallet'))).toBe(false);
  });

  it('missing coins', async () => {
    const env = { SOMA_SECRET_KEY: key.exportSecret('hex') };
    expect(await refused(['tx', 'transfer', ID, '1'], env)).toMatchObject({ exit: 1, code: 'INSUFFICIENT_FUNDS' });
    expect(await refused(['tx', 'merge'], env)).toMatchObject({ exit: 1, code: 'FAILED_PRECONDITION' });
    expect(await refused(['store', 'info', '--state-dir', dir])).toMatchObject({ exit: 1, code: 'FILE_NOT_FOUND' });
    expect(await refused(['store', 'gc', '--state-dir', dir])).toMatchObject({ exit: 1, code: 'FAILED_PRECONDITION' });
  });
});
