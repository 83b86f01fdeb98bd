import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { errorReference } from '../../src/cli/error-reference.js';

it('docs/errors.md is current (else: npm run build && node scripts/write-error-reference.mjs)', () => {
  expect(readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')).toBe(errorReference());
});
