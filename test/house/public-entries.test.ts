import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };

test.each(Object.values(manifest.exports).map(({ types }) => types.replace('./dist/', '').replace('.d.ts', '.ts')))(
  '%s names each thing it exports, so that nothing becomes public unseen',
  (entry) => {
    const text = readFileSync(new URL(`../../${entry}`, import.meta.url), 'utf8');
    expect(text).not.toMatch(/^export (type )?\* from/m);
  },
);
