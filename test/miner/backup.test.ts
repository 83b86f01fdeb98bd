import { existsSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { backupState, openJournalHistory, restoreState } from '../../src/miner/index.js';
import { Journal } from '../../src/miner/journal/journal.js';
import { openStore, verifyStore } from '../../src/store/index.js';

const MODEL = { architecture: 'small', checksum: '11'.repeat(32) };
let dir: string;
let state: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'quarry-backup-'));
  state = join(dir, 'state');
  await mkdir(state);
});
afterEach(() => rm(dir, { recursive: true, force: true }));

function submission(n: number) {
  return {
    targetId: `0x${n.toString(16).padStart(64, '0')}`,
    checksum: n.toString(16).padStart(64, '0'),
    modelId: 'model',
    digest: `digest-${n}`,
    signed: new Uint8Array([n]),
    epoch: 1n,
    bondShannons: 10n,
    rewardShannons: 100n,
    origin: 'test',
    distance: 0.5,
    threshold: 0.6,
  } as const;
}

async function appendRows(store: Awaited<ReturnType<typeof openStore>>, from: number, count: number): Promise<void> {
  const samples = Array.from({ length: count }, (_, i) => ({ bytes: Buffer.from(`sample ${from + i}`) }));
  const added = await store.appendSamples(samples);
  await store.appendScores(
    MODEL,
    added.map(({ id }) => ({ sampleId: id, loss: 1, embedding: new Float32Array([id, 1]), precision: 'f32' as const })),
  );
}

describe('a backup', () => {
  test('made while journal and store are written is whole when it is restored', async () => {
    const journal = new Journal(join(state, 'journal.db'), () => 1);
    const store = await openStore({ dir: join(state, 'store'), embeddingDim: 2 });
    for (let n = 1; n <= 20; n++) journal.submissions.record(submission(n));
    await appendRows(store, 0, 500);
    await mkdir(join(state, 'hosted'));
    await writeFile(join(state, 'hosted', 'aa'), 'hosted bytes');
    await mkdir(join(state, 'weights'));
    await writeFile(join(state, 'weights', 'big'), 'not copied');

    const backup = backupState(state, join(dir, 'backup'));
    const writing = (async () => {
      for (let round = 0; round < 20; round++) await appendRows(store, 500 + round * 50, 50);
    })();
    const manifest = await backup;
    await writing;
    await store.close();
    journal.close();
    expect(manifest.files.map(({ path }) => path)).toContain('hosted/aa');
    expect(manifest.files.some(({ path }) => path.startsWith('weights'))).toBe(false);

    const restored = join(dir, 'restored');
    await restoreState(join(dir, 'backup'), restored);
    const history = openJournalHistory(join(restored, 'journal.db'));
    expect([...history.submissions()]).toHaveLength(20);
    history.close();
    const again = await openStore({ dir: join(restored, 'store'), embeddingDim: 2 });
    expect(again.sampleCount).toBeGreaterThanOrEqual(500);
    for (let id = 0; id < 500; id++) {
      expect(Buffer.from(again.sample(id).bytes).toString()).toBe(`sample ${id}`);
      expect(again.score(id, MODEL)?.embedding).toEqual(new Float32Array([id, 1]));
    }
    expect((await verifyStore(again)).faults).toEqual([]);
    await again.close();
    expect(await readFile(join(restored, 'hosted', 'aa'), 'utf8')).toBe('hosted bytes');
  });

  test('is refused when a file of it changed, and nothing of it appears', async () => {
    new Journal(join(state, 'journal.db'), () => 1).close();
    await mkdir(join(state, 'hosted'));
    await writeFile(join(state, 'hosted', 'aa'), 'hosted bytes');
    const backup = join(dir, 'backup');
    await backupState(state, backup);
    await appendFile(join(backup, 'hosted', 'aa'), '!');
    await expect(restoreState(backup, join(dir, 'to'))).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    await writeFile(join(backup, 'hosted', 'aa'), 'hosted bytez');
    await expect(restoreState(backup, join(dir, 'to'))).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    expect(existsSync(join(dir, 'to', 'journal.db'))).toBe(false);
  });

  test('whose manifest leads elsewhere is refused', async () => {
    const backup = join(dir, 'backup');
    await mkdir(backup);
    const file = { path: '../../etc/passwd', bytes: 1, sha256: '0'.repeat(64) };
    await writeFile(join(backup, 'backup.json'), JSON.stringify({ format: 1, createdAt: '', files: [file] }));
    await expect(restoreState(backup, join(dir, 'to'))).rejects.toMatchObject({ code: 'DATA_INVALID' });
  });

  test('overwrites neither a backup nor a state', async () => {
    await expect(backupState(state, join(dir, 'none'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    expect(await readdir(dir)).toEqual(['state']);
    new Journal(join(state, 'journal.db'), () => 1).close();
    await backupState(state, join(dir, 'backup'));
    await expect(backupState(state, join(dir, 'backup'))).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    await expect(restoreState(join(dir, 'backup'), state)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    await expect(restoreState(state, join(dir, 'to'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  });
});
