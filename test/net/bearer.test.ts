import { expect, test } from 'vitest';
import { bearerMatches } from '../../src/net/index.js';

test('a bearer token matches whole, and nothing else does', () => {
  expect(bearerMatches('Bearer token', 'token')).toBe(true);
  for (const header of [undefined, '', 'token', 'Bearer toke', 'Bearer token2', 'bearer token', 'Bearer nekot']) {
    expect(bearerMatches(header, 'token')).toBe(false);
  }
});
