// Opens every kind of file that Quarry keeps, with a FIFO in its place, and prints what came of each as one JSON
// line: a process of its own, because an open that waits for a FIFO's other end cannot be interrupted.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { receiptDirectory } from '../../src/aitbc/miner/receipt-directory.js';
import { openLocalWeights } from '../../src/cli/local-weights.js';
import { untilWritable } from '../../src/cli/mining/until-writable.js';
import { readSample } from '../../src/cli/sample-file.js';
import { openDatabase } from '../../src/database/database.js';
import { lockForWriting } from '../../src/database/writer-lock.js';
import { readBound } from '../../src/engine/calibration/error-bound.js';
import { readSpeeds } from '../../src/engine/calibration/speed-file.js';
import { createNativeScoringEngine } from '../../src/engine/native/index.js';
import { toQuarryError } from '../../src/errors/index.js';
import { readNamedFile } from '../../src/files/named-file.js';
import { KeptRows } from '../../src/fleet/rows/kept-rows.js';
import { SubmissionLedger } from '../../src/flock/submission-ledger.js';
import { readWatchState, writeWatchState } from '../../src/flock/watch/watch-state.js';
import { HttpHost } from '../../src/hosting/index.js';
import { backupState } from '../../src/miner/state/backup-state.js';
import { restoreState } from '../../src/miner/state/restore-state.js';
import { lockFile } from '../../src/net/download/file-lock.js';
import { PartFile } from '../../src/net/download/part-file.js';
import { encryptWeightsFile } from '../../src/soma/publish/encrypt-weights.js';
import { readPublicationState } from '../../src/soma/publish/publication-state.js';
import { openStore } from '../../src/store/index.js';
import { readModelFile } from '../../src/store/model-file.js';
import { LogFile } from '../../src/telemetry/log-file.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import { openPartialFile } from '../../src/weights/open-partial-file.js';
import { openSafetensors } from '../../src/weights/safetensors.js';
import { weightsBytes } from '../native/models.js';

const [dir = ''] = process.argv.slice(2);
const MODEL = `v1-${'a'.repeat(64)}`;

function fifo(name: string): string {
  const path = join(dir, name);
  mkdirSync(dirname(path), { recursive: true });
  rmSync(path, { force: true });
  execFileSync('mkfifo', [path]);
  return path;
}

async function tell(name: string, open: () => unknown): Promise<void> {
  let outcome: unknown;
  try {
    outcome = (await open()) ?? 'nothing';
  } catch (error) {
    outcome = toQuarryError(error, 'opening').code;
  }
  process.stdout.write(`${JSON.stringify([name, outcome])}\n`);
}

await tell('database', () => openDatabase(fifo('x.db')));
await tell('write-ahead log', () => openDatabase(fifo('y.db-wal').replace('-wal', '')));
await tell('lock', () => lockForWriting(dirname(fifo('a/writer.lock'))));
await tell('writer', () => lockForWriting(dirname(fifo('b/writer.pid'))));
await tell('store', async () => {
  const options = { dir: join(dir, 'store'), embeddingDim: 4 };
  await (await openStore(options)).close();
  fifo('store/samples/index.bin');
  await openStore({ ...options, readonly: true });
});
await tell('model.json', () => readModelFile(dirname(fifo(`${MODEL}/model.json`)))?.embeddingDim);
await tell('speeds', () => readSpeeds(fifo('engine-speed.json'), 'key'));
await tell('bound', () => readBound(dirname(fifo('packed/key.v1.bound.json')), 'key'));
await tell('weights', () => openSafetensors(fifo('x.safetensors')));
await tell('download', () => openPartialFile({ path: fifo('x.part'), sizeBytes: 8 }));
await tell('download of the core', () =>
  openPartialFile({ path: fifo('y.part'), sizeBytes: 8, decryptionKey: new Uint8Array(32) }),
);
await tell('lock of a download', () => lockFile(fifo('x.part.lock')));
await tell('file of a download', () => new PartFile(fifo('z.part').replace('.part', '')).open('object', false));
await tell('record of a download', () =>
  new PartFile(fifo('v.part.json').replace('.part.json', '')).open('object', true),
);
await tell('next record of a download', async () => {
  const part = new PartFile(join(dir, 'w'));
  await part.open('object', false);
  fifo('w.part.json');
  fifo('w.part.json.tmp');
  try {
    await part.describe({ object: 'object', etag: null, total: null, updatedAt: '' });
  } finally {
    await part.close();
  }
});
await tell('ledger of FLock submissions', () => new SubmissionLedger(fifo('ledger.jsonl')).since(1, 0));
await tell('next entry of the ledger', () =>
  new SubmissionLedger(fifo('ledger.jsonl')).append({ at: '', taskId: 1, repo: '', revision: '' }),
);
await tell('seen tasks', () => readWatchState(fifo('seen.json')));
await tell('next seen tasks', () => {
  fifo('seen.json.tmp');
  return writeWatchState(fifo('seen.json'), new Map());
});
await tell('receipt', () => {
  fifo('receipts/job.json.part');
  return receiptDirectory(dirname(fifo('receipts/job.json'))).put('job', '{}');
});
await tell('encrypted weights', async () => {
  writeFileSync(join(dir, 'plain'), 'weights');
  const target = fifo('encrypted.part').replace('.part', '');
  return (await encryptWeightsFile(join(dir, 'plain'), target, new Uint8Array(32))).sizeBytes;
});
await tell('publication', () => readPublicationState(fifo('publication.json')));
await tell('probe of a disk', () => untilWritable(dirname(fifo('full/room.probe')), AbortSignal.timeout(30_000)));
await tell('probe of kept rows', () => {
  const models = { use: () => Promise.reject(new Error('unused')) };
  return new KeptRows(dirname(fifo('rows/room.probe')), { models, known: () => [], onWarning: () => {} }).mend();
});
await tell('packed weights', async () => {
  const file = join(dir, 'model.safetensors');
  writeFileSync(file, weightsBytes(MODEL_CONFIGS.small));
  const weights = await openSafetensors(file);
  const engine = createNativeScoringEngine({ cacheDir: join(dir, 'kept') });
  await (await engine.load(weights, MODEL_CONFIGS.small)).close();
  for (const name of readdirSync(join(dir, 'kept'))) fifo(`kept/${name}`);
  const model = await engine.load(weights, MODEL_CONFIGS.small);
  const scores = await model.score([new Uint8Array(8)]);
  await model.close();
  await weights.close();
  return scores.length;
});
await tell('backup', async () => {
  openDatabase(join(dir, 'journal.db'), { migrations: ['CREATE TABLE t (n)'] }).close();
  fifo('hosted/a');
  await backupState(dir, join(dir, 'backup'));
});
await tell('restore', () => restoreState(dirname(fifo('kept-backup/backup.json')), join(dir, 'restored')));
await tell('hosted data', async () => {
  const name = 'a'.repeat(64);
  const host = await HttpHost.listen({ dir: dirname(fifo(`hosted/${name}`)), port: 0 });
  const { status } = await fetch(`http://127.0.0.1:${host.port}/data/${name}`);
  await host.close();
  return status;
});
await tell('socket', async () => {
  const server = createServer().listen(join(dir, 'socket.db'));
  await once(server, 'listening');
  try {
    openDatabase(join(dir, 'socket.db'));
  } finally {
    server.close();
  }
});
await tell('named file', () => readNamedFile(fifo('named'), { signal: undefined }));
await tell('sample', () => readSample(fifo('sample'), 1024));
await tell('encrypted weights of the user', () =>
  openLocalWeights(fifo('model.encrypted'), new Uint8Array(32), AbortSignal.timeout(30_000)),
);
await tell('log', async () => {
  const failing = new Promise((resolve) => {
    new LogFile(fifo('miner.log'), { onState: resolve }).write('line\n');
  });
  return Object.keys((await failing) as object).join();
});
await tell('device', () => {
  symlinkSync('/dev/zero', join(dir, 'zero.safetensors'));
  return openSafetensors(join(dir, 'zero.safetensors'));
});
process.exit();
