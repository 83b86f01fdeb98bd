import { spawn } from 'node:child_process';
import { breathe } from '../breathe.js';

/** Why a peer has no time. */
export interface Skipped {
  readonly skipped: string;
}

/** What a peer measured of itself, after its result was found right. */
export interface PeerTime {
  readonly seconds: number;
  /** Of its result, against what the bench holds for right. */
  readonly error: number;
  /** Name and version of what ran. */
  readonly version: string;
}

/** More than any peer takes, even on the full-size model with one thread. */
const TIMEOUT_MS = 1_800_000;

/**
 * Runs a peer in a process of its own, so that its memory is free again before the next one starts. The job goes in as
 * JSON on standard input, the result comes as JSON on the last line of standard output.
 *
 * @param command program and arguments
 * @returns the result, or the reason for its absence: a peer that is missing or fails never ends a bench
 */
export async function peerProcess<T extends object>(
  command: readonly [string, ...string[]],
  job: object,
  signal?: AbortSignal,
): Promise<T | Skipped> {
  await breathe(signal);
  const [program, ...args] = command;
  const child = spawn(program, args, { timeout: TIMEOUT_MS, signal });
  let output = '';
  let complaints = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-2000);
  });
  // A process that ends before it has read its job breaks the pipe; how it ended says why.
  child.stdin.on('error', () => {});
  child.stdin.end(JSON.stringify(job));
  const ended = await new Promise<string | undefined>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'ENOENT' ? `there is no program ${program}` : error.message),
    );
    child.once('close', (status, killedBy) => resolve(status === 0 ? undefined : `ended with ${killedBy ?? status}`));
  });
  await breathe(signal);
  if (ended !== undefined) return { skipped: [ended, lastLine(complaints)].filter((part) => part !== '').join(': ') };
  try {
    return JSON.parse(lastLine(output)) as T | Skipped;
  } catch {
    return { skipped: 'it printed no result' };
  }
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}
