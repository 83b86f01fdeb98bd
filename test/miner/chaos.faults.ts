import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../../bench/free-port.js';
import { variedBytes } from '../../bench/varied-bytes.js';
import { NO_CHAOS } from '../../src/devnet/soma/index.js';
import { isAbort, toQuarryError } from '../../src/errors/index.js';
import { S3Host } from '../../src/hosting/index.js';
import type { AssembledMiner, CreateMinerOptions } from '../../src/miner/index.js';
import { disagreements, type LedgerEntry, readJournal, recordLedger, sumOf } from './ledger-record.js';
import { FUNDED_SHANNONS, type MiningNetwork, startMiningNetwork } from './network.js';
import { startS3Server } from './s3-server.js';
import { canMount, hasNamespaces, mountSmallDisk, NAMESPACE } from './small-disk.js';

/** Length of the mixed faults. `QUARRY_CHAOS_SECONDS=600` is the long run. */
const SECONDS = Number(process.env['QUARRY_CHAOS_SECONDS'] ?? 30);
/** Room that no test uses up. */
const ROOMY_BYTES = 256 * 2 ** 20;
const program = fileURLToPath(new URL('../../bin/quarry.js', import.meta.url));
/** Tries of a step that faults may break. */
const TRIES = 40;

let network: MiningNetwork | undefined;
const closers: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await network?.close();
  network = undefined;
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function s3Host(url: string): S3Host {
  return new S3Host({
    bucket: 'mine',
    endpointUrl: url,
    publicUrl: `${url}/mine`,
    region: 'auto',
    accessKeyId: 'key',
    secretAccessKey: 'secret',
  });
}

async function variedData(dir: string, chunks = 4096): Promise<string> {
  const path = join(dir, 'varied.bin');
  await writeFile(path, variedBytes(chunks, 5));
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

const IN_NAMESPACE = 'QUARRY_TESTS_IN_NAMESPACE';
const isAble = canMount();

/** Lives of the miner in the mixed run: each begins without weights, so that they are downloaded again. */
const LIFE_SECONDS = Math.max(15, SECONDS / 15);

describe.runIf(!isAble && process.env[IN_NAMESPACE] === undefined && hasNamespaces())('without root', () => {
  it(
    'runs these tests in a namespace where it may mount a disk that is too small',
    async () => {
      const [unshare, ...flags] = NAMESPACE;
      const vitest = join(process.cwd(), 'node_modules', 'vitest', 'vitest.mjs');
      const args = ['run', '--config', 'vitest.faults.config.ts', 'test/miner/chaos.faults.ts'];
      const child = spawn(unshare, [...flags, process.execPath, vitest, ...args], {
        env: { ...process.env, [IN_NAMESPACE]: '1' },
        stdio: 'inherit',
      });
      expect(await once(child, 'close')).toEqual([0, null]);
    },
    1_800_000 + SECONDS * 3_000,
  );
});

describe.runIf(isAble || process.env[IN_NAMESPACE] !== undefined || !hasNamespaces())(
  'the miner on a network that fails',
  () => {
    mixedFaults();
    singleFaults();
  },
);

function mixedFaults(): void {
  it(
    `agrees with the ledger to the shannon after ${SECONDS} s of mixed faults`,
    async () => {
      const port = await freePort();
      network = await startMiningNetwork({
        auditShare: 0,
        targetsPerEpoch: 20,
        // An epoch's emission is spent within seconds.
        epochMs: 8_000,
        ports: { http: port },
        modelsAt: `http://127.0.0.1:${port}/blobs`,
        chaos: {
          seed: 3,
          rates: {
            epochChange: 0.02,
            droppedStream: 0.02,
            lockConflict: 0.1,
            corruptDownload: 0.2,
            stalledDownload: 0.15,
            truncatedDownload: 0.2,
          },
          lockMs: 300,
          slowCheckpointMs: 500,
        },
      });
      const { devnet, signer, dir } = network;
      const entries = recordLedger(devnet, signer.address);
      const s3 = await startS3Server((n) => n % 7 === 1);
      const host = s3Host(s3.url);
      closers.push(
        () => s3.close(),
        () => host.close(),
      );
      const disk = isAble ? await mountSmallDisk(join(dir, 'disk'), ROOMY_BYTES) : undefined;
      if (disk !== undefined) closers.push(() => disk.close());
      const stateDir = join(disk?.dir ?? dir, 'state');
      const data = [await variedData(dir)];
      const outcomes: Record<string, number> = {};
      const modelFailures: Record<string, number> = {};
      let diskFull = 0;
      const missing = (): string[] => {
        const struck = { ...devnet.faults, s3Failure: s3.refused(), ...(disk !== undefined && { diskFull }) };
        return Object.entries(struck).flatMap(([fault, times]) => (times === 0 ? [fault] : []));
      };
      const until = performance.now() + SECONDS * 1_000;
      let lives = 0;
      // What has not happened by then gets a few lives more, on a slow machine above all.
      const tooFew = (): boolean => missing().length > 0 || !((outcomes['accepted'] ?? 0) > SECONDS / 2);
      while (performance.now() < until || (tooFew() && lives < 40)) {
        lives++;
        await rm(join(stateDir, 'weights'), { recursive: true, force: true });
        const assembled = await minerOf(network, { stateDir, data, host, untilIdle: false });
        assembled.miner.events.on('outcome', ({ outcome: { kind } }) => {
          outcomes[kind] = (outcomes[kind] ?? 0) + 1;
        });
        assembled.miner.events.on('model', ({ error }) => {
          if (error !== undefined) modelFailures[error.code] = (modelFailures[error.code] ?? 0) + 1;
        });
        const stop = new AbortController();
        const timer = setTimeout(() => stop.abort(), LIFE_SECONDS * 1_000);
        // Every second life, the disk fills up while it mines.
        const isTight = lives % 2 === 0;
        const filling = isTight ? setTimeout(() => void disk?.leave(48 * 1024).catch(() => {}), 3_000) : undefined;
        const failure = await assembled.miner.run({ signal: stop.signal }).then(
          () => undefined,
          (error: unknown) => toQuarryError(error, 'mining'),
        );
        clearTimeout(timer);
        clearTimeout(filling);
        await disk?.leave(ROOMY_BYTES);
        // Anything but the end that was asked for, or a disk that is full, is a failure.
        if (failure?.code === 'DISK_FULL' && isTight) diskFull++;
        else if (failure !== undefined) throw failure;
        else expect(stop.signal.aborted).toBe(true);
        await assembled.close();
        const ended = failure?.code ?? 'as asked';
        process.stdout.write(`life ${lives} ended ${ended}; ${JSON.stringify(outcomes)}; missing: ${missing()}\n`);
      }
      const after = await minerOf(network, { stateDir, host });
      await devnet.advanceEpoch();
      await devnet.advanceEpoch();
      await claimEverything(after);
      const faults = { ...devnet.faults, s3Failure: s3.refused(), diskFull };
      const totals = { seconds: SECONDS, lives, outcomes, modelFailures, faults };
      const fees = entries.reduce((sum, { feeShannons }) => sum + feeShannons, 0n);
      const ledger = {
        transactions: entries.length,
        fees: String(fees),
        balance: String(devnet.balanceOf(signer.address)),
      };
      process.stdout.write(`${JSON.stringify({ test: 'mixed faults', ...totals, ledger })}\n`);
      expect(missing()).toEqual([]);
      expect(outcomes['accepted']).toBeGreaterThan(SECONDS / 2);
      expectAgreement(network, entries, stateDir);
    },
    900_000 + SECONDS * 2_000,
  );
}

function singleFaults(): void {
  it('loses only the race when the epoch ends while submissions travel', async () => {
    // The first submission meets it. Were it frequent, a machine under load would live in the epoch before for ever.
    network = await startMiningNetwork({
      auditShare: 0,
      chaos: { seed: 5, rates: { ...NO_CHAOS, epochChange: 0.05 } },
    });
    const { devnet, signer, dir } = network;
    const entries = recordLedger(devnet, signer.address);
    const stateDir = join(dir, 'state');
    const assembled = await network.miner({
      stateDir,
      data: [await variedData(dir)],
      untilIdle: false,
      maxAccepted: 20,
    });
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
  });

  it('gets its models although downloads are corrupted, cut and stalled', async () => {
    const port = await freePort();
    const rates = { ...NO_CHAOS, corruptDownload: 0.25, truncatedDownload: 0.25, stalledDownload: 0.25 };
    network = await startMiningNetwork({
      auditShare: 0,
      ports: { http: port },
      modelsAt: `http://127.0.0.1:${port}/blobs`,
      chaos: { seed: 5, rates },
    });
    const assembled = await network.miner({ data: [await variedData(network.dir)], untilIdle: false, maxAccepted: 3 });
    const failures: string[] = [];
    assembled.miner.events.on('model', ({ error }) => error !== undefined && failures.push(error.code));
    expect((await assembled.miner.run()).accepted).toBeGreaterThanOrEqual(3);
    const { corruptDownload, truncatedDownload, stalledDownload } = network.devnet.faults;
    expect(corruptDownload + truncatedDownload + stalledDownload).toBeGreaterThan(0);
    const expected = ['CHECKSUM_MISMATCH', 'SIZE_MISMATCH', 'UNREACHABLE', 'TIMEOUT'];
    expect(failures.filter((code) => !expected.includes(code))).toEqual([]);
  });

  it('hosts in a bucket that answers every third request with 500', async () => {
    const s3 = await startS3Server((n) => n % 3 === 1);
    closers.push(() => s3.close());
    const host = s3Host(s3.url);
    closers.push(() => host.close());
    network = await startMiningNetwork();
    const { devnet } = network;
    const assembled = await network.miner({
      host,
      data: [await variedData(network.dir)],
      untilIdle: false,
      maxAccepted: 5,
    });
    const run = await assembled.miner.run();
    expect(run).toMatchObject({ rejected: 0, unknown: 0 });
    expect(s3.refused()).toBeGreaterThan(0);
    const { submissions } = readJournal(join(network.dir, 'state', 'journal.db'));
    for (const { checksum } of submissions) expect([...s3.objects.keys()]).toContain(`/mine/quarry/${checksum}`);
    // The auditor fetches from the bucket as well.
    await devnet.settleAudits();
    expect(devnet.verdicts.filter(({ outcome }) => outcome === 'honest').length).toBeGreaterThan(0);
  });

  it('stops when the disk is full, promises nothing it cannot write down, and goes on when there is room', async (ctx) => {
    network = await startMiningNetwork({ auditShare: 0 });
    const { devnet, signer, dir } = network;
    if (!isAble) return ctx.skip('a small file system cannot be mounted here: not root, and no user namespaces');
    const disk = await mountSmallDisk(join(dir, 'small-disk'), 1_500 * 1024);
    closers.push(() => disk.close());
    const stateDir = disk.dir;
    const entries = recordLedger(devnet, signer.address);
    const data = [await variedData(dir)];
    const full = await network.miner({ stateDir, data, untilIdle: false });
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), 300_000);
    const failure = await full.miner.run({ signal: stop.signal }).then(
      () => undefined,
      (error: unknown) => error,
    );
    clearTimeout(timer);
    expect(isAbort(failure)).toBe(false);
    expect(failure).toMatchObject({ code: 'DISK_FULL' });
    await full.close();

    await disk.leave(ROOMY_BYTES);
    // Before its disk was full the miner may have filled every target of the epoch.
    await devnet.advanceEpoch();
    const roomy = await network.miner({ stateDir, data, untilIdle: false, maxAccepted: 3 });
    await roomy.miner.run();
    await devnet.advanceEpoch();
    await devnet.advanceEpoch();
    await claimEverything(roomy);
    expectAgreement(network, entries, stateDir);
    await roomy.close();
  });

  it.for([
    ['while it scores', 4096, []],
    ['with nothing left but to submit', 1, ['--search-share', '0']],
  ] as const)('a process that mines %s waits until its disk has room, and mines on', async ([, chunks, more], ctx) => {
    network = await startMiningNetwork({ auditShare: 0 });
    const { devnet, signer, dir } = network;
    if (!isAble) return ctx.skip('a small file system cannot be mounted here: not root, and no user namespaces');
    const disk = await mountSmallDisk(join(dir, 'small-disk'), ROOMY_BYTES);
    closers.push(() => disk.close());
    const stateDir = join(disk.dir, 'state');
    const entries = recordLedger(devnet, signer.address);
    const args = ['mine', '--json', '--network', devnet.rpcUrl, '--state-dir', stateDir, '--workers', '1'];
    const data = await variedData(dir, chunks);
    const child = spawn(process.execPath, [program, ...args, '--data', data, ...more], {
      cwd: dir,
      env: { PATH: process.env['PATH'], HOME: dir, SOMA_SECRET_KEY: signer.exportSecret('hex') },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    closers.push(() => void child.kill('SIGKILL'));
    const exited = once(child, 'close');
    let told = '';
    for (const output of [child.stdout, child.stderr]) {
      output.on('data', (part) => {
        told += String(part);
      });
    }
    await expect.poll(() => told).toContain('"event":"accepted"');
    await disk.leave(0);
    await devnet.advanceEpoch();
    await expect.poll(() => told).toContain(`mining pauses until ${stateDir} can be written`);
    await disk.leave(ROOMY_BYTES);
    await expect.poll(() => told).toContain('"event":"disk"');
    await devnet.advanceEpoch();
    const before = told.length;
    await expect.poll(() => told.slice(before)).toContain('"event":"accepted"');
    child.kill('SIGINT');
    expect(await exited).toEqual([130, null]);
    await devnet.advanceEpoch();
    await devnet.advanceEpoch();
    const after = await network.miner({ stateDir, data: [data] });
    await claimEverything(after);
    expectAgreement(network, entries, stateDir);
    await after.close();
  });
}
