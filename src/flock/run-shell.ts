import { type ChildProcess, spawn } from 'node:child_process';
import { QuarryError } from '../errors/index.js';

/** Time for which a program that is told to end may save its work, milliseconds. */
const GRACE_MS = 5_000;

/** What to run, and what becomes of its output. */
export interface RunShellOptions {
  readonly command: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Its standard input. Default: none. */
  readonly input?: string | undefined;
  /** Called with its standard output as it arrives; `false` ends the program. */
  readonly onStdout?: ((chunk: Buffer) => boolean) | undefined;
  /** Called with its standard error as it arrives. */
  readonly onStderr?: ((chunk: Buffer) => void) | undefined;
  /** Time limit, milliseconds. Default: none. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs a shell command. When it has to end early, so do the programs that the shell started: without them the shell alone
 * would end, and they would keep its output open, and this process alive.
 *
 * @returns its exit status; `null`: it was ended by a signal
 * @throws QuarryError `ABORTED` when the signal fires, once everything has ended
 */
export async function runShell(options: RunShellOptions): Promise<number | null> {
  const { command, env, input, signal, onStdout, onStderr, timeoutMs } = options;
  const child = spawn(command, {
    shell: true,
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    env: { ...env },
    // A process group of its own, which a signal can be sent to.
    detached: process.platform !== 'win32',
  });
  let killing: NodeJS.Timeout | undefined;
  const end = (): void => {
    if (killing !== undefined) return;
    endGroup(child, 'SIGTERM');
    killing = setTimeout(() => endGroup(child, 'SIGKILL'), GRACE_MS);
  };
  const endAtExit = (): void => endGroup(child, 'SIGKILL');
  const limit = timeoutMs === undefined ? undefined : setTimeout(end, timeoutMs);
  try {
    signal?.addEventListener('abort', end, { once: true });
    process.once('exit', endAtExit);
    if (signal?.aborted) end();
    child.stdout?.on('data', (chunk: Buffer) => {
      if (onStdout?.(chunk) === false) end();
    });
    child.stderr?.on('data', (chunk: Buffer) => onStderr?.(chunk));
    // Ignore EPIPE: a program need not read its input.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    if (signal?.aborted) throw new QuarryError('ABORTED', `${command} was interrupted`, { cause: signal.reason });
    return code;
  } finally {
    clearTimeout(limit);
    clearTimeout(killing);
    signal?.removeEventListener('abort', end);
    process.removeListener('exit', endAtExit);
  }
}

function endGroup(child: ChildProcess, name: NodeJS.Signals): void {
  try {
    if (process.platform === 'win32' || child.pid === undefined) child.kill(name);
    else process.kill(-child.pid, name);
  } catch {
    // It has ended.
  }
}
