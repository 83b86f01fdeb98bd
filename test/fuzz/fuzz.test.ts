import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { allDecoders } from './decoders.js';
import { fuzz, tryDecoder } from './fuzz.js';

const CORPUS = new URL('corpus/', import.meta.url);
const decoders = await allDecoders();

describe.each(decoders)('$name', (decoder) => {
  it('reads what is good', async () => {
    for (const seed of decoder.seeds) await decoder.decode(seed);
  });

  it('gives a value or a typed error for anything else', async () => {
    // The same inputs every time: new ones are the business of npm run test:fuzz.
    expect(await fuzz(decoder, { runs: 300, limitMs: 700, seed: 20_261_129 })).toBeGreaterThan(0);
  });
});

it.each(readdirSync(CORPUS).filter((file) => file.endsWith('.bin')))('%s, which broke a decoder once', async (file) => {
  const name = file.replace(/-\d+\.bin$/, '');
  const decoder = decoders.find((each) => each.name.replaceAll(' ', '-') === name);
  expect(decoder).toBeDefined();
  if (decoder !== undefined) await tryDecoder(decoder, readFileSync(new URL(file, CORPUS)));
});
