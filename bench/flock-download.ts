/**
 * Downloads a training set of 1 GB over loopback through three expired links and two dropped connections, and reports
 * whether the bytes are identical, how fast it was, and the peak memory of the downloading process.
 *
 *   npm run build && node dist/bench/flock-download.js [megabytes]
 *
 * The store runs in a process of its own, so that its memory is not counted. The file is JSON lines made on demand.
 */
import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FlockClient } from '../src/flock/index.js';

const LINE_BYTES = 1024;
/** Most memory the downloading process may ever hold, Node included. */
const LIMIT_MB = 100;
const KEY = '7/training_set.jsonl';
const megabytes = Number(process.argv[2] ?? 1000);
const SIZE = Math.floor((megabytes * 1_000_000) / LINE_BYTES) * LINE_BYTES;

interface Ready {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly sha256: string;
}

/** Bytes `start` to `end` of the file: lines of 1024 bytes, each with its own number. */
function bytesOf(start: number, end: number): Buffer {
  const first = Math.floor(start / LINE_BYTES);
  const last = Math.ceil(end / LINE_BYTES);
  const out = Buffer.alloc((last - first) * LINE_BYTES);
  for (let i = first; i < last; i++) {
    const head = `{"conversations":[{"role":"user","content":"${String(i).padStart(12, '0')}`;
    const tail = '"},{"role":"assistant","content":"yes"}]}\n';
    out.write(
      head + 'abcdefgh'.repeat(LINE_BYTES / 8).slice(0, LINE_BYTES - head.length - tail.length) + tail,
      (i - first) * LINE_BYTES,
    );
  }
  return out.subarray(start - first * LINE_BYTES, end - first * LINE_BYTES);
}

async function serve(): Promise<void> {
  // Loaded only here: the servers are not measured.
  const { LedgerServer } = await import('../src/devnet/flock/ledger-server.js');
  const { S3Server } = await import('../src/devnet/flock/s3-server.js');
  const ledger = await new LedgerServer().listen();
  const s3 = await new S3Server().listen();
  let ahead = 0;
  const now = (): number => Date.now() + ahead;
  ledger.now = now;
  s3.now = now;
  ledger.signLink = (key) => s3.sign(key);
  const hash = createHash('sha256');
  for (let at = 0; at < SIZE; at += 4 << 20) hash.update(bytesOf(at, Math.min(SIZE, at + (4 << 20))));
  s3.objects.set(KEY, { size: SIZE, etag: '"bench-2"', read: bytesOf });
  // Five connections end early; at three of them the link has expired.
  const cut = Math.floor(SIZE / 6);
  s3.faulty.dropAfter = [cut, cut, cut, cut, cut];
  let answers = 0;
  s3.onProgress = (sent) => {
    if (sent !== cut || answers >= 5) return;
    answers++;
    if (answers % 2 === 1) ahead += 3_700_000;
  };
  process.send?.({ baseUrl: ledger.url, apiKey: ledger.apiKey, sha256: hash.digest('hex') } satisfies Ready);
  process.on('message', () => {
    const refused = s3.requests.length - 6;
    process.send?.({ answers, refused });
    process.exit(0);
  });
}

async function measure(): Promise<void> {
  const server = fork(fileURLToPath(import.meta.url), [String(megabytes), 'serve']);
  const [ready] = (await once(server, 'message')) as [Ready];
  const dir = await mkdtemp(join(tmpdir(), 'quarry-flock-bench-'));
  const client = new FlockClient({ baseUrl: ready.baseUrl, apiKey: ready.apiKey });
  const before = process.memoryUsage.rss();
  const startedAt = performance.now();
  const result = await client.tasks.downloadTrainingSet(7, { dest: join(dir, 'set.jsonl') });
  const seconds = (performance.now() - startedAt) / 1000;
  server.send('end');
  const [faults] = (await once(server, 'message')) as [{ answers: number; refused: number }];
  await client.close();
  await rm(dir, { recursive: true, force: true });
  // maxRSS is in kilobytes.
  const peakMb = (process.resourceUsage().maxRSS * 1024) / 1e6;
  const identical = result.sha256 === ready.sha256 && result.bytes === SIZE;
  console.log(`machine             ${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores, Node ${process.version}`);
  console.log(`bytes               ${result.bytes}`);
  console.log(`identical           ${identical ? 'yes' : 'NO'}  sha256 ${result.sha256}`);
  console.log(`connections cut     ${faults.answers}`);
  console.log(`links renewed       ${result.refreshes} (refused as expired ${faults.refused})`);
  console.log(`lines checked       ${result.jsonl?.lines ?? 0}`);
  console.log(
    `time                ${seconds.toFixed(1)} s, ${(result.bytes / 1e6 / seconds).toFixed(0)} MB/s with verification`,
  );
  console.log(`memory              peak ${peakMb.toFixed(0)} MB, ${(before / 1e6).toFixed(0)} MB before the download`);
  if (peakMb >= LIMIT_MB) console.log(`memory              OVER the limit of ${LIMIT_MB} MB`);
  if (!identical || result.refreshes !== 3 || peakMb >= LIMIT_MB) process.exitCode = 1;
}

if (process.argv[3] === 'serve') await serve();
else await measure();
