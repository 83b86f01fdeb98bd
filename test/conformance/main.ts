import { plainText, renderTable } from '../../src/text/index.js';
import { actions } from './actions.js';
import { Comparison, type ComparisonRow } from './comparison.js';
import { ConformanceNetwork } from './conformance-network.js';
import { construction } from './construction.js';
import { keysAndStatics } from './keys-and-statics.js';
import { OfficialSdk } from './official-sdk.js';
import { quickstart } from './quickstart.js';
import { reads } from './reads.js';
import { validators } from './validators.js';

/** Runs the official SDK beside our client: `tsx test/conformance/main.ts PYTHON`. */

const python = process.argv[2];
if (python === undefined) throw new Error('name a Python that has soma-sdk installed');
const called = new Set<string>();
const sdk = new OfficialSdk(python);
const compare = new Comparison(sdk, ({ method, called: how, same, result }: ComparisonRow) => {
  called.add(method);
  if (!same) console.error(`DIFFERS ${method} (${how}): ${plainText(result)}`);
});
const network = await ConformanceNetwork.start(sdk, compare);
try {
  await keysAndStatics(compare);
  await construction(network);
  await reads(network);
  await actions(network);
  await validators(network);
  await quickstart(python, compare);
} catch (error) {
  compare.note('the run itself', 'to its end', false, String(error));
}
try {
  for (const [owner, prefix] of [
    ['SomaClient', ''],
    ['Keypair', 'Keypair.'],
  ] as const) {
    const names = (await sdk.call(owner, '__dir__')) as readonly string[];
    const missed = names.filter((name) => !called.has(`${prefix}${name}`));
    compare.note(
      `dir(${owner})`,
      'every public method',
      missed.length === 0,
      missed.length === 0 ? `${names.length} of ${names.length} called` : `never called: ${missed.join(', ')}`,
    );
  }
} finally {
  await network.close();
  sdk.close();
}
console.log(
  renderTable(
    compare.rows.map(({ method, called: how, same, result }) => ({
      method,
      called: how,
      verdict: same ? 'same' : 'DIFFERS',
      result: plainText(result),
    })),
    [
      { header: 'method', value: (row) => row.method },
      { header: 'called', value: (row) => row.called },
      { header: 'verdict', value: (row) => row.verdict },
      { header: 'result', value: (row) => row.result },
    ],
    { columns: 160 },
  ),
);
const differ = compare.rows.filter((row) => !row.same).length;
console.log(`soma-sdk 0.1.15: ${compare.rows.length - differ} comparisons the same, ${differ} differ`);
process.exitCode = differ === 0 ? 0 : 1;
