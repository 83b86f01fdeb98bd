import { expect, it } from 'vitest';
import { parseJson } from '../../src/text/parse-json.js';

it('refuses what would overflow the stack of whoever walks it, and nothing that APIs send', () => {
  const nested = (levels: number): string => `${'{"a":['.repeat(levels / 2)}1${']}'.repeat(levels / 2)}`;
  expect(parseJson('{"a":[1,"b",null]}')).toEqual({ a: [1, 'b', null] });
  expect(JSON.stringify(parseJson(nested(1_000)))).toBe(nested(1_000));
  for (const text of [nested(1_002), nested(200_000), '{', '']) expect(() => parseJson(text)).toThrow(SyntaxError);
});
