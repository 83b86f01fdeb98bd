import { spawn } from 'node:child_process';
import {
  closeSync,
  cpSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blake2b256 } from '../../src/native/blake2b.js';
import { type Store, verifyStore } from '../../src/store/index.js';
import { A, sampleBytes } from './crash-samples.js';
import { opened, temporaryDir } from './fixtures.js';

/** Runs the writer on `dir` and kills it `afterMs` after its second append; returns what it had acknowledged. */
function writeUntilKilled(dir: string, first: number, afterMs: number): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const script = join(import.meta.dirname, 'crash-writer.ts');
    const child = spawn(process.execPath, ['--import', 'tsx', script, dir, String(first)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    let kill: NodeJS.Timeout | undefined;
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      // The first line says that it is ready.
      if (kill === undefined && text.split('\n').length > 3) kill = setTimeout(() => child.kill('SIGKILL'), afterMs);
    });
    child.on('error', reject);
    child.on('close', (_code, signal) => {
      if (signal !== 'SIGKILL') reject(new Error(`the writer ended by itself: ${text}`));
      // The last line may be cut.
      else
        resolve(
          text
            .split('\n')
            .slice(1, -1)
            .flatMap((line) => line.split(' ').map(Number)),
        );
    });
  });
}

function holds(store: Store, n: number): boolean {
  const id = store.find(blake2b256(sampleBytes(n)));
  return id !== undefined && store.sample(id).origin === String(n) && store.score(id, A)?.loss === n;
}

describe('store after kill -9', () => {
  it('has everything it acknowledged and nothing damaged, kill after kill', async () => {
    const dir = temporaryDir();
    const acknowledged: number[] = [];
    let first = 0;
    for (const afterMs of [0, 3, 11, 17, 29, 53, 71, 97]) {
      const done = await writeUntilKilled(dir, first, afterMs);
      acknowledged.push(...done);
      const store = await opened({ dir, embeddingDim: 16 });
      expect(store.repairs).toMatchObject({ samplesLost: 0, scoresLost: 0, indexRebuilt: false });
      expect(acknowledged.filter((n) => !holds(store, n))).toEqual([]);
      expect((await verifyStore(store)).faults).toEqual([]);
      // At most the batch in flight is there beyond what was acknowledged.
      first = Math.max(first, ...done.map((n) => n + 1)) + 8;
      await store.close();
    }
    expect(acknowledged.length).toBeGreaterThan(50);
  });
});

async function smallStore(): Promise<string> {
  const dir = temporaryDir();
  const store = await opened({ dir, embeddingDim: 5 });
  await store.appendSamples([0, 1, 2, 3].map((n) => ({ bytes: sampleBytes(n), origin: String(n) })));
  await store.appendScores(
    A,
    [0, 1, 2, 3].map((n) => ({
      sampleId: n,
      loss: n,
      embedding: new Float32Array(5).fill(n + 1),
      precision: 'f32' as const,
    })),
  );
  await store.close();
  return dir;
}

const SCORES = join('scores', `v1-${A.checksum}`);

describe('store with a torn tail', () => {
  it.each([
    ['meta.bin', 24, 'scoresLost'],
    ['f32.bin', 20, 'scoresLost'],
    ['bf16.bin', 10, undefined],
  ] as const)('repairs %s cut at every byte of its last record', async (name, recordBytes, lost) => {
    const whole = await smallStore();
    for (let cut = 1; cut <= recordBytes; cut++) {
      const dir = temporaryDir();
      cpSync(whole, dir, { recursive: true });
      const path = join(dir, SCORES, name);
      truncateSync(path, statSync(path).size - cut);
      const store = await opened({ dir, embeddingDim: 5 });
      expect(store.repairs).toMatchObject({ samplesLost: 0, scoresLost: lost === undefined ? 0 : 1 });
      expect(store.unscored(A)).toEqual(lost === undefined ? [] : [3]);
      expect((await verifyStore(store)).faults).toEqual([]);
      await store.appendScores(A, [{ sampleId: 3, loss: 9, embedding: new Float32Array(5), precision: 'f32' }]);
      expect(store.score(3, A)?.loss).toBe(9);
      await store.close();
    }
  });

  it.each([
    ['index.bin', 64],
    ['data-000000.bin', sampleBytes(3).length + 1],
  ] as const)(
    'repairs samples/%s cut at every byte of its last record, without using the number again',
    async (name, recordBytes) => {
      const whole = await smallStore();
      for (let cut = 1; cut <= recordBytes; cut++) {
        const dir = temporaryDir();
        cpSync(whole, dir, { recursive: true });
        const path = join(dir, 'samples', name);
        truncateSync(path, statSync(path).size - cut);
        const store = await opened({ dir, embeddingDim: 5 });
        expect(store.repairs).toMatchObject({ samplesLost: 1, scoresLost: 0 });
        expect(store.has(blake2b256(sampleBytes(3)))).toBe(false);
        expect(store.has(blake2b256(sampleBytes(2)))).toBe(true);
        expect((await verifyStore(store)).faults).toEqual([]);
        const [again] = await store.appendSamples([{ bytes: sampleBytes(3) }]);
        expect(again).toMatchObject({ id: 4, duplicate: false });
        const embedding = new Float32Array(5).fill(1);
        const hits = await store.match([{ id: 't', models: [A], embedding, threshold: 0.1 }], { limit: 9 });
        expect(hits.map((hit) => hit.sampleId)).toEqual([0, 1, 2]);
        await store.close();
      }
    },
  );

  it('takes up whole records that were not committed and cuts off garbage behind them', async () => {
    const dir = await smallStore();
    const index = join(dir, 'index.db');
    for (const garbage of [false, true]) {
      for (const suffix of ['', '-wal', '-shm']) writeFileSync(index + suffix, suffix === '' ? 'no database' : '');
      if (garbage) {
        for (const name of [join('samples', 'index.bin'), join(SCORES, 'meta.bin'), join(SCORES, 'f32.bin')]) {
          const path = join(dir, name);
          writeFileSync(path, Buffer.concat([readFileSync(path), Buffer.alloc(100, 7)]));
        }
      }
      const store = await opened({ dir, embeddingDim: 5 });
      expect(store.repairs).toEqual({
        samplesLost: 0,
        samplesAdopted: 4,
        scoresLost: 0,
        scoresAdopted: 4,
        indexRebuilt: true,
      });
      expect([0, 1, 2, 3].map((n) => holds(store, n))).toEqual([true, true, true, true]);
      expect((await verifyStore(store)).faults).toEqual([]);
      await store.close();
    }
  });
});

describe('verify', () => {
  it('finds any flipped bit', async () => {
    const whole = await smallStore();
    const files = [
      'samples/index.bin',
      'samples/data-000000.bin',
      ...['meta', 'f32', 'bf16'].map((n) => `${SCORES}/${n}.bin`),
    ];
    for (const name of files) {
      const path = join(whole, name);
      const { size } = statSync(path);
      const before = readFileSync(path);
      // Beyond the last record: that one is repaired away when the store opens.
      for (let at = 0; at < (size * 3) / 4; at += 3) {
        const dir = whole;
        const fd = openSync(path, 'r+');
        writeSync(fd, Uint8Array.of(before[at]! ^ (1 << (at % 8))), 0, 1, at);
        closeSync(fd);
        const store = await opened({ dir, embeddingDim: 5, readonly: true });
        const { faults } = await verifyStore(store);
        expect(faults.length, `${name} byte ${at}`).toBeGreaterThan(0);
        await store.close();
        writeFileSync(path, before);
      }
    }
    expect(readdirSync(whole)).toContain('samples');
  });
});
