import { parseArgs } from 'node:util';
import { allDecoders } from './decoders.js';
import { fuzz } from './fuzz.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    only: { type: 'string', default: '' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
  },
});
const decoders = (await allDecoders()).filter(({ name }) => name.includes(values.only));
const limitMs = (Number(values.minutes) * 60_000) / decoders.length;
console.log(`seed ${values.seed}; again with: npm run fuzz -- --seed ${values.seed} --only NAME`);
let failed = 0;
for (const decoder of decoders) {
  try {
    const tried = await fuzz(decoder, { runs: Number.MAX_SAFE_INTEGER, limitMs, seed: Number(values.seed) });
    const heap = Math.round(process.memoryUsage().rss / 2 ** 20);
    console.log(`${decoder.name}: ${tried} inputs, ${heap} MiB resident`);
  } catch (error) {
    failed++;
    console.log(`${decoder.name}: ${error instanceof Error ? `${error.message}\n${error.cause}` : error}`);
  }
}
console.log(`${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
