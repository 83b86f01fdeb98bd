import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { openStore, partsOfOrigin } from '../../src/store/index.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import { mineUntilKilled } from './killed-miner.js';
import { disagreements, readJournal, recordLedger } from './ledger-record.js';
import { type MiningNetwork, startMiningNetwork } from './network.js';

const KILLS = 4;

let network: MiningNetwork | undefined;
afterEach(() => network?.close());

/** Composed samples in the store, and how many bytes each should have by its parts. */
async function composedRows(dir: string): Promise<{ size: number; parts: number }[]> {
  const store = await openStore({ dir, embeddingDim: MODEL_CONFIGS.small.embeddingDim, readonly: true });
  try {
    return Array.from({ length: store.sampleCount }, (_, id) => store.sample(id)).flatMap(({ bytes, origin }) => {
      const parts = partsOfOrigin(origin);
      return parts === undefined ? [] : [{ size: bytes.length, parts: parts.length }];
    });
  } finally {
    await store.close();
  }
}

test('kill -9 between composing and submitting loses no composed sample and submits nothing twice', async () => {
  // So hard that a hit is nearly always composed. The host of a killed miner is away, which an auditor would call fraud.
  network = await startMiningNetwork({ initialDistanceThreshold: 0.4, targetsPerEpoch: 12, auditShare: 0 });
  const { devnet, dir, signer } = network;
  const stateDir = join(dir, 'state');
  const entries = recordLedger(devnet, signer.address);
  const args = ['--network', devnet.rpcUrl, '--state-dir', stateDir, '--data', 'synthetic:64'];
  args.push('--workers', '1', '--threads', '1', '--log-level', 'silent');
  let composed: Awaited<ReturnType<typeof composedRows>> = [];
  // On a slow machine some are killed before there is anything to lose.
  for (let kill = 0; kill < KILLS || (composed.length === 0 && kill < 4 * KILLS); kill++) {
    // A hit is told when it is offered, before its submission is signed.
    const at = { event: 'hit', count: 1 + (kill % KILLS), thenMs: 0 };
    const run = await mineUntilKilled(args, { SOMA_SECRET_KEY: signer.exportSecret() }, at);
    expect([run.killed, run.stderr]).toEqual([true, '']);
    composed = await composedRows(join(stateDir, 'store'));
  }
  expect(composed.length).toBeGreaterThan(0);
  for (const { size, parts } of composed) expect(size).toBe(1024 * parts);

  const last = await network.miner({ stateDir, data: ['synthetic:64'] });
  const summary = await last.miner.run();
  await last.close();
  expect(summary).toMatchObject({ rejected: 0, unknown: 0 });
  expect(summary.composed).toBeGreaterThan(0);
  const journal = join(stateDir, 'journal.db');
  expect(disagreements(entries, journal)).toEqual([]);
  const accepted = readJournal(journal).submissions.filter((row) => row['state'] === 'accepted');
  expect(new Set(accepted.map((row) => row['target_id'])).size).toBe(accepted.length);
  expect(entries.filter(({ kind, succeeded }) => kind === 'submitData' && succeeded)).toHaveLength(accepted.length);
}, 480_000);
