import { expect, test } from 'vitest';
import { LossWeight } from '../../src/search/loss-weight.js';

test('the loss weighs more until the model wins, and less while it leads by far', () => {
  const weight = new LossWeight(true);
  const first = weight.value;
  weight.note(-0.5);
  const more = weight.value;
  expect(more).toBeGreaterThan(first);
  weight.note(0.1);
  expect(weight.value).toBe(more);
  weight.note(0.5);
  expect(weight.value).toBeLessThan(more);
  for (let i = 0; i < 100; i++) weight.note(Number.NEGATIVE_INFINITY);
  expect(weight.value).toBeLessThanOrEqual(2);
});

test('where no other model competes, the loss does not count', () => {
  const weight = new LossWeight(false);
  weight.note(Number.POSITIVE_INFINITY);
  weight.note(-1);
  expect(weight.value).toBe(0);
});
