import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { freePort } from '../../bench/free-port.js';
import { variedBytes } from '../../bench/varied-bytes.js';
import { seededRandom } from '../../src/devnet/soma/seeded-random.js';
import { Keypair } from '../../src/soma/chain/index.js';
import { openStore, verifyStore } from '../../src/store/index.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import { type KillPoint, mineUntilKilled } from './killed-miner.js';
import { disagreements, type LedgerEntry, readJournal, recordLedger, sumOf } from './ledger-record.js';
import { type MiningNetwork, startMiningNetwork } from './network.js';

/** Kills in all, shared by the lanes. More by the environment, for a long run. */
const KILLS = Number(process.env['QUARRY_KILLS'] ?? 50);
/** Miners at work at once, each with a key and a state directory of its own: they race each other as well. */
const LANES = 2;
const SEED = Number(process.env['QUARRY_KILL_SEED'] ?? 20_261_123);
const FUNDED = 2_000_000_000n;

let network: MiningNetwork | undefined;
afterEach(() => network?.close());

interface Lane {
  readonly name: string;
  readonly key: Keypair;
  readonly stateDir: string;
  readonly entries: LedgerEntry[];
}

/** Some kills fall before there is anything to lose, some at a random time under load, some as a line is printed. */
function killPoint(random: () => number): KillPoint {
  const dice = random();
  if (dice < 0.1) return { afterSpawnMs: 300 + random() * 1_500 };
  if (dice < 0.5) return { event: 'hit', count: 1, thenMs: random() * 300 };
  const event = (['hit', 'accepted', 'hit', 'claimed'] as const)[Math.floor(random() * 4)]!;
  return { event, count: 1 + Math.floor(random() * (event === 'claimed' ? 3 : 12)), thenMs: 0 };
}

test(`after ${KILLS} kills at random points, nothing was scored, submitted or claimed twice, and nothing forgotten`, {
  timeout: 30_000 + KILLS * 84_000,
}, async () => {
  const keys = Array.from({ length: LANES }, () => Keypair.generate());
  network = await startMiningNetwork({
    // The host of a killed miner is away, which an auditor would call fraud.
    auditShare: 0,
    targetsPerEpoch: 30,
    accounts: keys.map(({ address }) => ({ address, coins: [FUNDED] })),
  });
  const { devnet, dir } = network;
  const data = join(dir, 'varied.bin');
  await writeFile(data, variedBytes(4096, 5));
  const lanes = keys.map((key, n): Lane => {
    const name = `lane ${n}`;
    return { name, key, stateDir: join(dir, name), entries: recordLedger(devnet, key.address) };
  });
  const random = seededRandom(SEED);
  let kills = 0;
  let failures = '';
  const succeeded = (kind: string): number =>
    lanes.flatMap(({ entries }) => entries.filter((entry) => entry.succeeded && entry.kind === kind)).length;
  // Otherwise the kills hit idle processes; on a slow machine it takes more of them.
  const isIdle = (): boolean => succeeded('submitData') <= KILLS || succeeded('claimRewards') <= KILLS / 4;
  await Promise.all(
    lanes.map(async ({ key, stateDir }) => {
      const args = ['--network', devnet.rpcUrl, '--state-dir', stateDir, '--data', data];
      args.push('--host-port', String(await freePort()), '--workers', '1', '--threads', '1', '--log-level', 'silent');
      while ((kills < KILLS || (isIdle() && kills < 4 * KILLS)) && failures === '') {
        const run = await mineUntilKilled(args, { SOMA_SECRET_KEY: key.exportSecret() }, killPoint(random));
        if (!run.killed || run.stderr !== '') failures += `${run.stderr}\n${JSON.stringify(run.events)}\n`;
        kills++;
        if (kills % 4 === 0) await devnet.advanceEpoch();
      }
    }),
  );
  expect(failures).toBe('');
  expect(kills).toBeGreaterThanOrEqual(KILLS);
  expect(isIdle()).toBe(false);

  for (const { key, stateDir } of lanes) await claimAll(network, key, stateDir);
  await devnet.advanceEpoch();
  await devnet.advanceEpoch();
  for (const lane of lanes) {
    const { key, stateDir, entries, name } = lane;
    await claimAll(network, key, stateDir);
    const journal = join(stateDir, 'journal.db');
    expect(disagreements(entries, journal), name).toEqual([]);
    const { submissions, claims } = readJournal(journal);
    const accepted = submissions.filter((row) => row['state'] === 'accepted');
    const own = claims.filter((row) => row['own'] === 1);
    expect(new Set(own.map((row) => row['target_id'])), name).toEqual(new Set(accepted.map((row) => row['target_id'])));
    expect(
      own.every((row) => row['state'] === 'claimed'),
      name,
    ).toBe(true);
    const fees = entries.reduce((sum, entry) => sum + entry.feeShannons, 0n);
    const earned = sumOf(claims, 'received') - sumOf(accepted, 'bond');
    expect(devnet.balanceOf(key.address), name).toBe(FUNDED + earned - fees);
    await expectScoredOnce(join(stateDir, 'store'), name);
  }
});

/** Settles what is open and claims what is due, in a process that is not killed. */
async function claimAll({ miner }: MiningNetwork, signer: Keypair, stateDir: string): Promise<void> {
  const assembled = await miner({ signer, stateDir });
  await assembled.miner.claim();
  await assembled.close();
}

/** Every sample has at most one score of a precision under a model, and the files are whole. */
async function expectScoredOnce(dir: string, name: string): Promise<void> {
  const store = await openStore({ dir, embeddingDim: MODEL_CONFIGS.small.embeddingDim });
  try {
    expect((await verifyStore(store)).faults, name).toEqual([]);
    expect(store.models, name).toHaveLength(3);
    for (const log of store.internals.logs.values()) {
      const seen = new Set<string>();
      for (let row = 0; row < log.count; row++) seen.add(`${log.samples.array[row]} ${log.precision(row)}`);
      expect(seen.size, `${name}: rows of ${log.key.checksum}`).toBe(log.count);
    }
  } finally {
    await store.close();
  }
}
