import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { demoTrainingSet } from '../../src/devnet/flock/fixtures.js';
import { lockFile } from '../../src/net/index.js';
import { type Bench, failure, startBench, tempDir } from './bench.js';

const KEY = '7/training_set.jsonl';
const MiB = 1 << 20;

async function withBytes(size: number): Promise<{ bench: Bench; dest: string; bytes: Buffer; dir: string }> {
  const bench = await startBench();
  const bytes = randomBytes(size);
  bench.s3.put(KEY, bytes);
  const dir = await tempDir();
  return { bench, dest: join(dir, 'set.bin'), bytes, dir };
}

const gets = (bench: Bench): number => bench.ledger.seen(/tasks\/get/).length;

describe('training set download', () => {
  it('brings the file, checks MD5 and JSONL, leaves a record and nothing else', async () => {
    const bench = await startBench();
    const text = `${demoTrainingSet(50)}not json\n{"other":1}\n`;
    bench.s3.put(KEY, Buffer.from(text));
    const dir = await tempDir();
    const result = await bench.client.tasks.downloadTrainingSet('7', { dest: dir });
    expect(result.path).toBe(join(dir, 'task-7-training_set.jsonl'));
    expect(await readFile(result.path, 'utf8')).toBe(text);
    expect(result).toMatchObject({ md5Checked: true, bytes: Buffer.byteLength(text), refreshes: 0, resumedFrom: 0 });
    expect(result.jsonl).toMatchObject({
      lines: 52,
      badLines: 1,
      bad: [{ line: 51, message: 'not JSON' }],
      withoutConversations: 1,
      roles: { user: 50, assistant: 50 },
    });
    expect((await readdir(dir)).sort()).toEqual(['task-7-training_set.jsonl', 'task-7-training_set.jsonl.meta.json']);
    const meta = JSON.parse(await readFile(`${result.path}.meta.json`, 'utf8'));
    expect(meta).toMatchObject({ taskId: 7, bytes: result.bytes, sha256: result.sha256, lines: 52 });
    expect(result.sha256).toBe(createHash('sha256').update(text).digest('hex'));
  });

  it('sends the store no key, no agreement header and identity encoding only', async () => {
    const { bench, dest } = await withBytes(1000);
    await bench.client.tasks.downloadTrainingSet(7, { dest });
    const headers = bench.s3.requests[0]?.headers ?? {};
    expect(headers['flock-api-key']).toBeUndefined();
    expect(headers['authorization']).toBeUndefined();
    expect(headers['accept-encoding']).toBe('identity');
    expect(Object.keys(headers).filter((name) => name.startsWith('x-amz'))).toEqual([]);
  });

  it('link expired before the start: one more tasks/get, no fuss', async () => {
    const { bench, dest, bytes } = await withBytes(100_000);
    const late = bench.ledger.signLink;
    let first = true;
    bench.ledger.signLink = (key) => {
      if (!first) return late(key);
      first = false;
      bench.clock.at -= 7_200_000;
      const link = late(key);
      bench.clock.at += 7_200_000;
      return link;
    };
    const result = await bench.client.tasks.downloadTrainingSet(7, { dest });
    expect((await readFile(dest)).equals(bytes)).toBe(true);
    expect(result.refreshes).toBe(1);
    expect(gets(bench)).toBe(2);
  });

  it('link refused as expired although it looked fresh: refreshed at the same byte', async () => {
    const { bench, dest, bytes } = await withBytes(3 * MiB);
    bench.s3.faulty.dropAfter = [MiB];
    // The store's clock runs ahead of the service's after the drop, once.
    let ahead = 0;
    bench.s3.now = () => bench.clock.at + ahead;
    bench.s3.onProgress = (sent) => {
      if (sent === MiB && ahead === 0) ahead = 3_700_000;
    };
    const sign = bench.s3.sign.bind(bench.s3);
    bench.ledger.signLink = (key) => sign(key);
    const result = await bench.client.tasks.downloadTrainingSet(7, { dest });
    expect((await readFile(dest)).equals(bytes)).toBe(true);
    expect(result.refreshes).toBe(1);
    expect(gets(bench)).toBe(2);
    const ranges = bench.s3.requests.map((request) => request.headers['range']);
    expect(ranges).toHaveLength(3);
    expect(ranges[0]).toBeUndefined();
    expect(ranges[1]).toMatch(/^bytes=[1-9]/);
    expect(ranges[2]).toBe(ranges[1]);
  });

  it('link expires while streaming: the transfer goes on', async () => {
    const { bench, dest, bytes } = await withBytes(3 * MiB);
    bench.s3.onProgress = (sent) => {
      if (sent === MiB) bench.clock.at += 7_200_000;
    };
    const result = await bench.client.tasks.downloadTrainingSet(7, { dest });
    expect((await readFile(dest)).equals(bytes)).toBe(true);
    expect(result.refreshes).toBe(0);
    expect(bench.s3.requests).toHaveLength(1);
  });

  it('dropped twice and expired in between: byte-identical', async () => {
    const { bench, dest, bytes } = await withBytes(8 * MiB);
    bench.s3.faulty.dropAfter = [2 * MiB, 3 * MiB];
    let drops = 0;
    bench.s3.onProgress = (sent) => {
      if ((drops === 0 && sent === 2 * MiB) || (drops === 1 && sent === 3 * MiB)) {
        drops++;
        bench.clock.at += 3_700_000;
      }
    };
    const result = await bench.client.tasks.downloadTrainingSet(7, { dest });
    expect((await readFile(dest)).equals(bytes)).toBe(true);
    expect(result.refreshes).toBe(2);
    const starts = bench.s3.requests.map((request) => Number(/\d+/.exec(String(request.headers['range'] ?? '0'))?.[0]));
    expect(starts).toHaveLength(3);
    // Bytes in flight are lost with the connection, so a resume begins at or before the cut.
    expect(starts[1]).toBeLessThanOrEqual(2 * MiB);
    expect(starts[1]).toBeGreaterThan(0);
    expect(starts[2]).toBeGreaterThan(starts[1] ?? 0);
  });

  it('object replaced between ranges: start over, no mixed file', async () => {
    const { bench, dest } = await withBytes(2 * MiB);
    const replacement = randomBytes(2 * MiB);
    bench.s3.faulty.dropAfter = [MiB];
    bench.s3.onProgress = (sent) => {
      if (sent === MiB && bench.s3.requests.length === 1) bench.s3.put(KEY, replacement);
    };
    await bench.client.tasks.downloadTrainingSet(7, { dest });
    expect((await readFile(dest)).equals(replacement)).toBe(true);
    expect(bench.s3.requests.map((request) => request.headers['if-range'] !== undefined)).toEqual([false, true]);
  });

  it('object replaced again and again: an integrity error, no file', async () => {
    const { bench, dest } = await withBytes(2 * MiB);
    bench.s3.faulty.dropAfter = [MiB, MiB, MiB, MiB];
    bench.s3.onProgress = (sent) => {
      if (sent === MiB) bench.s3.put(KEY, randomBytes(2 * MiB));
    };
    expect(await failure(bench.client.tasks.downloadTrainingSet(7, { dest }))).toMatchObject({
      reason: 'FLOCK_DOWNLOAD_INTEGRITY',
    });
    await expect(stat(dest)).rejects.toThrow();
  });

  it('server ignores Range: no byte twice', async () => {
    const { bench, dest, bytes } = await withBytes(2 * MiB);
    bench.s3.faulty.dropAfter = [MiB];
    bench.s3.faulty.ignoreRange = true;
    await bench.client.tasks.downloadTrainingSet(7, { dest });
    expect((await readFile(dest)).equals(bytes)).toBe(true);
  });

  it('local clock two hours wrong: links are judged by the service, not refreshed without need', async () => {
    const { bench, dest, bytes } = await withBytes(10_000);
    for (const wrong of [-7_200_000, 7_200_000]) {
      const client = bench.clientWith({}, { now: () => bench.clock.at + wrong });
      const result = await client.tasks.downloadTrainingSet(7, { dest, overwrite: true });
      expect(result.refreshes).toBe(0);
      expect(client.clock.offsetMs).toBeCloseTo(-wrong, -4);
    }
    expect((await readFile(dest)).equals(bytes)).toBe(true);
  });

  it('a connection that falls silent is given up and resumed', async () => {
    const { bench, dest, bytes } = await withBytes(2 * MiB);
    bench.s3.faulty.stallAfter = [MiB];
    const result = await bench.client.tasks.downloadTrainingSet(7, { dest, stallTimeoutMs: 2_000 });
    expect((await readFile(dest)).equals(bytes)).toBe(true);
    expect(result.bytes).toBe(2 * MiB);
    expect(bench.s3.requests).toHaveLength(2);
  });

  it('interrupted: part and record stay, consistent and without a signature; the next run goes on', async () => {
    const { bench, dest, bytes, dir } = await withBytes(4 * MiB);
    const stop = new AbortController();
    const error = await failure(
      bench.client.tasks
        .downloadTrainingSet(7, {
          dest,
          signal: stop.signal,
          onProgress: (progress) => {
            if (progress.received >= MiB) stop.abort();
          },
        })
        .catch((caught: unknown) => {
          throw caught;
        }),
    ).catch((caught) => caught);
    expect(error).toMatchObject({ code: 'ABORTED', exitCode: 130 });
    expect((await readdir(dir)).sort()).toEqual(['set.bin.part', 'set.bin.part.json']);
    const record = await readFile(`${dest}.part.json`, 'utf8');
    expect(record).not.toContain('Signature');
    const have = (await stat(`${dest}.part`)).size;
    expect(have).toBeGreaterThan(0);
    expect((await readFile(`${dest}.part`)).equals(bytes.subarray(0, have))).toBe(true);
    const result = await bench.client.tasks.downloadTrainingSet(7, { dest });
    expect(result.resumedFrom).toBe(have);
    expect((await readFile(dest)).equals(bytes)).toBe(true);
  });

  it('resume off, or a part of another object: from the first byte', async () => {
    const { bench, dest, bytes } = await withBytes(MiB);
    await writeFile(`${dest}.part`, 'left over');
    await writeFile(`${dest}.part.json`, JSON.stringify({ object: 'elsewhere/x', etag: '"e"', total: 5 }));
    await bench.client.tasks.downloadTrainingSet(7, { dest });
    expect((await readFile(dest)).equals(bytes)).toBe(true);
    const { object } = { object: `${new URL(bench.s3.url).host}/${KEY}` };
    await writeFile(`${dest}.part`, 'wrong bytes');
    await writeFile(`${dest}.part.json`, JSON.stringify({ object, etag: bench.s3.objects.get(KEY)?.etag, total: MiB }));
    await bench.client.tasks.downloadTrainingSet(7, { dest, overwrite: true, resume: false });
    expect((await readFile(dest)).equals(bytes)).toBe(true);
  });

  it('a damaged part is found out by its MD5 and removed', async () => {
    const { bench, dest, bytes } = await withBytes(MiB);
    const object = `${new URL(bench.s3.url).host}/${KEY}`;
    await writeFile(`${dest}.part`, 'wrong bytes');
    await writeFile(`${dest}.part.json`, JSON.stringify({ object, etag: bench.s3.objects.get(KEY)?.etag, total: MiB }));
    expect(await failure(bench.client.tasks.downloadTrainingSet(7, { dest }))).toMatchObject({
      reason: 'FLOCK_DOWNLOAD_INTEGRITY',
      code: 'CHECKSUM_MISMATCH',
    });
    await bench.client.tasks.downloadTrainingSet(7, { dest });
    expect((await readFile(dest)).equals(bytes)).toBe(true);
  });

  it('a complete part is recognised by 416', async () => {
    const { bench, dest, bytes } = await withBytes(MiB);
    const object = `${new URL(bench.s3.url).host}/${KEY}`;
    await writeFile(`${dest}.part`, bytes);
    await writeFile(`${dest}.part.json`, JSON.stringify({ object, etag: bench.s3.objects.get(KEY)?.etag, total: MiB }));
    expect((await bench.client.tasks.downloadTrainingSet(7, { dest })).resumedFrom).toBe(MiB);
    expect((await readFile(dest)).equals(bytes)).toBe(true);
  });

  it('slow-down and gateway answers are waited out', async () => {
    const { bench, dest } = await withBytes(1000);
    bench.s3.fail({ match: /training_set/, status: 503, times: 3, body: '<Error><Code>SlowDown</Code></Error>' });
    await bench.client.tasks.downloadTrainingSet(7, { dest });
    expect(bench.clock.slept).toHaveLength(3);
  });

  it('other refusals end it: missing file, skewed clock, denied', async () => {
    const { bench, dest } = await withBytes(1000);
    const refusal = (code: string): string => `<Error><Code>${code}</Code><Message>no</Message></Error>`;
    bench.s3.fail({ match: /./, status: 404, body: refusal('NoSuchKey') });
    expect(await failure(bench.client.tasks.downloadTrainingSet(7, { dest }))).toMatchObject({ code: 'NOT_FOUND' });
    bench.s3.fail({ match: /./, status: 403, body: refusal('RequestTimeTooSkewed') });
    const skewed = await failure(bench.client.tasks.downloadTrainingSet(7, { dest }));
    expect(skewed).toMatchObject({ reason: 'FLOCK_DOWNLOAD' });
    expect(skewed['hint']).toContain('clock');
    bench.s3.fail({ match: /./, status: 403, body: refusal('AccessDenied') });
    const denied = await failure(bench.client.tasks.downloadTrainingSet(7, { dest }));
    expect(denied).toMatchObject({ reason: 'FLOCK_DOWNLOAD' });
    expect(JSON.stringify(denied)).not.toContain('X-Amz-Signature');
    expect(denied.message + denied.stack).not.toContain('X-Amz-Signature');
  });

  it('links that stay expired end it after maxRefresh new ones', async () => {
    const { bench, dest } = await withBytes(1000);
    bench.s3.now = () => bench.clock.at + 86_400_000;
    const early = bench.s3.sign.bind(bench.s3);
    bench.ledger.signLink = (key) => {
      const was = bench.s3.now;
      bench.s3.now = bench.clock.now;
      const link = early(key);
      bench.s3.now = was;
      return link;
    };
    expect(await failure(bench.client.tasks.downloadTrainingSet(7, { dest, maxRefresh: 2 }))).toMatchObject({
      reason: 'FLOCK_PRESIGN_EXPIRED',
    });
    expect(gets(bench)).toBe(3);
  });

  it('data null or empty: the task is listed, the download says which keys exist', async () => {
    const { bench, dest } = await withBytes(1);
    const base = { id: 3, title: 'T', status: 'submission_phase' };
    for (const [data, word] of [
      [null, 'empty'],
      [{}, 'empty'],
      [{ foo: 1, training_hf_dataset: 'a/b' }, 'foo, training_hf_dataset'],
    ] as const) {
      bench.ledger.overrides.set('tasks/get', { ...base, data });
      bench.ledger.overrides.set('tasks/list', [{ ...base, data }]);
      expect(await bench.client.tasks.list()).toHaveLength(1);
      const error = await failure(bench.client.tasks.downloadTrainingSet(3, { dest }));
      expect(error).toMatchObject({ reason: 'FLOCK_DOWNLOAD' });
      expect(error.message).toContain(word);
    }
  });

  it('a second download of the same file fails clearly; a stale lock is taken over', async () => {
    const { bench, dest, bytes } = await withBytes(1000);
    const lock = await lockFile(`${dest}.lock`);
    expect(await failure(bench.client.tasks.downloadTrainingSet(7, { dest }))).toMatchObject({
      reason: 'FLOCK_DOWNLOAD_LOCKED',
      code: 'STORE_LOCKED',
    });
    await lock.release();
    // Process 1 runs, but did not start when this lock says; no process has the second id.
    for (const holder of [
      { pid: 1, started: '1' },
      { pid: 2 ** 22 + 7, started: null },
    ]) {
      await writeFile(`${dest}.lock`, JSON.stringify(holder));
      await bench.client.tasks.downloadTrainingSet(7, { dest, overwrite: true });
      expect((await readFile(dest)).equals(bytes)).toBe(true);
    }
  });

  it('a finished file is not replaced unasked', async () => {
    const { bench, dest } = await withBytes(1000);
    await writeFile(dest, 'mine');
    expect(await failure(bench.client.tasks.downloadTrainingSet(7, { dest }))).toMatchObject({
      code: 'ALREADY_EXISTS',
    });
    expect(await readFile(dest, 'utf8')).toBe('mine');
  });
});
