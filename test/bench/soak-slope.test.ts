import { expect, it } from 'vitest';
import { floors, slopePerHour } from '../../bench/soak-slope.js';

const looks = (value: (n: number) => number) =>
  Array.from({ length: 80 }, (_, n) => ({ atMs: n * 60_000, value: value(n) }));

it('the floor stays where memory comes and goes, although its slope is steep, and rises with a leak', () => {
  // Garbage, collected every quarter of an hour.
  const busy = (n: number): number => 100 + 2 * (n % 15);
  const [third, fourth] = floors(looks(busy));
  expect(Math.abs(fourth - third)).toBeLessThan(2);
  expect(slopePerHour(looks(busy).slice(-20, -5))).toBeGreaterThan(20);
  const [low, high] = floors(looks((n) => busy(n) + n));
  expect(high - low).toBeGreaterThan(14);
});
