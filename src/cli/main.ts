import { EventEmitter, setMaxListeners } from 'node:events';
import { Command, CommanderError } from 'commander';
import { withEnvFile } from '../config/env-file.js';
import { QuarryError, toQuarryError } from '../errors/index.js';
import { withoutPasswords } from '../net/redact.js';
import { packageVersion } from '../package/package-version.js';
import { plainText, terminalText } from '../text/plain-text.js';
import { createStyle } from '../text/style.js';
import { commandsFor } from './commands/index.js';
import type { CliContext } from './context.js';
import { defaultHint } from './default-hint.js';
import { errorLine } from './error-line.js';
import { Interruption } from './interruption.js';
import { terminalKeys } from './terminal-keys.js';

/** Signals closer together than this count as one: npm and service managers forward a Ctrl-C. */
const SAME_REQUEST_MS = 1_000;

/**
 * The `quarry` command: parses arguments, runs one command and sets the exit code. On the first SIGINT or SIGTERM the
 * command finishes what is in flight; the second ends the process immediately.
 */
export async function runCli(process: NodeJS.Process): Promise<void> {
  // A umask of 000, as in some containers, would make the state world-writable.
  process.umask(process.umask() | 0o022);
  const exit = (code: number): never => process.exit(code) as never;
  const stop = new AbortController();
  const hangUps = new EventEmitter();
  // All operations in flight listen to it, which may be many.
  setMaxListeners(0, stop.signal);
  let askedAt = Number.NEGATIVE_INFINITY;
  const onSignal = (name: NodeJS.Signals): void => {
    if (!stop.signal.aborted) {
      askedAt = performance.now();
      stop.abort(new Interruption(name));
    } else if (performance.now() - askedAt > SAME_REQUEST_MS) exit(130);
  };
  // A closed pipe stops the command like a signal, so that `| head` loses no submission. Other errors, such as a full
  // disk or a closed terminal, only lose output and never stop mining.
  const onOutputError = (error: NodeJS.ErrnoException): void => {
    if (error.code === 'EPIPE' && !stop.signal.aborted) stop.abort(new Interruption('EPIPE'));
  };
  process.stdout.once('error', (error: NodeJS.ErrnoException) => {
    // Nobody reads what a closed pipe or terminal would have got, but an incomplete file would pass for a complete one.
    if (error.code === 'EPIPE' || process.stdout.isTTY) return;
    report(toQuarryError(error, 'writing to standard output'), process.argv.includes('--json'), context);
    process.on('exit', (code) => {
      if (code === 0) process.exitCode = 1;
    });
  });
  process.stdout.on('error', onOutputError);
  process.stderr.on('error', onOutputError);
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  // The terminal was closed or logs were rotated: neither ends the process. Log files have their own listener.
  for (const name of ['SIGHUP', 'SIGUSR2'] as const) process.on(name, () => hangUps.emit('hangup'));
  // A limit of CPU time, or a power failure, is near: there is time to finish.
  for (const name of ['SIGXCPU', 'SIGPWR'] as const) process.on(name, onSignal);
  // Meant for other programs' timers and files; by default they would silently end the process.
  for (const name of ['SIGALRM', 'SIGVTALRM', 'SIGIO', 'SIGSTKFLT'] as const) process.on(name, () => {});
  if (!isProfiled(process)) process.on('SIGPROF', () => {});
  const context = contextOf(process, stop.signal, (listener) => hangUps.on('hangup', listener));
  process.exitCode = await runCommand(process.argv.slice(2), context);
}

/**
 * Whether Node was started with a profiler or debugger, which takes SIGPROF: a listener would take its samples away, and its
 * next one would end the process. A profiler that starts later replaces the listener for as long as it runs.
 */
function isProfiled({ execArgv, env }: NodeJS.Process): boolean {
  return [...execArgv, env['NODE_OPTIONS'] ?? ''].some((flags) => /--(cpu-)?prof|--inspect/.test(flags));
}

function contextOf(process: NodeJS.Process, signal: AbortSignal, onHangup: CliContext['onHangup']): CliContext {
  const colour = process.env['NO_COLOR'] === undefined || process.env['NO_COLOR'] === '';
  // A dumb terminal has no cursor movement or colours: treat it like a file.
  const isDumb = process.env['TERM'] === 'dumb';
  const isTty = process.stdout.isTTY === true && !isDumb;
  const isErrTty = process.stderr.isTTY === true && !isDumb;
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    signal,
    onHangup,
    keys: terminalKeys(process),
    isTty,
    isErrTty,
    columns: isTty ? process.stdout.columns : undefined,
    style: createStyle(colour && isTty),
    errStyle: createStyle(colour && isErrTty),
  };
}

/** SIGTERM from a service manager and a closed pipe are normal ends; a user's Ctrl-C is an interruption. */
function endedBy(signal: AbortSignal): number {
  const by = signal.reason instanceof Interruption ? signal.reason.by : undefined;
  return by === 'SIGTERM' || by === 'EPIPE' ? 0 : 130;
}

/** Runs one command line, with the variables of a `.env` file under the environment, and returns its exit code. */
export async function runCommand(words: readonly string[], given: CliContext): Promise<number> {
  const args = asFlags(words);
  let context = given;
  try {
    const { file, isReadByNode } = dotenvOf(args);
    // Node empties a pipe that it reads.
    context = {
      ...given,
      env: await withEnvFile(given.env, file, { allowEmptyFifo: isReadByNode, signal: given.signal }),
    };
  } catch (error) {
    return report(error, args.includes('--json'), given);
  }
  const program = new Command('quarry')
    .description('Mines open AI networks: scores real data, matches it with open targets, submits the hits.')
    .version(packageVersion(), '-V, --version')
    .helpCommand(false)
    .configureHelp({ sortSubcommands: false })
    .addHelpText(
      'after',
      '\nStart here:\n  quarry demo      a whole network on this machine, mined\n  quarry doctor    what runs here and why',
    );
  for (const command of await commandsFor(args, context)) program.addCommand(command);
  const prepare = (command: Command): void => {
    command
      .helpCommand(false)
      .exitOverride()
      // Errors are printed below in a uniform format; help shown for a missing subcommand still goes to stderr.
      .configureOutput({
        writeOut: (text) => void context.stdout.write(text),
        writeErr: (text) => void context.stderr.write(text),
        outputError: () => {},
      })
      .showHelpAfterError(false);
    refuseForgottenValues(command);
    command.commands.forEach(prepare);
  };
  prepare(program);
  try {
    // Without this check, help for an unknown command would show the general help.
    const isKnown =
      args[0]?.startsWith('-') ||
      program.commands.some((command) => [command.name(), ...command.aliases()].includes(args[0]!));
    await program.parseAsync(isKnown ? [...args] : args.slice(0, 1), { from: 'user' });
    return context.signal.aborted ? endedBy(context.signal) : 0;
  } catch (error) {
    return report(error, args.includes('--json'), context);
  }
}

/**
 * Refuses values that nobody means: empty ones, which unset variables of a shell leave, and as a path are the working
 * directory; and the command's other options, where a value was forgotten.
 */
function refuseForgottenValues(command: Command): void {
  const flags = new Set(command.options.flatMap(({ short, long }) => [short, long]));
  const refuse = (name: string, value: string): never => {
    throw new QuarryError('USAGE', `${name} expects a value, got ${value === '' ? '""' : `the option ${value}`}`);
  };
  for (const option of command.options) {
    command.on(`option:${option.name()}`, (value: unknown) => {
      if (typeof value === 'string' && (value === '' || flags.has(value))) refuse(option.long ?? option.flags, value);
    });
  }
  command.hook('preAction', (_program, { args, registeredArguments }) => {
    const at = args.indexOf('');
    if (at >= 0) refuse(registeredArguments[Math.min(at, registeredArguments.length - 1)]?.name() ?? 'an argument', '');
  });
}

/** The value of `--dotenv`, needed before parsing because every command's environment depends on it. */
function dotenvOf(args: readonly string[]): { readonly file?: string | undefined; readonly isReadByNode: boolean } {
  const index = args.findIndex((arg) => /^--(?:dotenv|env-file)(?:=|$)/.test(arg));
  if (index < 0) return { isReadByNode: false };
  const [flag = '', ...value] = args[index]!.split('=');
  const file = value.length > 0 ? value.join('=') : args[index + 1];
  // The parser refuses an empty value.
  return file === '' ? { isReadByNode: false } : { file, isReadByNode: flag === '--env-file' };
}

/** Rewrites `help [command]` and `-v`, which people try first, to the corresponding flags. */
function asFlags(words: readonly string[]): readonly string[] {
  if (words[0] === 'help') return [...words.slice(1), '--help'];
  return words.length === 1 && words[0] === '-v' ? ['--version'] : words;
}

function report(error: unknown, json: boolean, context: CliContext): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    const message = error.message.replace(/^error: /, '');
    if (message === '(outputHelp)') return 2;
    return report(new QuarryError('USAGE', message), json, context);
  }
  const failure = toQuarryError(error, 'quarry');
  if (failure.code === 'ABORTED' && context.signal.aborted) return endedBy(context.signal);
  const hint = failure.hint ?? defaultHint(failure.code);
  if (json) context.stderr.write(`${errorLine(failure, hint)}\n`);
  else {
    context.stderr.write(`${context.errStyle.red('error:')} ${plainText(withoutPasswords(failure.message))}\n`);
    context.stderr.write(`hint: ${plainText(withoutPasswords(hint))}\n`);
    // Internal errors are bugs and deserve a stack trace; all others are expected.
    if (failure.code === 'INTERNAL' && failure.cause instanceof Error)
      context.stderr.write(`${terminalText(failure.cause.stack ?? '')}\n`);
  }
  return failure.exitCode;
}
