import { parseArgs } from 'node:util';
import { simulate } from './simulate.js';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    from: { type: 'string', default: '1' },
    count: { type: 'string', default: '200' },
    'until-fault': { type: 'boolean', default: false },
  },
});
const first = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.count) : 1;
const began = performance.now();
const totals = { lives: 0, kills: 0, accepted: 0, lost: 0, rejected: 0, claimed: 0, held: 0, echoes: 0, outOfReach: 0 };
let failed = 0;
for (let seed = first; seed < first + count; seed++) {
  const outcome = await simulate(seed).catch((error: unknown) => ({
    faults: [error instanceof Error ? `${error.stack}\n${String(error.cause ?? '')}` : String(error)],
  }));
  if ('lives' in outcome) for (const key of Object.keys(totals) as (keyof typeof totals)[]) totals[key] += outcome[key];
  if (values.seed !== undefined) console.log(outcome);
  if (outcome.faults.length === 0) continue;
  failed++;
  console.log(`seed ${seed}: npm run simulate -- --seed ${seed}`);
  for (const fault of outcome.faults) console.log(`  ${fault}`);
  if (values['until-fault']) break;
}
const seconds = (performance.now() - began) / 1000;
const perMinute = Math.round((totals.lives / seconds) * 60);
console.log(`${count} seeds from ${first}, ${seconds.toFixed(1)} s, ${perMinute} lives a minute:`, totals);
console.log(`${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
