import { expect, test } from 'vitest';
import { AuditScorer } from '../../../src/devnet/soma/audit/audit-scorer.js';
import { generateWeightsBytes } from '../../../src/weights/generate.js';
import { MODEL_CONFIGS } from '../../../src/weights/model-config.js';

test('audits score with the engine that is asked for, and both say the same of a sample', async () => {
  const weights = generateWeightsBytes(MODEL_CONFIGS.small, 5n);
  const sample = Uint8Array.from({ length: 2000 }, (_, i) => (i * 31) % 251);
  const [js, onnx] = await Promise.all(
    (['js', 'onnx'] as const).map(async (engine) => {
      const scorer = new AuditScorer(MODEL_CONFIGS.small, engine);
      const score = await scorer.score('sample', sample, 'model', weights);
      await scorer.close();
      return score;
    }),
  );
  expect(onnx!.loss).toBeCloseTo(js!.loss, 4);
  for (const [i, value] of onnx!.embedding.entries()) expect(value).toBeCloseTo(js!.embedding[i]!, 3);
  // They add in different orders.
  expect(onnx!.embedding).not.toEqual(js!.embedding);
}, 120_000);
