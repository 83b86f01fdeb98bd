import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readNamedFile } from '../../src/files/named-file.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'quarry-named-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

it('reads a file, an empty one too, and refuses one that is missing or too large', async () => {
  const path = join(dir, 'file');
  writeFileSync(path, 'text');
  expect(String(await readNamedFile(path, { signal: undefined }))).toBe('text');
  writeFileSync(path, '');
  expect(String(await readNamedFile(path, { signal: undefined }))).toBe('');
  truncateSync(path, 3 * 2 ** 30);
  expect(await readNamedFile(path, { signal: undefined }).catch((error) => error)).toMatchObject({
    code: 'DATA_TOO_LARGE',
  });
  expect(await readNamedFile(join(dir, 'none'), { signal: undefined }).catch((error) => error)).toMatchObject({
    code: 'FILE_NOT_FOUND',
    details: { errno: 'ENOENT' },
  });
  expect(await readNamedFile(dir, { signal: undefined }).catch((error) => error)).toMatchObject({
    code: 'FILE_UNREADABLE',
  });
});

describe.skipIf(process.platform === 'win32')('what is no file', () => {
  /** A FIFO, and a shell that writes to it once somebody reads. */
  function fifo(script: string) {
    const path = join(dir, 'fifo');
    execFileSync('mkfifo', [path]);
    const writer = spawn('sh', ['-c', `exec > ${path}; ${script}`], { stdio: ['pipe', 'inherit', 'inherit'] });
    return { path, writer };
  }

  /** What is read while the writer is there: a FIFO to which nobody writes yet is refused. */
  async function readFifo(path: string, signal?: AbortSignal): Promise<string> {
    for (;;) {
      const text = String(await readNamedFile(path, { signal, allowEmptyFifo: true }));
      if (text !== '') return text;
    }
  }

  it('a pipe is read until its writer ends', async () => {
    const { path, writer } = fifo('echo first; read go; head -c 200000 /dev/zero');
    const reading = readFifo(path);
    writer.stdin.write('\n');
    expect((await reading).length).toBe('first\n'.length + 200_000);
  });

  it('a pipe whose writer is silent waits until the signal', async () => {
    const { path, writer } = fifo('read go');
    const stop = new AbortController();
    const reading = readFifo(path, stop.signal).catch((error) => error);
    stop.abort();
    expect(await reading).toMatchObject({ code: 'ABORTED' });
    writer.kill();
    await once(writer, 'close');
  });

  it('a device without end is not read to its end, and an empty one is empty', async () => {
    expect(await readNamedFile('/dev/zero', { signal: undefined }).catch((error) => error)).toMatchObject({
      code: 'DATA_TOO_LARGE',
    });
    expect(String(await readNamedFile('/dev/null', { signal: undefined }))).toBe('');
  });
});
