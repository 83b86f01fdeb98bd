import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { partsOfOrigin } from '../../src/store/index.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import { type MiningNetwork, startMiningNetwork } from './network.js';

/** Composed submissions, each audited by the reference, chunk by chunk. 1,000 by the environment, for a long run. */
const COUNT = Number(process.env['QUARRY_COMPOSED'] ?? 5);
/** Folder with medium-trained-1.safetensors to -3, whose audits take minutes each. Default: three small random models. */
const MODELS = process.env['QUARRY_BENCH_MODELS'];
/** So hard that a single sample hardly ever hits: z of 2.4 at width 16, 2.27 at 256. */
const THRESHOLD = MODELS === undefined ? 0.4 : 1 - 2.27 / 16;

let network: MiningNetwork | undefined;
afterEach(() => network?.close());

test(`${COUNT} composed submissions at full audit: none reported, none rejected`, {
  timeout: 120_000 + COUNT * (MODELS === undefined ? 90_000 : 600_000),
}, async () => {
  const files = MODELS === undefined ? [] : [1, 2, 3].map((n) => join(MODELS, `medium-trained-${n}.safetensors`));
  network = await startMiningNetwork({
    initialDistanceThreshold: THRESHOLD,
    targetsPerEpoch: 50,
    auditShare: 1,
    auditWaitMs: 600_000,
    ...(files.length > 0 && {
      weights: { bytes: await Promise.all(files.map((file) => readFile(file))), config: MODEL_CONFIGS.medium },
    }),
  });
  const { devnet } = network;
  const origins: string[] = [];
  let wrong = 0;
  const composed = (): number => origins.filter((origin) => partsOfOrigin(origin) !== undefined).length;
  for (let run = 0; composed() < COUNT && run < COUNT; run++) {
    const assembled = await network.miner({ data: ['synthetic:512'], maxAccepted: Math.min(50, COUNT) });
    assembled.miner.events.on('outcome', ({ outcome, origin }) => {
      if (outcome.kind === 'accepted') origins.push(origin);
    });
    const { rejected, unknown } = await assembled.miner.run();
    wrong += rejected + unknown;
    await assembled.close();
    await devnet.settleAudits();
    await devnet.advanceEpoch();
  }
  expect(composed()).toBeGreaterThanOrEqual(COUNT);
  expect(wrong).toBe(0);
  expect(devnet.verdicts).toHaveLength(origins.length);
  expect(devnet.verdicts.filter(({ outcome }) => outcome !== 'honest')).toEqual([]);
  process.stdout.write(
    `${composed()} composed of ${origins.length} submissions, ${devnet.verdicts.length} audited honest\n`,
  );
});
