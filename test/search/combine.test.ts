import { expect, test } from 'vitest';
import { combined, type TriedEdit } from '../../src/search/combine.js';
import { drawsOf } from '../../src/search/draw.js';

const bytes = new Uint8Array(64).fill(7);
const embedding = Float32Array.of(1, 0);
const AIM = { from: Float64Array.of(1, 0), embedding };

function tried(places: readonly number[], byte: number, change: readonly number[]): TriedEdit {
  return { edit: new Map(places.map((at) => [at, byte])), change: Float64Array.from(change) };
}

/** The changed places with their bytes, in order. */
function of(edits: readonly TriedEdit[], aim = AIM, most = 8): [number, number][] {
  return [...combined(bytes, edits, aim, drawsOf(1n), most)].sort(([a], [b]) => a - b);
}

test('an edit that leads astray alone is taken where it cancels what another does in passing', () => {
  const aim = { from: Float64Array.of(1, 0, 1), embedding: Float32Array.of(1, 0, 0) };
  const up = tried([1, 2], 65, [0.5, 1, 0]);
  const down = tried([3, 4], 66, [0, -1, 0]);
  expect(of([down], aim)).toEqual([]);
  expect(of([up, down, tried([5], 67, [-1, 1, 1])], aim).map(([at]) => at)).toEqual([1, 2, 3, 4]);
});

test('an edit that goes too far is taken in part', () => {
  const from = Float64Array.of(1, 0.1);
  const far = tried([1, 2, 3, 4, 5, 6, 7, 8], 65, [0, -0.5]);
  expect(of([far], { from, embedding })).toHaveLength(2);
});

test('places that changed already, or that another edit took, are left alone', () => {
  const from = Float64Array.of(1, 1);
  const better = tried([1, 2], 65, [1, 0]);
  const worse = tried([2, 3], 66, [0.4, 0]);
  expect(of([worse, better], { from, embedding })).toEqual([
    [1, 65],
    [2, 65],
    [3, 66],
  ]);
  expect(of([tried([1], 7, [1, 0])], { from, embedding })).toEqual([]);
  expect(of([worse, better], { from, embedding }, 1)).toHaveLength(2);
});
