import { join } from 'node:path';
import { expect, it } from 'vitest';
import { hasNatsServer } from '../../bench/nats-server.js';
import { ModelShelf, ScoringService, ServedScores, serveScoring } from '../../src/fleet/index.js';
import { HttpClient, PUBLIC_AND_LOOPBACK } from '../../src/net/index.js';
import { ScoringClient } from '../../src/soma/services/index.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';
import { FleetRig } from './fleet-rig.js';
import { scoreRequest } from './score-request.js';

const rig = new FleetRig();
const target = Float32Array.from({ length: MODEL_CONFIGS.small.embeddingDim }, (_, i) => Math.sin(i + 1));

it.skipIf(!hasNatsServer)('the Scoring service drops the scores of a scorer that is found to lie', async () => {
  const liar = await rig.startScorer({ change: (score) => ({ ...score, loss: score.loss - 1 }) });
  let checks = 0;
  const engine = await rig.openEngine({ verifyShare: 0.5, random: () => (checks > 0 ? 0 : 1) });
  const http = new HttpClient({ addressPolicy: PUBLIC_AND_LOOPBACK });
  const scores = join(rig.dir, 'scores');
  const kept = await ServedScores.open({
    dir: scores,
    mostBytes: 2 ** 26,
    onWarning: (error) => rig.warnings.push(error),
  });
  const models = new ModelShelf(
    { most: 2 },
    {
      weights: rig.cache(),
      engineFor: async () => engine,
      onWithdrawn: (manifest, checksums) => void service.withdraw(manifest, checksums),
    },
  );
  const limits = { maxDataBytes: 4096, maxModels: 4, batch: 16, remembered: 100 };
  const service: ScoringService = new ScoringService(limits, { models, http, kept });
  const serving = await serveScoring({ host: '127.0.0.1', port: 0 }, service);
  const client = new ScoringClient({ url: serving.url });
  rig.closers.push(async () => {
    client.close();
    await serving.close();
    await models.close();
    await kept.close();
    await http.close();
  });
  const ask = (text: string) => {
    const bytes = new TextEncoder().encode(text);
    const request = scoreRequest(rig.published, text, bytes, target);
    return client.score({ ...request, models: request.models.slice(0, 1) });
  };
  const truth = async (text: string): Promise<number> =>
    Math.fround((await rig.truth([new TextEncoder().encode(text)]))[0]!.loss);
  // Nothing is checked: the lie is believed, and answered again.
  const [first, second] = [await ask('believed'), await ask('believed')];
  expect(first.loss).toBeLessThan(await truth('believed'));
  expect(second).toEqual(first);
  checks = 1;
  expect((await ask('checked')).loss).toBeCloseTo(await truth('checked'), 4);
  const again = ask('believed');
  await expect(liar.ended).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
  await rig.startScorer();
  expect((await again).loss).toBeCloseTo(await truth('believed'), 4);
});
