import { Command } from 'commander';
import { SETTINGS, type Setting } from '../config/index.js';
import { silentContext } from './command-reference.js';
import { allCommands } from './commands/index.js';

const EXIT_CODES = [
  ['0', 'done'],
  ['1', 'it failed'],
  ['2', 'invalid command line'],
  ['3', 'invalid configuration: settings, keys, an unknown network'],
  ['4', 'the network cannot be reached'],
  ['130', 'interrupted'],
] as const;

const FILES = [
  ['quarry.yaml', 'settings, in the working directory'],
  ['~/.config/quarry/config.yaml', 'settings, if the working directory has none'],
  ['~/.local/state/quarry/NETWORK', 'store, journal, weights and hosted data of a network'],
] as const;

/** The manual page quarry(1) in roff, generated from the command tree and the settings table. */
export async function manPage(): Promise<string> {
  const head = [
    '.TH QUARRY 1 "" "quarry" "User Commands"',
    '.SH NAME',
    'quarry \\- mine targets of open AI networks',
    '.SH SYNOPSIS',
    '.B quarry',
    '.I command',
    '[options]',
    '.SH DESCRIPTION',
    'Data goes to standard output, messages to standard error. Every command that prints data takes',
    '.BR \\-\\-json .',
    'Settings come from flags, then the environment, then a .env file, then the config file.',
    '.SH COMMANDS',
  ];
  const program = new Command('quarry').helpCommand(false);
  for (const command of await allCommands(silentContext())) program.addCommand(command);
  const settings = Object.values(SETTINGS) as Setting[];
  const lines = [
    ...head,
    ...program.commands.flatMap((command) => section(command, 'quarry')),
    '.SH ENVIRONMENT',
    ...settings.flatMap(({ env, help }) => (env === undefined ? [] : entry(env, help))),
    '.SH FILES',
    ...FILES.flatMap(([path, what]) => entry(path, what)),
    '.SH EXIT STATUS',
    ...EXIT_CODES.flatMap(([code, what]) => entry(code, what)),
  ];
  return `${lines.join('\n')}\n`;
}

function section(command: Command, parent: string): string[] {
  const path = `${parent} ${command.name()}`;
  const help = command.createHelp();
  const options = help.visibleOptions(command).filter((option) => option.long !== '--help');
  return [
    `.SS ${roff(`${path} ${command.helpCommand(false).usage()}`)}`,
    roff(command.description()),
    ...options.flatMap((option) => entry(option.flags, help.optionDescription(option))),
    ...command.commands.flatMap((child) => section(child, path)),
  ];
}

function entry(term: string, description: string): string[] {
  return ['.TP', `.B ${roff(term)}`, roff(description)];
}

/** Escapes text for roff: no line is a request, and hyphens are typed ones. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('\n', ' ')
    .replace(/^(?=[.'])/, '\\&');
}
