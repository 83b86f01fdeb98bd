import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { variedBytes } from '../../bench/varied-bytes.js';
import { isAbort } from '../../src/errors/index.js';
import { S3Host } from '../../src/hosting/index.js';
import type { AssembledMiner, CreateMinerOptions } from '../../src/miner/index.js';
import { disagreements, type LedgerEntry, readJournal, recordLedger, sumOf } from './ledger-record.js';
import { FUNDED_SHANNONS, type MiningNetwork, startMiningNetwork } from './network.js';
import { startS3Server } from './s3-server.js';

/** Length of the mixed faults. `QUARRY_CHAOS_SECONDS=600` is the long run. */
const SECONDS = Number(process.env['QUARRY_CHAOS_SECONDS'] ?? 30);
/** Tries of a step that faults may break. */
const TRIES = 40;

const CALM = {
  droppedStream: 0,
  unavailable: 0,
  lostReply: 0,
  lockConflict: 0,
  congestion: 0,
  slowCheckpoint: 0,
  epochChange: 0,
  corruptDownload: 0,
  stalledDownload: 0,
  truncatedDownload: 0,
};

let network: MiningNetwork | undefined;
const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await network?.close();
  network = undefined;
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function variedData(dir: string): Promise<string> {
  const path = join(dir, 'varied.bin');
  await writeFile(path, variedBytes(4096, 5));
  return path;
}

/** Makes a miner, again when a fault breaks it. */
async function minerOf(mining: MiningNetwork, options: Partial<CreateMinerOptions>): Promise<AssembledMiner> {
  for (let n = 1; ; n++) {
    try {
      return await mining.miner(options);
    } catch (error) {
      if (n >= TRIES) throw error;
      await pause(100);
    }
  }
}

/** Claims until every submission is settled and every claim of ours is in. */
async function claimEverything({ miner, journal }: AssembledMiner): Promise<void> {
  for (let n = 1; ; n++) {
    const failed = await miner.claim().then(
      () => undefined,
      (error: unknown) => error,
    );
    const { pending, unclaimed } = journal.totals();
    if (failed === undefined && pending === 0 && unclaimed === 0) return;
    if (n >= TRIES) throw failed ?? new Error(`${pending} unsettled, ${unclaimed} unclaimed`);
    await pause(250);
  }
}

function expectAgreement({ devnet, signer }: MiningNetwork, entries: readonly LedgerEntry[], stateDir: string): void {
  const path = join(stateDir, 'journal.db');
  expect(disagreements(entries, path)).toEqual([]);
  const { submissions, claims } = readJournal(path);
  const accepted = submissions.filter((row) => row['state'] === 'accepted');
  const unclaimed = new Set(claims.filter((row) => row['state'] !== 'claimed').map((row) => row['target_id']));
  expect(accepted.filter((row) => unclaimed.has(row['target_id']))).toEqual([]);
  const fees = entries.reduce((sum, entry) => sum + entry.feeShannons, 0n);
  const earned = sumOf(claims, 'received') - sumOf(accepted, 'bond');
  expect(devnet.balanceOf(signer.address)).toBe(FUNDED_SHANNONS + earned - fees);
}

describe('the miner on a network that fails', () => {
  it(
    `agrees with the ledger to the shannon after ${SECONDS} s of mixed faults`,
    async () => {
      network = await startMiningNetwork({
        auditShare: 0,
        targetsPerEpoch: 20,
        chaos: {
          seed: 3,
          rates: { epochChange: 0.01, droppedStream: 0.02, lockConflict: 0.1 },
          lockMs: 300,
          slowCheckpointMs: 500,
        },
      });
      const { devnet, signer, dir } = network;
      const entries = recordLedger(devnet, signer.address);
      const stateDir = join(dir, 'state');
      const assembled = await minerOf(network, { stateDir, data: [await variedData(dir)], untilIdle: false });
      const outcomes: Record<string, number> = {};
      assembled.miner.events.on('outcome', ({ outcome }) => {
        outcomes[outcome.kind] = (outcomes[outcome.kind] ?? 0) + 1;
      });
      const stop = new AbortController();
      const timer = setTimeout(() => stop.abort(), SECONDS * 1000);
      // Anything but the end that was asked for throws.
      await assembled.miner.run({ signal: stop.signal });
      clearTimeout(timer);
      expect(stop.signal.aborted).toBe(true);
      expect(outcomes['accepted']).toBeGreaterThan(SECONDS);
      for (const fault of ['droppedStream', 'unavailable', 'lostReply', 'lockConflict', 'slowCheckpoint'] as const) {
        expect(devnet.faults[fault], fault).toBeGreaterThan(0);
      }

      await assembled.close();
      const after = await minerOf(network, { stateDir });
      await devnet.advanceEpoch();
      await devnet.advanceEpoch();
      await claimEverything(after);
      expectAgreement(network, entries, stateDir);
    },
    120_000 + SECONDS * 2_000,
  );

  it('loses only the race when the epoch ends while submissions travel', async () => {
    network = await startMiningNetwork({ auditShare: 0, chaos: { seed: 4, rates: { ...CALM, epochChange: 0.2 } } });
    const { devnet, signer, dir } = network;
    const entries = recordLedger(devnet, signer.address);
    const stateDir = join(dir, 'state');
    const assembled = await network.miner({ stateDir, data: [await variedData(dir)], untilIdle: false, untilHits: 20 });
    const reasons = new Set<string>();
    assembled.miner.events.on('outcome', ({ outcome }) => {
      if (outcome.kind !== 'accepted') reasons.add(outcome.kind);
    });
    await assembled.miner.run();
    expect(devnet.faults.epochChange).toBeGreaterThan(0);
    expect([...reasons].filter((kind) => kind !== 'lost')).toEqual([]);
    await devnet.advanceEpoch();
    await devnet.advanceEpoch();
    await claimEverything(assembled);
    expectAgreement(network, entries, stateDir);
  }, 60_000);

  it('gets its models although downloads are corrupted and cut', async () => {
    const port = await freePort();
    const rates = { ...CALM, corruptDownload: 0.3, truncatedDownload: 0.3 };
    network = await startMiningNetwork({
      auditShare: 0,
      ports: { http: port },
      modelsAt: `http://127.0.0.1:${port}/blobs`,
      chaos: { seed: 5, rates },
    });
    const assembled = await network.miner({ data: [await variedData(network.dir)], untilIdle: false, untilHits: 3 });
    const failures: string[] = [];
    assembled.miner.events.on('model', ({ error }) => error !== undefined && failures.push(error.code));
    expect((await assembled.miner.run()).accepted).toBeGreaterThanOrEqual(3);
    const { corruptDownload, truncatedDownload } = network.devnet.faults;
    expect(corruptDownload + truncatedDownload).toBeGreaterThan(0);
    expect(failures.filter((code) => !['CHECKSUM_MISMATCH', 'SIZE_MISMATCH', 'UNREACHABLE'].includes(code))).toEqual(
      [],
    );
  }, 90_000);

  it('hosts in a bucket that answers every third request with 500', async () => {
    const s3 = await startS3Server((n) => n % 3 === 1);
    closers.push(() => s3.close());
    const host = new S3Host({
      bucket: 'mine',
      endpointUrl: s3.url,
      publicUrl: `${s3.url}/mine`,
      region: 'auto',
      accessKeyId: 'key',
      secretAccessKey: 'secret',
    });
    closers.push(() => host.close());
    network = await startMiningNetwork();
    const { devnet } = network;
    const assembled = await network.miner({
      host,
      data: [await variedData(network.dir)],
      untilIdle: false,
      untilHits: 5,
    });
    const run = await assembled.miner.run();
    expect(run).toMatchObject({ rejected: 0, unknown: 0 });
    expect(s3.refused()).toBeGreaterThan(0);
    const { submissions } = readJournal(join(network.dir, 'state', 'journal.db'));
    for (const { checksum } of submissions) expect([...s3.objects.keys()]).toContain(`/mine/quarry/${checksum}`);
    // The auditor fetches from the bucket as well.
    await devnet.settleAudits();
    expect(devnet.verdicts.filter(({ outcome }) => outcome === 'honest').length).toBeGreaterThan(0);
  }, 60_000);

  it('stops when the disk is full, promises nothing it cannot write down, and goes on when there is room', async (ctx) => {
    network = await startMiningNetwork({ auditShare: 0 });
    const { devnet, signer, dir } = network;
    const stateDir = join(dir, 'small-disk');
    await mkdir(stateDir);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1500k', 'tmpfs', stateDir], { stdio: 'pipe' });
    } catch {
      return ctx.skip('a small file system cannot be mounted here: not root, or not allowed');
    }
    closers.push(() => void execFileSync('umount', ['-l', stateDir]));
    const entries = recordLedger(devnet, signer.address);
    const data = [await variedData(dir)];
    const full = await network.miner({ stateDir, data, untilIdle: false });
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), 30_000);
    const failure = await full.miner.run({ signal: stop.signal }).then(
      () => undefined,
      (error: unknown) => error,
    );
    clearTimeout(timer);
    expect(isAbort(failure)).toBe(false);
    expect(failure).toMatchObject({ code: 'DISK_FULL' });
    await full.close();

    execFileSync('mount', ['-o', 'remount,size=64m', stateDir]);
    const roomy = await network.miner({ stateDir, data, untilIdle: false, untilHits: 3 });
    await roomy.miner.run();
    await devnet.advanceEpoch();
    await devnet.advanceEpoch();
    await claimEverything(roomy);
    expectAgreement(network, entries, stateDir);
    await roomy.close();
  }, 90_000);
});
