import { writeFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { QuarryError } from '../../../errors/index.js';
import { Keypair, MNEMONIC_WORD_COUNTS, type MnemonicWordCount, type SecretFormat } from '../../../soma/chain/index.js';
import { readKeyFile, Wallet, type WalletAccount } from '../../../soma/wallet/index.js';
import { checkAlias } from '../../../soma/wallet/keystore.js';
import type { CliContext } from '../../context.js';
import { examples, printRecord, say, sayJson, tell } from '../../print.js';
import { readSecret } from '../../read-text.js';
import { addSettings, configOf } from '../../settings-options.js';
import { type SessionFlags, signerOf, walletDirOf, withSigner } from '../../soma-session.js';
import { addTableFlags, printTable, type TableFlags } from '../../table.js';

interface WalletFlags extends SessionFlags {
  readonly alias?: string | undefined;
}

interface ExportFlags {
  readonly yesShowTheSecret?: boolean | undefined;
  readonly format: SecretFormat;
  readonly out?: string | undefined;
}

/** Shared by the account commands. */
interface AccountCommands {
  readonly context: CliContext;
  readonly wallet: Command;
  /** Creates a command with the flags common to all of them. */
  command(usage: string, description: string): Command;
  directoryOf(flags: WalletFlags): Promise<string>;
  open(flags: WalletFlags): Promise<Wallet>;
}

/** Adds `quarry wallet new`, `import`, `export`, `list`, `use`, `rename`, `remove` and `address`. */
export function addAccountCommands(wallet: Command, context: CliContext): void {
  const directoryOf = async (flags: WalletFlags): Promise<string> =>
    walletDirOf(context, await configOf(context, { ...flags }));
  const shared: AccountCommands = {
    context,
    wallet,
    command: (usage, description) =>
      addSettings(wallet.command(usage).description(description).option('--json', 'one JSON object on stdout'), [
        'walletDir',
      ]),
    directoryOf,
    open: async (flags) => Wallet.open({ directory: await directoryOf(flags) }),
  };
  for (const add of [addNew, addImport, addExport, addList, addUse, addRename, addRemove, addAddress]) add(shared);
}

/** `--alias`, checked before a wallet is created for it. */
function aliasOption(): Option {
  return new Option('--alias <name>', 'name of the account').argParser((alias) => {
    checkAlias(alias);
    return alias;
  });
}

function addNew({ context, command, directoryOf }: AccountCommands): void {
  command('new', 'create a key, and the wallet if there is none')
    .addOption(aliasOption())
    .addOption(
      new Option('--words <n>', 'number of words of its phrase')
        .choices(MNEMONIC_WORD_COUNTS.map(String))
        .default('12'),
    )
    .option('--show-mnemonic', 'print the phrase that restores the key; it is not stored')
    .addHelpText('after', examples('wallet new --alias miner', 'wallet new --show-mnemonic --words 24'))
    .action(async (flags: WalletFlags & { words: string; showMnemonic?: boolean | undefined }) => {
      const keys = await Wallet.openOrCreate({ directory: await directoryOf(flags) });
      const { account, mnemonic } = await keys.generate({
        wordCount: Number(flags.words) as MnemonicWordCount,
        alias: flags.alias,
      });
      const shown = flags.showMnemonic ? { mnemonic } : {};
      printRecord(context, flags, { ...accountJson(account), ...shown }, [
        ...accountFields(account),
        ...Object.entries(shown),
      ]);
      if (flags.showMnemonic) tell(context, 'Write the phrase down: it is not shown again.');
      else tell(context, `back it up: quarry wallet export ${account.alias} --yes-show-the-secret`);
    });
}

function addImport({ context, command, directoryOf }: AccountCommands): void {
  command('import', 'add a key: asked for on a terminal, else read from standard input')
    .addOption(aliasOption())
    .option('--from <file>', 'read it from a file with mode 0600')
    .addHelpText(
      'after',
      examples('wallet import --alias cold', 'wallet import --from key.txt', 'wallet import < key.txt'),
    )
    .action(async (flags: WalletFlags & { from?: string | undefined }) => {
      const directory = await directoryOf(flags);
      const key =
        flags.from === undefined
          ? Keypair.fromText(await readSecret(context, 'secret key or phrase (not shown): '))
          : await readKeyFile(flags.from);
      const account = await (await Wallet.openOrCreate({ directory })).add(key, flags.alias);
      printRecord(context, flags, accountJson(account), accountFields(account));
    });
}

function addExport({ context, command, open }: AccountCommands): void {
  command('export <account>', 'print the secret key of an account')
    .option('--yes-show-the-secret', 'required without --out: anyone who sees the key owns the coins')
    .addOption(
      new Option('--format <format>', 'output format')
        .choices(['bech32', 'hex', 'base58', 'keystore'])
        .default('bech32'),
    )
    .option('--out <file>', 'write it to a new file readable only by you (mode 0600), without printing it')
    .addHelpText('after', examples('wallet export miner --out miner.key'))
    .action(async (account: string, flags: WalletFlags & ExportFlags) => {
      if (flags.out !== undefined) {
        const secret = (await open(flags)).exportSecret(account, flags.format);
        // An existing file may be readable by others, or be another key.
        await writeFile(flags.out, `${secret}\n`, { flag: 'wx', mode: 0o600 }).catch((error: unknown) => {
          throw new QuarryError('USAGE', `cannot write a new file ${flags.out}`, {
            hint: 'choose a file that does not exist',
            cause: error,
          });
        });
        return printRecord(context, flags, { account, format: flags.format, file: flags.out }, [
          ['written', flags.out],
        ]);
      }
      if (!flags.yesShowTheSecret) {
        throw new QuarryError('USAGE', 'exporting prints the secret key', {
          hint: 'add --yes-show-the-secret, and mind who sees the screen and the shell history',
        });
      }
      const secret = (await open(flags)).exportSecret(account, flags.format);
      if (flags.json) sayJson(context, { account, format: flags.format, secret });
      else say(context, secret);
    });
}

function addList({ context, command, open }: AccountCommands): void {
  addTableFlags(command('list', 'the accounts of the wallet'))
    .addHelpText('after', examples('wallet list', 'wallet list --json'))
    .action(async (flags: WalletFlags & TableFlags) => {
      const { accounts, directory } = await open(flags);
      if (flags.json) return sayJson(context, { directory, accounts: accounts.map(accountJson) });
      printTable(
        context,
        flags,
        accounts,
        [
          { header: '', value: (account) => (account.isActive ? '*' : ' ') },
          { header: 'ALIAS', value: (account) => account.alias },
          { header: 'ADDRESS', value: (account) => account.address, shrink: 1 },
        ],
        'no accounts: quarry wallet new',
      );
    });
}

function addUse({ context, command, open }: AccountCommands): void {
  command('use <account>', 'make an account the active one')
    .addHelpText('after', examples('wallet use miner'))
    .action(async (account: string, flags: WalletFlags) => {
      const keys = await open(flags);
      await keys.setActiveAddress(account);
      const active = keys.accounts.find(({ isActive }) => isActive);
      if (active !== undefined) printRecord(context, flags, accountJson(active), accountFields(active));
    });
}

function addRename({ context, command, open }: AccountCommands): void {
  command('rename <account> <alias>', 'give an account another name')
    .addHelpText('after', examples('wallet rename account-1f2e3d miner'))
    .action(async (account: string, alias: string, flags: WalletFlags) => {
      await (await open(flags)).rename(account, alias);
      if (flags.json) sayJson(context, { account, alias });
      else tell(context, `${account} is now called ${alias}`);
    });
}

function addRemove({ context, command, open }: AccountCommands): void {
  command('remove <account>', "permanently delete an account's key")
    .option('--yes-delete-the-key', 'required: without a backup its coins are lost')
    .addHelpText('after', examples('wallet remove old --yes-delete-the-key'))
    .action(async (account: string, flags: WalletFlags & { yesDeleteTheKey?: boolean | undefined }) => {
      if (!flags.yesDeleteTheKey) {
        throw new QuarryError('USAGE', 'removing deletes the secret key', {
          hint: 'export it first, then add --yes-delete-the-key',
        });
      }
      await (await open(flags)).remove(account);
      if (flags.json) sayJson(context, { removed: account });
      else tell(context, `the key of ${account} is deleted`);
    });
}

function addAddress({ context, wallet }: AccountCommands): void {
  withSigner(wallet.command('address').description('the address of the key in use'))
    .addHelpText('after', examples('wallet address', 'wallet address --account miner'))
    .action(async (flags: SessionFlags) => {
      const { address, publicKeyText } = await signerOf(context, await configOf(context, { ...flags }), flags);
      if (flags.json) sayJson(context, { address, publicKey: publicKeyText });
      else say(context, address);
    });
}

function accountJson(account: WalletAccount): Record<string, unknown> {
  const { address, alias, publicKey, isActive } = account;
  return { address, alias, publicKey, active: isActive };
}

function accountFields(account: WalletAccount): [string, unknown][] {
  return [
    ['alias', account.alias],
    ['address', account.address],
    ['public key', account.publicKey],
    ['active', account.isActive ? 'yes' : 'no'],
  ];
}
