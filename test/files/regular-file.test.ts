import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

it.skipIf(process.platform === 'win32')(
  'a FIFO in place of any file that Quarry keeps holds nothing up',
  () => {
    const dir = mkdtempSync(join(tmpdir(), 'quarry-fifo-'));
    const script = fileURLToPath(new URL('./open-fifos.ts', import.meta.url));
    // A process that waits for a FIFO is ended, and the outcomes after it are missing.
    const end = { timeout: 60_000, killSignal: 'SIGKILL', encoding: 'utf8' } as const;
    const { stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', script, dir], end);
    rmSync(dir, { recursive: true });
    expect(stderr).toBe('');
    const outcomes = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(Object.fromEntries(outcomes)).toEqual({
      database: 'FILE_UNREADABLE',
      'write-ahead log': 'FILE_UNREADABLE',
      lock: 'FILE_UNREADABLE',
      writer: 'FILE_UNREADABLE',
      store: 'FILE_UNREADABLE',
      // What can be made again is.
      'model.json': 'nothing',
      speeds: 'nothing',
      bound: 'nothing',
      weights: 'FILE_UNREADABLE',
      download: 'FILE_UNREADABLE',
      'download of the core': 'FILE_UNREADABLE',
      'lock of a download': 'FILE_UNREADABLE',
      'file of a download': 'FILE_UNREADABLE',
      'record of a download': 'FILE_UNREADABLE',
      // What is replaced is not opened.
      'next record of a download': 'nothing',
      receipt: 'nothing',
      'encrypted weights': 7,
      'ledger of FLock submissions': 'FILE_UNREADABLE',
      'next entry of the ledger': 'FILE_UNREADABLE',
      'seen tasks': 'FILE_UNREADABLE',
      'next seen tasks': 'nothing',
      publication: 'FILE_UNREADABLE',
      'probe of a disk': 'nothing',
      'probe of kept rows': 'nothing',
      'packed weights': 1,
      backup: 'FILE_UNREADABLE',
      restore: 'FILE_UNREADABLE',
      'hosted data': 404,
      socket: 'FILE_UNREADABLE',
      'named file': 'FILE_UNREADABLE',
      sample: 'FILE_UNREADABLE',
      'encrypted weights of the user': 'FILE_UNREADABLE',
      log: 'failing',
      device: 'FILE_UNREADABLE',
    });
  },
  90_000,
);
