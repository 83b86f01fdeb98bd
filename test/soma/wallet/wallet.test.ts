import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Keypair } from '../../../src/soma/chain/index.js';
import {
  ClientConfig,
  defaultWalletDirectory,
  parseKeystore,
  readKeyFile,
  resolveSigner,
  Wallet,
} from '../../../src/soma/wallet/index.js';

const SECRETS = [
  '7e39c3ebf8c4694473a408dd64fa89a0f52bdca8fa49775f13f2646951725669',
  '7eccfceb7a89477f263e3baf968699044e2f6e26c53e0af041751af8e1934cd3',
  '65e530aad8923f822e88ed54fc1af6b1354142991c903e5c685f816a7ba68ad1',
] as const;
const [first, second, third] = SECRETS.map((secret) => Keypair.fromText(secret)) as [Keypair, Keypair, Keypair];

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'quarry-wallet-'));
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const file = (name: string): string => join(directory, name);
const text = (name: string): Promise<string> => readFile(file(name), 'utf8');
const mode = async (name: string): Promise<number> => (await stat(file(name))).mode & 0o777;
const rejects = (promise: Promise<unknown>, code: string): Promise<void> =>
  expect(promise).rejects.toThrow(expect.objectContaining({ code }));

/** A wallet as the official tool leaves it. */
async function officialWallet(): Promise<void> {
  await writeFile(
    file('client.yaml'),
    `---
keystore:
  File: ${file('soma.keystore')}
external_keys: ~
envs:
  - alias: testnet
    rpc: "https://fullnode.testnet.soma.org:443"
    basic_auth: ~
    chain_id: 964EDrEzfvQT7HjVsjfXYcM1ubi3qhqB41zV7LLbCxxd
  - alias: local # my own node
    rpc: "http://127.0.0.1:9000"
    basic_auth: ~
active_env: testnet
active_address: "${first.address.slice(2)}"
something_new: 7
`,
  );
  await writeFile(
    file('soma.keystore'),
    `[
  "AH45w+v4xGlEc6QI3WT6iaD1K9yo+kl3XxPyZGlRclZp",
  "${second.exportSecret('keystore')}"
]`,
    { mode: 0o600 },
  );
  await writeFile(
    file('soma.aliases'),
    JSON.stringify([
      { alias: 'main', public_key_base64: first.publicKeyText },
      { alias: 'ledger', public_key_base64: third.publicKeyText },
    ]),
  );
}

describe("the official tool's files", () => {
  it('are read', async () => {
    await officialWallet();
    const wallet = await Wallet.open({ directory });
    expect(wallet.accounts).toEqual([
      { address: first.address, alias: 'main', publicKey: first.publicKeyText, isActive: true },
      {
        address: second.address,
        alias: `account-${second.address.slice(2, 8)}`,
        publicKey: second.publicKeyText,
        isActive: false,
      },
    ]);
    expect(wallet.activeEnvironment).toEqual({
      alias: 'testnet',
      rpc: 'https://fullnode.testnet.soma.org:443',
      chainId: '964EDrEzfvQT7HjVsjfXYcM1ubi3qhqB41zV7LLbCxxd',
    });
    expect(wallet.keypair().address).toBe(first.address);
    expect(wallet.keypair(second.address.slice(2)).address).toBe(second.address);
    expect(wallet.exportSecret('main', 'hex')).toBe(SECRETS[0]);
  });

  it('keep what a change does not touch', async () => {
    await officialWallet();
    const [before, keystore] = [await text('client.yaml'), await text('soma.keystore')];
    const wallet = await Wallet.open({ directory });
    await wallet.setActiveEnvironment('local');
    expect(await text('client.yaml')).toBe(before.replace('active_env: testnet', 'active_env: local'));
    expect(await text('soma.keystore')).toBe(keystore);
    await wallet.setActiveAddress(second.address);
    expect(await text('client.yaml')).toContain(`active_address: "${second.address.slice(2)}"\nsomething_new: 7\n`);
    await wallet.rename('main', 'other');
    // The alias of a key that lies elsewhere stays.
    expect(JSON.parse(await text('soma.aliases'))).toEqual([
      { alias: 'other', public_key_base64: first.publicKeyText },
      { alias: `account-${second.address.slice(2, 8)}`, public_key_base64: second.publicKeyText },
      { alias: 'ledger', public_key_base64: third.publicKeyText },
    ]);
    expect(await text('soma.keystore')).toBe(keystore);
  });

  it('are written byte for byte', async () => {
    const wallet = await Wallet.create({ directory });
    await wallet.add(second, 'b');
    await wallet.import(first.exportSecret('bech32'), 'a');
    expect(await text('client.yaml')).toBe(`keystore:
  File: ${file('soma.keystore')}
external_keys: ~
envs:
  - alias: testnet
    rpc: "https://fullnode.testnet.soma.org:443"
    basic_auth: ~
  - alias: local
    rpc: "http://127.0.0.1:9000"
    basic_auth: ~
active_env: testnet
active_address: "${second.address.slice(2)}"
`);
    // By ascending address, not by time.
    expect(await text('soma.keystore')).toBe(
      `[\n  "AH45w+v4xGlEc6QI3WT6iaD1K9yo+kl3XxPyZGlRclZp",\n  "${second.exportSecret('keystore')}"\n]`,
    );
    expect(await text('soma.aliases')).toBe(
      `[\n  {\n    "alias": "a",\n    "public_key_base64": "${first.publicKeyText}"\n  },\n  {\n    "alias": "b",\n    "public_key_base64": "${second.publicKeyText}"\n  }\n]`,
    );
  });

  it('read an address of digits alone as an address', () => {
    const digits = `1${'0'.repeat(30)}e${'5'.repeat(32)}`;
    const config = ClientConfig.parse(`keystore:\n  File: k\nenvs: []\nactive_address: ${digits}\n`);
    expect(config.activeAddress).toBe(`0x${digits}`);
    const decimal = '12'.repeat(32);
    expect(ClientConfig.parse(`keystore:\n  File: k\nactive_address: ${decimal}\n`).activeAddress).toBe(`0x${decimal}`);
  });
});

describe('a wallet', () => {
  it('makes accounts that their phrase restores', async () => {
    const wallet = await Wallet.openOrCreate({ directory: join(directory, 'new') });
    const { account, mnemonic } = await wallet.generate({ alias: 'miner', wordCount: 24 });
    expect(mnemonic.split(' ')).toHaveLength(24);
    expect(account.isActive).toBe(true);
    expect(Keypair.fromMnemonic(mnemonic).address).toBe(account.address);
    const again = await Wallet.openOrCreate({ directory: join(directory, 'new') });
    expect(again.keypair('miner').address).toBe(account.address);
    const files = await Promise.all(
      ['client.yaml', 'soma.keystore', 'soma.aliases'].map((name) => text(join('new', name))),
    );
    expect(files.join('\n')).not.toContain(mnemonic.split(' ').slice(0, 3).join(' '));
  });

  it('keeps its files private and leaves none behind', async () => {
    const wallet = await Wallet.create({ directory });
    await wallet.add(first);
    for (const name of await readdir(directory)) expect([name, await mode(name)]).toEqual([name, 0o600]);
    expect((await readdir(directory)).sort()).toEqual(['client.yaml', 'soma.aliases', 'soma.keystore']);
  });

  it('keeps changes made at the same time', async () => {
    const wallet = await Wallet.create({ directory });
    await Promise.all([first, second, third].map((keypair) => wallet.add(keypair)));
    expect((await Wallet.open({ directory })).accounts).toHaveLength(3);
    await rejects(wallet.add(first), 'ALREADY_EXISTS');
    await wallet.remove(first.address);
    expect(wallet.accounts.map(({ address }) => address)).not.toContain(first.address);
    expect(wallet.activeAddress).not.toBe(first.address);
    expect((await Wallet.open({ directory })).accounts).toEqual(wallet.accounts);
  });

  it('sees what another process added', async () => {
    const one = await Wallet.create({ directory });
    const other = await Wallet.open({ directory });
    await one.add(first);
    await other.add(second);
    expect(other.accounts).toHaveLength(2);
  });

  it('writes through a symbolic link', async () => {
    const elsewhere = file('elsewhere');
    await mkdir(elsewhere);
    const wallet = await Wallet.create({ directory: elsewhere });
    await symlink(elsewhere, file('link'));
    await wallet.add(first);
    await symlink(join(elsewhere, 'client.yaml'), file('client.yaml'));
    const linked = await Wallet.open({ directory });
    await linked.setActiveEnvironment('local');
    expect(await text('elsewhere/client.yaml')).toContain('active_env: local');
    expect((await lstat(file('client.yaml'))).isSymbolicLink()).toBe(true);
    expect((await Wallet.open({ directory: elsewhere })).activeEnvironment?.alias).toBe('local');
  });

  it('answers wrong names with typed errors', async () => {
    await rejects(Wallet.open({ directory }), 'CONFIG_MISSING');
    const wallet = await Wallet.create({ directory });
    await rejects(Wallet.create({ directory }), 'ALREADY_EXISTS');
    expect(() => wallet.keypair()).toThrow(expect.objectContaining({ code: 'CONFIG_MISSING' }));
    await wallet.add(first, 'cafe');
    expect(wallet.keypair('cafe').address).toBe(first.address);
    expect(() => wallet.keypair('nobody')).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
    await rejects(wallet.add(second, 'cafe'), 'ALREADY_EXISTS');
    await rejects(wallet.remove('nobody'), 'NOT_FOUND');
    await rejects(wallet.setActiveEnvironment('moonnet'), 'NOT_FOUND');
    expect(() => wallet.add(second, '1st')).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    await wallet.setEnvironment({ alias: 'mine', rpc: 'http://10.0.0.1:9000' });
    await wallet.setActiveEnvironment('mine');
    expect((await Wallet.open({ directory })).activeEnvironment?.rpc).toBe('http://10.0.0.1:9000');
  });
});

describe('damaged or unsafe files', () => {
  it.each([0o640, 0o604, 0o660, 0o644, 0o610])('a keystore of mode %o is refused', async (bits) => {
    await officialWallet();
    await chmod(file('soma.keystore'), bits);
    await rejects(Wallet.open({ directory }), 'KEY_FILE_UNSAFE');
  });

  it.each([
    ['client.yaml', 'keystore: [', 'CONFIG_INVALID'],
    ['client.yaml', '- 1', 'CONFIG_INVALID'],
    ['client.yaml', 'envs: []', 'CONFIG_INVALID'],
    ['client.yaml', 'keystore:\n  InMem: {}\n', 'UNSUPPORTED'],
    ['client.yaml', 'keystore:\n  File: k\nactive_address: nobody\n', 'CONFIG_INVALID'],
    ['client.yaml', 'keystore:\n  File: k\nenvs:\n  - alias: a\n', 'CONFIG_INVALID'],
    ['soma.keystore', '["AH45w', 'KEY_INVALID'],
    ['soma.keystore', '{}', 'KEY_INVALID'],
    ['soma.keystore', '[1]', 'KEY_INVALID'],
    ['soma.keystore', '["AH45w+v4xGlEc6QI3WT6iaD1K9yo+kl3XxPyZGlRclZ"]', 'KEY_INVALID'],
    ['soma.aliases', '[{"alias":1}]', 'CONFIG_INVALID'],
    ['soma.aliases', 'x', 'CONFIG_INVALID'],
  ])('%s holding %s', async (name, contents, code) => {
    await officialWallet();
    await writeFile(file(name), contents);
    await rejects(Wallet.open({ directory }), code);
    const error = await Wallet.open({ directory }).catch((caught: unknown) => caught);
    expect(inspect(error, { depth: 9 })).not.toContain('AH45w');
  });

  it('text that is not UTF-8, directories and huge files', async () => {
    await officialWallet();
    await writeFile(file('soma.keystore'), Uint8Array.of(0xff, 0xfe));
    await rejects(Wallet.open({ directory }), 'FILE_UNREADABLE');
    await writeFile(file('soma.keystore'), ' '.repeat(9 * 1024 * 1024));
    await rejects(Wallet.open({ directory }), 'FILE_UNREADABLE');
    await rejects(readKeyFile(directory), 'FILE_UNREADABLE');
  });

  it('aliases of YAML cannot multiply', () => {
    const bomb = `keystore:\n  File: k\na: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'
      .split('')
      .map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[index]}`)}]\n`)
      .join('')}`;
    expect(ClientConfig.parse(bomb).keystorePath).toBe('k');
  });
});

describe('choosing a signer', () => {
  const key = async (contents: string, bits = 0o600): Promise<string> => {
    await writeFile(file('key'), contents, { mode: bits });
    await chmod(file('key'), bits);
    return file('key');
  };

  it('takes the secret, then the file, then the wallet', async () => {
    await officialWallet();
    const keyFile = await key(second.exportSecret('bech32'));
    const wallet = { directory };
    expect((await resolveSigner({ secretKey: third.exportSecret('base58'), keyFile, wallet })).address).toBe(
      third.address,
    );
    expect((await resolveSigner({ keyFile, wallet })).address).toBe(second.address);
    expect((await resolveSigner({ wallet })).address).toBe(first.address);
    expect((await resolveSigner({ wallet: { directory, account: second.address } })).address).toBe(second.address);
    await rejects(resolveSigner({}), 'CONFIG_MISSING');
  });

  it.each([
    ['hex', `${SECRETS[0]}\n`],
    ['bech32', first.exportSecret('bech32')],
    ['keystore entry', `${first.exportSecret('keystore')}\n`],
    ['keystore', JSON.stringify([first.exportSecret('keystore')])],
  ])('reads a file with %s', async (_, contents) => {
    expect((await readKeyFile(await key(contents))).address).toBe(first.address);
  });

  it('refuses others', async () => {
    await rejects(readKeyFile(await key('')), 'KEY_INVALID');
    await rejects(readKeyFile(await key('[]')), 'KEY_INVALID');
    await rejects(
      readKeyFile(await key(JSON.stringify([first, second].map((k) => k.exportSecret('keystore'))))),
      'KEY_INVALID',
    );
    await rejects(readKeyFile(await key(SECRETS[0], 0o644)), 'KEY_FILE_UNSAFE');
    await rejects(readKeyFile(file('nothing')), 'FILE_NOT_FOUND');
  });
});

it('knows the official directory', () => {
  expect(defaultWalletDirectory('/home/u')).toBe(join('/home/u', '.soma', 'soma_config'));
  expect(parseKeystore('[]')).toEqual([]);
});
