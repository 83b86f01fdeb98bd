import { parseArgs } from 'node:util';
import { tellAll } from './tell-all.js';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    miners: { type: 'string', default: '6' },
    count: { type: 'string' },
    only: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
});

const begun = performance.now();
let heard = 0;
const telling = await tellAll({
  seed: Number(values.seed),
  miners: Number(values.miners),
  count: values.count === undefined ? undefined : Number(values.count),
  only: values.only === undefined ? undefined : new RegExp(values.only),
  onVerdict: (lie, verdict) => {
    heard++;
    const isBad = verdict.kind === 'ended' || verdict.kind === 'blind';
    if (values.verbose || isBad)
      console.log(`${verdict.kind}: ${lie.name}${'why' in verdict ? `\n    ${verdict.why}` : ''}`);
    if (heard % 100 === 0) console.log(`${heard} lies, ${Math.round((performance.now() - begun) / 1000)} s`);
  },
});
console.log(
  `seed ${values.seed}: ${telling.chosen} lies, ${telling.told} told, ${telling.notTold.length} not asked for`,
);
for (const finding of telling.findings) console.log(`\n${finding}`);
console.log(`\n${telling.findings.length} ended or blinded the miner`);
process.exitCode = telling.findings.length === 0 ? 0 : 1;
