import { describe, expect, it } from 'vitest';
import { OpenTargets } from '../../src/miner/feed/open-targets.js';
import type { Target } from '../../src/soma/client/decode/target.js';
import { MAX_OPEN_TARGETS } from '../../src/soma/client/read/list-targets.js';

const target = (id: string, modelIds: readonly string[] = ['a'], generationEpoch = 1n): Target => ({
  id,
  status: 'open',
  embedding: Float32Array.of(1),
  modelIds,
  distanceThreshold: 1,
  rewardPoolShannons: 1n,
  generationEpoch,
  bondShannons: 0n,
});

function opened(...targets: readonly Target[]): OpenTargets {
  const book = new OpenTargets();
  for (const each of targets) book.add(each, 7);
  return book;
}
const idsOf = (book: OpenTargets): string[] => book.available.map((open) => open.target.id);

describe('open targets', () => {
  it('are known once, with the moment they were first seen', () => {
    const book = opened(target('0x1'));
    expect(book.add(target('0x1'), 99)).toBe(false);
    expect(book.get('0x1')?.seenAt).toBe(7);
    expect(book.size).toBe(1);
  });

  it('are as many as a network may have, and no more', () => {
    const book = new OpenTargets();
    for (let n = 0; n < MAX_OPEN_TARGETS; n++) book.add(target(`0x${n}`), 7);
    expect(book.add(target('0xmore'), 7)).toBe(false);
    expect(book.size).toBe(MAX_OPEN_TARGETS);
    book.remove('0x5');
    expect(book.add(target('0xmore'), 7)).toBe(true);
  });

  it('are reserved for one submission at a time', () => {
    const book = opened(target('0x1'), target('0x2'));
    expect([book.reserve('0x1'), book.reserve('0x1'), book.reserve('0x9')]).toEqual([true, false, false]);
    expect(idsOf(book)).toEqual(['0x2']);
    book.release('0x1');
    expect(idsOf(book)).toEqual(['0x1', '0x2']);
  });

  it('tell once that one was given back or refused a sample, and not of one that is gone', () => {
    const book = opened(target('0x1'));
    book.reserve('0x1');
    expect(book.takeReleased()).toBe(false);
    book.release('0x1');
    expect([book.takeReleased(), book.takeReleased()]).toEqual([true, false]);
    book.exclude('0x1', 3);
    expect([book.takeReleased(), [...book.excluded('0x1')!]]).toEqual([true, [3]]);
    book.reserve('0x1');
    book.remove('0x1');
    book.release('0x1');
    book.exclude('0x1', 4);
    expect([book.takeReleased(), book.excluded('0x1')]).toEqual([false, undefined]);
  });

  it('go with their epoch, and when the node no longer lists them', () => {
    const book = opened(target('0x1', ['a'], 1n), target('0x2', ['a'], 2n), target('0x3', ['a'], 2n));
    expect(book.expireBefore(2n).map(({ id }) => id)).toEqual(['0x1']);
    book.keepOnly(new Set(['0x3', '0x8']));
    expect([...book.targets()].map(({ id }) => id)).toEqual(['0x3']);
  });

  it('ask for the models they name, or only where all of a target are known', () => {
    const book = opened(target('0x1', ['a', 'b']), target('0x2', ['a']), target('0x3', ['c']));
    expect(book.demand()).toEqual(
      new Map([
        ['a', 2],
        ['b', 1],
        ['c', 1],
      ]),
    );
    expect(book.demand(new Set(['a', 'c']))).toEqual(
      new Map([
        ['a', 1],
        ['c', 1],
      ]),
    );
  });
});
