import { expect, it } from 'vitest';
import type { Target } from '../../../src/soma/client/index.js';
import { TargetFeed } from '../../../src/soma/client/watch/watch-targets.js';

it('remembers only so many ended targets, however long an epoch is', () => {
  const feed = new TargetFeed();
  const list = (...ids: string[]): string[] => {
    const targets = ids.map((id) => [id, { id, generationEpoch: 0n } as Target] as const);
    return [...feed.reconcile({ targets: new Map(targets), isWhole: true })].map(({ type }) => type);
  };
  expect(list('0x1')).toEqual(['opened']);
  expect(list()).toEqual(['filled']);
  expect(list('0x1')).toEqual([]);
  const others = Array.from({ length: 30_000 }, (_, n) => `0xf${n}`);
  list(...others);
  list();
  expect(list('0x1')).toEqual(['opened']);
  expect(list('0x1', others.at(-1)!)).toEqual([]);
});
