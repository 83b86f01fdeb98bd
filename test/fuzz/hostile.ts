/** What parsers of lengths, counts and offsets trip over. */
export const HOSTILE_NUMBERS = [
  0n,
  1n,
  127n,
  128n,
  255n,
  65_535n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
] as const;

/** Text that has a meaning somewhere, or none at all. */
export const HOSTILE_TEXTS = [
  '',
  '__proto__',
  'constructor',
  'null',
  '-1',
  '1e999',
  'NaN',
  '\u0000',
  '\ud800',
  '"',
  '\\',
  '{',
  '[[[[[[[[',
  '..',
  '../../etc/x',
  '\u001b[31m\u202e\r\n',
  'x'.repeat(70_000),
] as const;
