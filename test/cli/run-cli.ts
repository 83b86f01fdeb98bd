import { PassThrough, Readable, Writable } from 'node:stream';
import type { CliContext } from '../../src/cli/context.js';
import { runCommand } from '../../src/cli/main.js';
import { createStyle } from '../../src/text/index.js';

/** What a command line did. */
export interface CliRun {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Lines of stdout. */
  readonly lines: readonly string[];
  /** The first line of stdout as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into shapes freely
  readonly json: any;
  /** The error on stderr that `--json` gives. */
  readonly error: { readonly code: string; readonly hint?: string; readonly details?: Record<string, unknown> };
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdin?: string | Readable;
  readonly signal?: AbortSignal;
  /** Called with the output as it comes. */
  readonly onOutput?: (text: string) => void;
}

function stdinOf(given: string | Readable | undefined): Readable {
  if (given instanceof Readable) return given;
  return given === undefined ? new PassThrough().end() : Readable.from([Buffer.from(given)]);
}

/** A runner of command lines with an environment of its own: nothing of the machine's leaks in. */
export function cliRunner(base: Readonly<Record<string, string>>) {
  return async (args: readonly string[], options: CliOptions = {}): Promise<CliRun> => {
    const collected = { out: '', err: '' };
    const sink = (name: 'out' | 'err') =>
      new Writable({
        write(chunk, _encoding, done) {
          collected[name] += String(chunk);
          options.onOutput?.(String(chunk));
          done();
        },
      });
    const plain = createStyle(false);
    const context: CliContext = {
      stdin: stdinOf(options.stdin),
      stdout: sink('out'),
      stderr: sink('err'),
      env: { ...base, ...options.env },
      signal: options.signal ?? new AbortController().signal,
      isTty: false,
      isErrTty: false,
      columns: undefined,
      style: plain,
      errStyle: plain,
    };
    const exit = await runCommand(args, context);
    const lines = collected.out.split('\n').filter((line) => line !== '');
    return {
      exit,
      stdout: collected.out,
      stderr: collected.err,
      lines,
      get json() {
        return JSON.parse(lines[0] ?? 'null');
      },
      get error() {
        const line = collected.err.split('\n').find((text) => text.startsWith('{"error"'));
        return line === undefined ? { code: '(none)' } : JSON.parse(line).error;
      },
    };
  };
}
