import { chmod, copyFile, mkdtemp, readdir, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Journal } from '../../src/miner/journal/journal.js';
import { openJournal } from '../../src/miner/journal/open-journal.js';

const HOME = { chainId: 'AAAAAAAAhome', isPublic: false };
const OTHER = { chainId: 'BBBBBBBBother', isPublic: false };
let dir: string;
let warnings: string[];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-open-journal-'));
  warnings = [];
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const open = (chain = HOME): Journal =>
  openJournal(dir, chain, ({ code, message, hint }) => warnings.push(`${code} ${message} ${hint}`));

function submit(journal: Journal, n: number): void {
  journal.submissions.record({
    targetId: `0x${n}`,
    checksum: 'c'.repeat(64),
    modelId: '0x1',
    digest: `digest ${n}`,
    signed: Uint8Array.of(1),
    epoch: 0n,
    bondShannons: 1n,
    rewardShannons: 2n,
  });
}

/** Leaves the files as a killed process does: the log is not folded into the database. */
async function killed(submissions: number): Promise<void> {
  const journal = open();
  for (let n = 0; n < submissions; n++) submit(journal, n);
  for (const name of await readdir(dir)) await copyFile(join(dir, name), join(dir, `kept-${name}`));
  journal.close();
  for (const name of await readdir(dir)) if (!name.startsWith('kept-')) await rm(join(dir, name));
  for (const name of await readdir(dir)) await rename(join(dir, name), join(dir, name.slice('kept-'.length)));
}

describe('a journal that lost its write-ahead log', () => {
  it('says how many submissions are gone, once, and goes on', async () => {
    await killed(3);
    await rm(join(dir, 'journal.db-wal'));
    const journal = open();
    expect(journal.lostSubmissions).toBe(3);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/STORE_CORRUPT the journal .* lacks its last 3 submissions.*rewards to claim/);
    submit(journal, 7);
    journal.close();
    open().close();
    expect(warnings).toHaveLength(1);
  });

  it('notices a log that was cut short', async () => {
    await killed(5);
    const wal = join(dir, 'journal.db-wal');
    await truncate(wal, (await stat(wal)).size - 4_096 - 24);
    const journal = open();
    expect(journal.lostSubmissions).toBeGreaterThan(0);
    expect(journal.lostSubmissions).toBeLessThan(5);
    journal.close();
  });

  it('says nothing after a plain kill, and nothing when the witness itself is damaged', async () => {
    await killed(3);
    open().close();
    await writeFile(join(dir, 'journal.db.mark'), 'rubbish');
    open().close();
    expect(warnings).toEqual([]);
  });
});

describe('a state directory of another chain', () => {
  it('is refused by name on a public chain', () => {
    open().close();
    expect(() => open({ ...OTHER, isPublic: true })).toThrowError(
      expect.objectContaining({ code: 'CONFIG_INVALID', hint: expect.stringContaining('--state-dir') }),
    );
  });

  it('is set aside on a private chain, and comes back with it', () => {
    const first = open();
    submit(first, 1);
    first.close();
    const second = open(OTHER);
    expect(second.totals().pending).toBe(0);
    second.close();
    expect(warnings[0]).toMatch(/CONFLICT the journal of chain AAAAAAAA is set aside as .*journal-AAAAAAAA\.db/);
    const again = open();
    expect(again.totals().pending).toBe(1);
    again.close();
    expect(warnings.filter((text) => text.startsWith('STORE_CORRUPT'))).toEqual([]);
  });
});

describe('a damaged journal', () => {
  it('is refused with a way on', async () => {
    await writeFile(join(dir, 'journal.db'), 'this is not a database, however long it may be '.repeat(200));
    expect(() => open()).toThrowError(
      expect.objectContaining({ code: 'STORE_CORRUPT', hint: expect.stringContaining('backup') }),
    );
  });
});

describe('a state directory that cannot be written', () => {
  it.skipIf(process.getuid?.() === 0)('is refused with the setting to change', async () => {
    await chmod(dir, 0o500);
    expect(() => open()).toThrowError(
      expect.objectContaining({ code: 'FILE_UNREADABLE', hint: expect.stringContaining('--state-dir') }),
    );
    await chmod(dir, 0o700);
  });

  it('is made for its owner only, whatever the umask', async () => {
    const before = process.umask(0);
    const inner = join(dir, 'inner');
    try {
      openJournal(inner, HOME, () => {}).close();
    } finally {
      process.umask(before);
    }
    expect((await stat(inner)).mode & 0o777).toBe(0o700);
  });

  it('is refused where a file is in the way', async () => {
    await writeFile(join(dir, 'file'), '');
    expect(() => openJournal(join(dir, 'file', 'state'), HOME, () => {})).toThrowError(
      expect.objectContaining({ code: 'FILE_UNREADABLE', hint: expect.stringContaining('--state-dir') }),
    );
  });
});
