import { expect, test } from 'vitest';
import { run } from '../../bench/rounding.js';
import { roundBf16, roundInt8 } from '../../bench/rounding-formats.js';
import { toBf16 } from '../../src/engine/embedding-rows.js';

test('rounds to bf16 as engines do, and to int8 with a scale a row of inputs and a column of weights', () => {
  const x = Float32Array.of(1, -3.3, 1e-3, 65_537, 0, -0.0078125);
  const words = new Uint32Array(roundBf16.inputs(x, 3).buffer);
  expect([...words].map((word) => word >>> 16)).toEqual([...toBf16(x)]);
  const inputs = roundInt8.inputs(Float32Array.of(127, 1.4, -2.6, 0, 0, 0), 3);
  expect([...inputs]).toEqual([127, 1, -3, 0, 0, 0]);
  const weights = roundInt8.weights(Float32Array.of(127, 254, 0.6, 2.6), 2);
  expect([...weights]).toEqual([127, 254, 1, 2]);
});

test('int8 errs more than bf16, and says what it skips', async () => {
  const results = [];
  for await (const result of run({ quick: true })) results.push(result);
  const [bf16, feedForward, int8, trained] = results;
  expect([bf16, feedForward, int8].map((result) => result?.precision)).toEqual(['bf16', 'int8 feed-forward', 'int8']);
  expect(int8!.value).toBeGreaterThan(bf16!.value!);
  for (const { value, error } of [bf16!, feedForward!, int8!]) expect(error).toBeLessThanOrEqual(value!);
  expect(trained).toMatchObject({ case: 'three-medium-trained', note: expect.stringContaining('no --models-dir') });
}, 240_000);
