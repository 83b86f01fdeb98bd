import { describe, expect, it } from 'vitest';
import { allDecoders } from './decoders.js';
import { fuzz } from './fuzz.js';

const RUNS = 300;
const decoders = await allDecoders();

describe.each(decoders)('$name', (decoder) => {
  it('reads what is good', async () => {
    for (const seed of decoder.seeds) await decoder.decode(seed);
  });

  it('gives a value or a typed error for anything else', async () => {
    // The same inputs every time: new ones are the business of npm run fuzz.
    expect(await fuzz(decoder, { runs: RUNS, seed: 20_261_129 })).toBe(RUNS);
  });
});
