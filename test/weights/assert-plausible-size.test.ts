import { expect, test } from 'vitest';
import { assertPlausibleSize } from '../../src/weights/assert-plausible-size.js';
import { generateWeightsBytes } from '../../src/weights/generate.js';
import { MODEL_CONFIGS } from '../../src/weights/model-config.js';

const config = MODEL_CONFIGS.small;

test('weights of the shape are plausible, and terabytes are refused before they are fetched', () => {
  assertPlausibleSize({ sizeBytes: generateWeightsBytes(config, 1n).length }, config);
  expect(() => assertPlausibleSize({ sizeBytes: 2 ** 40 }, config)).toThrowError(
    expect.objectContaining({ code: 'WEIGHTS_INVALID', details: expect.objectContaining({ sizeBytes: 2 ** 40 }) }),
  );
});
