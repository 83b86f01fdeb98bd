import { expect, test } from 'vitest';
import { drawsOf } from '../../src/search/draw.js';
import { Proposer } from '../../src/search/proposer.js';

const LENGTH = 64;
const bytes = new Uint8Array(LENGTH).fill(7);

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
  const proposals = new Proposer(drawsOf(1n)).propose(bytes, favouring(200), 12, []);
  expect(proposals).toHaveLength(12);
  const [few, some, many] = proposals.map(changed);
  expect(few).toEqual([62, 63]);
  expect(some).toHaveLength(8);
  expect(many).toHaveLength(32);
  const values = new Set(proposals.slice(0, 3).flatMap((each) => changed(each).map((i) => each.bytes[i])));
  expect([...values]).toEqual([200]);
  expect(bytes.every((byte) => byte === 7)).toBe(true);
});

test('stretches of other chunks are taken over', () => {
  const donor = new Uint8Array(LENGTH).fill(99);
  const proposals = new Proposer(drawsOf(1n)).propose(bytes, favouring(200), 40, [donor]);
  const pasted = proposals.filter(
    (each) => changed(each).every((i) => each.bytes[i] === 99) && changed(each).length > 0,
  );
  expect(pasted.length).toBeGreaterThan(3);
  for (const each of pasted) {
    const at = changed(each);
    expect(at.at(-1)! - at[0]!).toBe(at.length - 1);
  }
  expect(new Proposer(drawsOf(1n)).propose(bytes, favouring(200), 40, []).some((each) => each.bytes.includes(99))).toBe(
    false,
  );
});

test('the first proposals are blends of a composition, each chunk as long as its share and where it lies there', () => {
  const [one, other] = [10, 100].map((first) => Uint8Array.from({ length: LENGTH }, (_, i) => first + i));
  const donors = [one!, one!, one!, other!];
  const proposer = new Proposer(drawsOf(1n));
  const isBlend = ({ edit }: { readonly edit?: unknown }): boolean => edit === undefined;
  const blends = proposer.propose(bytes, favouring(200), 12, donors).filter(isBlend);
  expect(blends).toHaveLength(8);
  for (const blend of blends) {
    for (const [i, byte] of blend.bytes.entries()) expect([one![i], other![i]]).toContain(byte);
    expect(blend.bytes.filter((byte, i) => byte === one![i])).toHaveLength((3 * LENGTH) / 4);
  }
  expect(new Set(blends.map((blend) => blend.bytes.join())).size).toBeGreaterThan(2);
  expect(proposer.propose(bytes, favouring(200), 12, donors).filter(isBlend)).toHaveLength(0);
  // Of one chunk there is nothing to blend.
  expect(new Proposer(drawsOf(1n)).propose(bytes, favouring(200), 12, [one!, one!]).filter(isBlend)).toHaveLength(0);
});

test('a blend that helps most leaves steps as large as they were', () => {
  const proposer = new Proposer(drawsOf(1n));
  const [, before] = proposer.propose(bytes, favouring(200), 3, []);
  const judged = [
    { bytes, cosine: 0.9 },
    { bytes, edit: new Map([[1, 2]]), cosine: 0.8 },
  ];
  proposer.learn(judged, 0.5);
  const [few, some] = proposer.propose(bytes, favouring(200), 3, []);
  expect(changed(few!)).toHaveLength(2);
  expect(changed(some!)).toEqual(changed(before!));
});

test('what helped beside the best is tried on top of it, and steps become as large as what helped', () => {
  const proposer = new Proposer(drawsOf(1n));
  const edit = (from: number, to: number, byte: number) =>
    new Map(Array.from({ length: to - from }, (_, i) => [from + i, byte]));
  proposer.propose(bytes, favouring(200), 3, []);
  proposer.learn(
    [
      { bytes, edit: edit(0, 2, 1), cosine: 0.9 },
      { bytes, edit: edit(1, 5, 2), cosine: 0.8 },
      { bytes, edit: edit(10, 12, 3), cosine: 0.7 },
      { bytes, edit: edit(20, 30, 4), cosine: 0.4 },
    ],
    0.5,
  );
  const [second, all, few] = proposer.propose(bytes, favouring(200), 6, []);
  expect(changed(second!)).toEqual([2, 3, 4]);
  expect(changed(all!)).toEqual([2, 3, 4, 10, 11]);
  // The root of 8 times 2, a quarter of it.
  expect(changed(few!)).toHaveLength(1);
});

test('steps shrink as long as nothing helps', () => {
  const proposer = new Proposer(drawsOf(1n));
  const sizes: number[] = [];
  for (let step = 0; step < 4; step++) {
    const proposals = proposer.propose(bytes, favouring(200), 3, []);
    sizes.push(changed(proposals[1]!).length);
    proposer.learn(
      proposals.map((each) => ({ ...each, cosine: 0 })),
      0,
    );
  }
  expect(sizes).toEqual([8, 4, 2, 2]);
});
