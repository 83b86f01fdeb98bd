import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { serialize } from 'node:v8';
import { QuarryError, throwIfAborted, toQuarryError } from '../../errors/index.js';
import type { DevnetEndpoints } from './devnet.js';
import { processEntry } from './entry-point.js';
import type { DevnetOptions } from './options.js';

/** A devnet in a separate process. */
export interface SpawnedDevnet extends DevnetEndpoints {
  readonly chainId: string;
  readonly pid: number;
  /** Resolves when the process ends, for whatever reason. */
  readonly exited: Promise<void>;
  /** Asks the process to stop and waits; kills it if it does not. Idempotent. */
  close(): Promise<void>;
}

/**
 * Environment variables passed on: what Node and network access need. Others may contain secrets of wallets, buckets
 * and services.
 */
const INHERITED =
  /^(PATH|HOME|TMPDIR|TEMP|TMP|LANG|LC_.*|TZ|LD_.*|MALLOC_.*|SYSTEMROOT|NODE_(OPTIONS|PATH|EXTRA_CA_CERTS|V8_COVERAGE)|(HTTP|HTTPS|NO)_PROXY)$/i;

/** Time for a devnet to stop by itself, milliseconds. */
const STOP_TIMEOUT_MS = 5_000;

/**
 * Starts a devnet as a separate process and waits until it serves. It ends when this process ends, for whatever reason.
 *
 * @throws QuarryError `INVALID_ARGUMENT`, `CONFLICT` and other errors of {@link startDevnet}, as reported by the
 * process
 * @throws QuarryError `ABORTED` when the signal fires before it serves
 */
export async function spawnDevnet(
  options: DevnetOptions = {},
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<SpawnedDevnet> {
  throwIfAborted(signal, 'starting the devnet');
  const { path, execArgv } = processEntry(new URL('./main.js', import.meta.url));
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => INHERITED.test(name)));
  // Use a separate process group, so that a terminal's Ctrl-C reaches only this process, which ends the network last.
  // On Windows a separate group would open a window.
  const detached = process.platform !== 'win32';
  const child = spawn(process.execPath, [...execArgv, path], { env, stdio: ['pipe', 'pipe', 'inherit'], detached });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const close = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    // The process stops at the end of its input, which also happens when this process ends.
    child.stdin.destroy();
    child.kill('SIGTERM');
    await exited;
    clearTimeout(timer);
  };
  const onAbort = () => void close();
  signal?.addEventListener('abort', onAbort, { once: true });
  child.stdin.on('error', () => {});
  child.stdin.write(`${Buffer.from(serialize(options)).toString('base64')}\n`);
  try {
    const line = await firstLine(child.stdout, exited);
    throwIfAborted(signal, 'starting the devnet');
    const told = JSON.parse(line) as DevnetEndpoints & { chainId: string; error?: { code: string; message: string } };
    if (told.error !== undefined) {
      throw new QuarryError(told.error.code as QuarryError['code'], told.error.message);
    }
    // From here on the caller decides when it ends: work in flight may need it after a stop.
    signal?.removeEventListener('abort', onAbort);
    const { rpcUrl, faucetUrl, adminUrl, httpUrl, chainId } = told;
    return { rpcUrl, faucetUrl, adminUrl, httpUrl, chainId, pid: child.pid ?? 0, exited, close };
  } catch (error) {
    signal?.removeEventListener('abort', onAbort);
    await close();
    throwIfAborted(signal, 'starting the devnet');
    throw toQuarryError(error, 'starting the devnet');
  }
}

async function firstLine(output: NodeJS.ReadableStream, exited: Promise<void>): Promise<string> {
  const lines = createInterface({ input: output });
  const line = new Promise<string>((resolve) => lines.once('line', resolve));
  const ended = exited.then((): string => {
    throw new QuarryError('INTERNAL', 'the devnet process ended before it served');
  });
  return Promise.race([line, ended]);
}
