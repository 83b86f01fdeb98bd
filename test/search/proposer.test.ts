import { expect, test } from 'vitest';
import { drawsOf } from '../../src/search/draw.js';
import { Proposer } from '../../src/search/proposer.js';

const LENGTH = 64;
const bytes = new Uint8Array(LENGTH).fill(7);
const AIM = { from: Float64Array.of(1, 1), embedding: Float32Array.of(1, 0) };

/** A gradient that favours one byte, most at the end of the chunk. */
function favouring(byte: number): Float32Array {
  const gradient = new Float32Array(LENGTH * 256);
  for (let i = 0; i < LENGTH; i++) gradient[i * 256 + byte] = 1 + i;
  return gradient;
}

function changed(proposal: { readonly bytes: Uint8Array }): number[] {
  return [...proposal.bytes.keys()].filter((i) => proposal.bytes[i] !== bytes[i]);
}

test('proposals put favoured bytes where they gain most, few and many at a time', () => {
  const proposals = new Proposer(drawsOf(1n)).propose(bytes, favouring(200), 12, [], AIM);
  expect(proposals).toHaveLength(12);
  const [few, some] = proposals.map(changed);
  expect(few).toEqual([62, 63]);
  expect(some).toHaveLength(8);
  const values = new Set(proposals.slice(0, 2).flatMap((each) => changed(each).map((i) => each.bytes[i])));
  expect([...values]).toEqual([200]);
  expect(bytes.every((byte) => byte === 7)).toBe(true);
});

test('stretches of other chunks are taken over', () => {
  const donor = new Uint8Array(LENGTH).fill(99);
  const proposals = new Proposer(drawsOf(1n)).propose(bytes, favouring(200), 40, [donor], AIM);
  const pasted = proposals.filter(
    (each) => changed(each).every((i) => each.bytes[i] === 99) && changed(each).length > 0,
  );
  expect(pasted.length).toBeGreaterThan(3);
  for (const each of pasted) {
    const at = changed(each);
    expect(at.at(-1)! - at[0]!).toBe(at.length - 1);
  }
  expect(
    new Proposer(drawsOf(1n)).propose(bytes, favouring(200), 40, [], AIM).some((each) => each.bytes.includes(99)),
  ).toBe(false);
});

test('the first proposals are blends of a composition, each chunk as long as its share and where it lies there', () => {
  const [one, other] = [10, 100].map((first) => Uint8Array.from({ length: LENGTH }, (_, i) => first + i));
  const donors = [one!, one!, one!, other!];
  const proposer = new Proposer(drawsOf(1n));
  const isBlend = ({ edit }: { readonly edit?: unknown }): boolean => edit === undefined;
  const blends = proposer.propose(bytes, favouring(200), 12, donors, AIM).filter(isBlend);
  expect(blends).toHaveLength(8);
  for (const blend of blends) {
    for (const [i, byte] of blend.bytes.entries()) expect([one![i], other![i]]).toContain(byte);
    expect(blend.bytes.filter((byte, i) => byte === one![i])).toHaveLength((3 * LENGTH) / 4);
  }
  expect(new Set(blends.map((blend) => blend.bytes.join())).size).toBeGreaterThan(2);
  expect(proposer.propose(bytes, favouring(200), 12, donors, AIM).filter(isBlend)).toHaveLength(0);
  // Of one chunk there is nothing to blend.
  expect(new Proposer(drawsOf(1n)).propose(bytes, favouring(200), 12, [one!, one!], AIM).filter(isBlend)).toHaveLength(
    0,
  );
});

test('a blend that helps most leaves steps as large as they were', () => {
  const proposer = new Proposer(drawsOf(1n));
  const [, before] = proposer.propose(bytes, favouring(200), 3, [], AIM);
  const judged = [
    { bytes, cosine: 0.9, change: Float64Array.of(0, 0) },
    { bytes, edit: new Map([[1, 2]]), cosine: 0.8, change: Float64Array.of(0, 0) },
  ];
  proposer.learn(judged, 0.5);
  const [few, some] = proposer.propose(bytes, favouring(200), 3, [], AIM);
  expect(changed(few!)).toHaveLength(2);
  expect(changed(some!)).toEqual(changed(before!));
});

test('edits of the last steps are put together in one proposal, and steps become as large as what helped', () => {
  const proposer = new Proposer(drawsOf(1n));
  const edit = (from: number, to: number, byte: number) =>
    new Map(Array.from({ length: to - from }, (_, i) => [from + i, byte]));
  proposer.propose(bytes, favouring(200), 3, [], AIM);
  proposer.learn(
    [
      { bytes, edit: edit(0, 2, 1), cosine: 0.9, change: Float64Array.of(0.5, 0) },
      { bytes, edit: edit(10, 12, 3), cosine: 0.7, change: Float64Array.of(0, -0.5) },
      { bytes, edit: edit(20, 30, 4), cosine: 0.4, change: Float64Array.of(-1, 1) },
    ],
    0.5,
  );
  const [together, , few] = proposer.propose(bytes, favouring(200), 6, [], AIM);
  expect(changed(together!)).toEqual([0, 1, 10, 11]);
  // The root of 8 times 2, a quarter of it.
  expect(changed(few!)).toHaveLength(1);
  const steps = Array.from({ length: 8 }, () => {
    proposer.learn([], 0.5);
    return proposer.propose(bytes, favouring(200), 3, [], AIM)[0]!;
  });
  expect(steps.map((each) => changed(each).includes(10))).toEqual([...Array(7).fill(true), false]);
});

test('steps shrink as long as nothing helps', () => {
  const proposer = new Proposer(drawsOf(1n));
  const sizes: number[] = [];
  for (let step = 0; step < 4; step++) {
    const proposals = proposer.propose(bytes, favouring(200), 3, [], AIM);
    sizes.push(changed(proposals[1]!).length);
    proposer.learn(
      proposals.map((each) => ({ ...each, cosine: 0, change: Float64Array.of(0, 0) })),
      0,
    );
  }
  expect(sizes).toEqual([8, 4, 2, 2]);
});
