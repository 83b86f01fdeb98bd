import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { partsOfOrigin } from '../../src/store/index.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import { type MiningNetwork, type MiningNetworkOptions, startMiningNetwork } from './network.js';

/** Composed submissions; 1,000 by the environment, for a long run. */
const COUNT = Number(process.env['QUARRY_COMPOSED'] ?? 20);
/** Folder with medium-trained-1.safetensors to -3. */
const MODELS = process.env['QUARRY_BENCH_MODELS'];
const FILES = [1, 2, 3].map((n) => join(MODELS ?? '', `medium-trained-${n}.safetensors`));
const ABSENT = MODELS === undefined || !FILES.every((file) => existsSync(file));
/** Submissions of one epoch at most: the bonds of two epochs are out at a time. */
const PER_EPOCH = 100;

let network: MiningNetwork | undefined;
afterEach(() => network?.close());

/** Mines epoch by epoch until so many composed submissions were accepted, each submission being audited. */
async function mineComposed(options: MiningNetworkOptions): Promise<void> {
  network = await startMiningNetwork({ targetsPerEpoch: 50, auditShare: 1, auditWaitMs: 7_200_000, ...options });
  const { devnet } = network;
  const accepted: string[] = [];
  const composed = (): string[] => accepted.filter((origin) => partsOfOrigin(origin) !== undefined);
  let wrong = 0;
  for (let run = 0; composed().length < COUNT && run < COUNT; run++) {
    const assembled = await network.miner({
      data: ['synthetic:512'],
      maxAccepted: Math.min(PER_EPOCH, COUNT),
      searchShare: 0,
    });
    assembled.miner.events.on('outcome', ({ outcome, origin }) => {
      if (outcome.kind === 'accepted') accepted.push(origin);
    });
    const { rejected, unknown } = await assembled.miner.run();
    wrong += rejected + unknown;
    await assembled.close();
    await devnet.settleAudits();
    await devnet.advanceEpoch();
    const parts = composed().reduce((sum, origin) => sum + partsOfOrigin(origin)!.length, 0);
    process.stdout.write(
      `${composed().length} composed of ${accepted.length} accepted, of ${(parts / composed().length).toFixed(1)} parts each, ` +
        `${new Set(composed()).size} different; ${devnet.verdicts.length} audited, ${wrong} rejected or unknown\n`,
    );
    expect(devnet.verdicts.filter(({ outcome }) => outcome !== 'honest')).toEqual([]);
  }
  expect(composed().length).toBeGreaterThanOrEqual(COUNT);
  expect(wrong).toBe(0);
  expect(devnet.verdicts).toHaveLength(accepted.length);
}

test(`${COUNT} composed submissions under random models: none reported, none rejected`, {
  timeout: 120_000 + COUNT * 90_000,
}, async () => {
  // So hard that a single sample hardly ever hits.
  await mineComposed({ initialDistanceThreshold: 0.4 });
});

test.skipIf(ABSENT)(
  `${COUNT} composed submissions under three trained models (QUARRY_BENCH_MODELS): none reported, none rejected`,
  { timeout: 120_000 + COUNT * 90_000 },
  async () => {
    await mineComposed({
      // z = 2.27, the protocol's hardest.
      initialDistanceThreshold: 1 - 2.27 / 16,
      weights: { bytes: await Promise.all(FILES.map((file) => readFile(file))), config: MODEL_CONFIGS.medium },
      auditEngine: 'onnx',
    });
  },
);
