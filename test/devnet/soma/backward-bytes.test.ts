import { expect, it } from 'vitest';
import { BackwardBytes } from '../../../src/devnet/soma/rpc/backward-bytes.js';

it('grows byte by byte, and starts again', () => {
  const out = new BackwardBytes();
  const backwards: number[] = [];
  for (let n = 0; n < 40_000; n++) {
    out.varint(n % 100);
    backwards.push(n % 100);
    expect(out.length).toBe(n + 1);
  }
  const written = out.copy();
  const expected = Buffer.from(backwards.toReversed());
  expect(written.equals(expected)).toBe(true);
  out.clear();
  expect(out.copy()).toHaveLength(0);
  out.text('aä');
  expect(out.copy()).toEqual(Buffer.from('aä'));
  expect(written.equals(expected)).toBe(true);
});
