import { expect, it } from 'vitest';
import { runShell } from '../../src/flock/run-shell.js';
import { until } from '../until.js';

/** A program that the shell starts, not the last: no shell becomes it. It says its number, and ends by itself in an hour. */
const COMMAND = 'sleep 3600 & echo $!; wait';

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** Runs {@link COMMAND}; calls back with the number of the program inside. */
function run(onPid: (pid: number) => boolean, more: { signal?: AbortSignal; timeoutMs?: number } = {}) {
  const onStdout = (chunk: Buffer): boolean => onPid(Number(String(chunk)));
  return runShell({ command: COMMAND, env: process.env, onStdout, ...more });
}

it.skipIf(process.platform === 'win32')(
  'ends what the shell started too: on a signal, after a while, at a word',
  async () => {
    const stop = new AbortController();
    let inner = 0;
    const interrupted = run(
      (pid) => {
        inner = pid;
        stop.abort();
        return true;
      },
      { signal: stop.signal },
    );
    await expect(interrupted).rejects.toMatchObject({ code: 'ABORTED' });
    await until(() => !isRunning(inner), 'the program to end after a signal');

    const late = await run(
      (pid) => {
        inner = pid;
        return true;
      },
      { timeoutMs: 500 },
    );
    expect(late).toBeNull();
    await until(() => !isRunning(inner), 'the program to end after its time');

    const stopped = await run((pid) => {
      inner = pid;
      return false;
    });
    expect(stopped).toBeNull();
    await until(() => !isRunning(inner), 'the program to end when its output is not wanted');
  },
);

it('starts nothing that goes on once the signal has fired, and gives the status otherwise', async () => {
  const options = { command: 'exit 7', env: process.env };
  await expect(runShell({ ...options, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
  expect(await runShell(options)).toBe(7);
});
