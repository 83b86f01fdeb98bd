import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import { configText, loadConfig, type SettingName } from '../../config/index.js';
import { QuarryError, toQuarryError } from '../../errors/index.js';
import { replaceFile } from '../../files/replace-file.js';
import type { CliContext } from '../context.js';
import { type Check, refuseFailures, sayCheck } from '../doctor/check.js';
import { miningChecks } from '../doctor/mining-checks.js';
import { examples, say, tell } from '../print.js';
import { addSettingFlags, configOf } from '../settings-options.js';

interface InitFlags {
  readonly out: string;
  readonly force?: boolean | undefined;
  readonly check: boolean;
}

/** Settings of a first configuration; all others are in the file as comments. */
const ASKED = [
  'network',
  'fullnodes',
  'data',
  'keyFile',
  'walletDir',
  'stateDir',
  'dataPort',
  'hostInterface',
  'hostUrl',
  's3Bucket',
  's3PublicUrl',
  's3EndpointUrl',
  'apiPort',
] as const satisfies readonly SettingName[];

/** Questions asked on a terminal, in this order, unless a flag answers them. */
const QUESTIONS: readonly {
  readonly name: (typeof ASKED)[number];
  readonly text: string;
  readonly fallback?: string;
}[] = [
  { name: 'network', text: 'network (testnet, localnet, or the URL of a fullnode)', fallback: 'testnet' },
  { name: 'data', text: 'data to mine with (a file, a directory, hf:owner/name, synthetic)' },
  { name: 'keyFile', text: "file with the secret key (empty: the official tool's wallet, or SOMA_SECRET_KEY)" },
  { name: 's3Bucket', text: 'bucket for submitted data (empty: none)' },
  { name: 'dataPort', text: 'port to serve submitted data from this process (empty: none)' },
  { name: 'hostUrl', text: 'public URL of that port (empty: none)' },
];

/** `quarry init`: writes the first config file from answers or flags, and checks whether it can mine. */
export function initCommand(context: CliContext): Command {
  const command = new Command('init')
    .description('write a commented quarry.yaml and check what mining needs')
    .option('--out <file>', 'output file, mode 0600', 'quarry.yaml')
    .option('--force', 'replace an existing file')
    .option('--no-check', 'write only')
    .addHelpText(
      'after',
      `
On a terminal, asks for what the flags do not set; elsewhere uses only the flags.
${examples('init', 'init --network testnet --data ~/texts --key-file ~/.quarry/key --data-port 8080 --host-url https://me.example')}`,
    );
  addSettingFlags(command, ASKED);
  return command.action(async ({ out, force, check, ...flags }: InitFlags & Readonly<Record<string, unknown>>) => {
    const path = resolve(out);
    if (existsSync(path) && !force) {
      throw new QuarryError('ALREADY_EXISTS', `${path} already exists`, { hint: 'add --force to replace it' });
    }
    const given = { ...flags, ...(context.isTty ? await ask(context, flags) : {}) };
    const asked = await loadConfig({ flags: given, file: false });
    const chosen = ASKED.filter((name) => given[name] !== undefined || name === 'network');
    await replaceFile(path, configText(Object.fromEntries(chosen.map((name) => [name, asked[name]]))));
    say(context, `wrote ${path}`);
    if (!check) return;
    const config = await configOf(context, { config: path });
    const checks: Check[] = [];
    for await (const each of miningChecks(context, config, {})) {
      checks.push(each);
      sayCheck(context, each);
    }
    refuseFailures(checks);
    tell(context, out === 'quarry.yaml' ? 'next: quarry mine' : `next: quarry mine --config ${out}`);
  });
}

async function ask(context: CliContext, flags: Readonly<Record<string, unknown>>): Promise<Record<string, string>> {
  const answers: Record<string, string> = {};
  const lines = createInterface({ input: context.stdin, output: context.stderr });
  try {
    for (const { name, text, fallback } of QUESTIONS) {
      if (flags[name] !== undefined) continue;
      const answer = await lines.question(`${text}${fallback === undefined ? '' : ` [${fallback}]`}: `, {
        signal: context.signal,
      });
      const value = answer.trim() || fallback;
      if (value !== undefined) answers[name] = value;
    }
  } catch (error) {
    throw toQuarryError(error, 'asking for settings');
  } finally {
    lines.close();
  }
  return answers;
}
