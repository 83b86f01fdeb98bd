import { Command } from 'commander';
import { SETTINGS, type Setting } from '../config/index.js';
import { silentContext } from './command-reference.js';
import { allCommands } from './commands/index.js';

const EXIT_CODES = [
  ['0', 'done'],
  ['1', 'it failed'],
  ['2', 'the command line does not fit'],
  ['3', 'the configuration does not fit: settings, keys, an unknown network'],
  ['4', 'the network cannot be reached'],
  ['130', 'interrupted'],
] as const;

const FILES = [
  ['quarry.yaml', 'settings, in the working directory'],
  ['~/.config/quarry/config.yaml', 'settings, where the working directory has none'],
  ['~/.local/state/quarry/NETWORK', 'store, journal, weights and hosted data of a network'],
] as const;

/** The manual page quarry(1) in roff, from the tree of commands and the table of settings. */
export async function manPage(): Promise<string> {
  const lines = [
    '.TH QUARRY 1 "" "quarry" "User Commands"',
    '.SH NAME',
    'quarry \\- mine targets of open AI networks',
    '.SH SYNOPSIS',
    '.B quarry',
    '.I command',
    '[options]',
    '.SH DESCRIPTION',
    'Data goes to standard output, talk to standard error. Every command takes',
    '.B \\-\\-json',
    'and',
    '.BR \\-\\-help .',
    'Settings come from flags, then the environment, then the config file.',
    '.SH COMMANDS',
  ];
  const program = new Command('quarry').helpCommand(false);
  for (const command of await allCommands(silentContext())) program.addCommand(command);
  for (const command of program.commands) lines.push(...section(command, 'quarry'));
  lines.push('.SH ENVIRONMENT');
  for (const { env, help } of Object.values(SETTINGS) as Setting[]) {
    if (env !== undefined) lines.push(...entry(env, help));
  }
  lines.push('.SH FILES', ...FILES.flatMap(([path, what]) => entry(path, what)));
  lines.push('.SH EXIT STATUS', ...EXIT_CODES.flatMap(([code, what]) => entry(code, what)));
  return `${lines.join('\n')}\n`;
}

function section(command: Command, parent: string): string[] {
  const path = `${parent} ${command.name()}`;
  const help = command.createHelp();
  const lines = [`.SS ${roff(`${path} ${command.helpCommand(false).usage()}`)}`, roff(command.description())];
  for (const option of help.visibleOptions(command)) {
    if (option.long !== '--help') lines.push(...entry(option.flags, help.optionDescription(option)));
  }
  for (const child of command.commands) lines.push(...section(child, path));
  return lines;
}

function entry(term: string, description: string): string[] {
  return ['.TP', `.B ${roff(term)}`, roff(description)];
}

/** Text as roff takes it: no line of it is a request, hyphens are typed ones. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('\n', ' ')
    .replace(/^(?=[.'])/, '\\&');
}
