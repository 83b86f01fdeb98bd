// Writes the benchmark tables of README.md and docs/benchmarks.md from bench/results/*.json
// (`quarry bench NAME --save bench/results`). With --check only reports whether they are current.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const dir = join(root, 'bench', 'results');
const files = readdirSync(dir)
  .filter((name) => name.endsWith('.json'))
  .sort();
const saved = new Map(
  files.map((name) => [name.replace('.json', ''), JSON.parse(readFileSync(join(dir, name), 'utf8'))]),
);

const number = (value) => {
  for (const [limit, suffix] of [
    [1e12, 'T'],
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ]) {
    if (Math.abs(value) >= limit) return `${(value / limit).toPrecision(3)} ${suffix}`;
  }
  return `${Number(value.toPrecision(3))} `;
};
const percent = (ratio) => (ratio == null ? '' : `${Math.round(ratio * 100)} %`);
const times = (ratio) => {
  const text = `${ratio >= 10 ? Math.round(ratio) : ratio.toFixed(2)} x`;
  return ratio < 1 ? `**${text}**` : text;
};
const errorOf = (error) => (error == null ? '' : error === 0 ? '0' : error.toExponential(0));

function table(header, rows) {
  const line = (cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(header), `|${header.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

/** Groups the results of one case, which differ only in their peer: ours, the peers, those left out. */
function casesOf(results) {
  const cases = new Map();
  for (const r of results) {
    const key = JSON.stringify([r.case, r.engine, r.isa, r.precision, r.threads]);
    const one = cases.get(key) ?? { own: undefined, peers: [], skipped: [] };
    cases.set(key, one);
    if (r.value == null) one.skipped.push(r);
    else one.own ??= r;
    if (r.value != null && r.peerRatio != null) one.peers.push(r);
  }
  return [...cases.values()];
}

const isReach = (results) => results.some(({ bench }) => bench === 'reach');
const isCommon = (results) => results.every((result) => 'value' in result);
const engineOf = (r) =>
  [r.engine, r.isa, r.precision, r.threads == null ? null : `${r.threads} thread${r.threads > 1 ? 's' : ''}`]
    .filter(Boolean)
    .join(', ');
const against = (peers) => peers.map((r) => `${times(r.peerRatio)} ${r.peer}`).join('<br>');

/** Everything a bench of the common shape printed: a line a case, and each library left out once. */
function measured(results) {
  const cases = casesOf(results);
  const rows = cases
    .filter(({ own }) => own !== undefined)
    .map(({ own, peers }) => [
      own.case,
      engineOf(own),
      `${number(own.value)}${own.unit}`,
      own.limit == null ? '' : `${percent(own.ratio)} of ${number(own.limit)}${own.unit}`,
      errorOf(own.error),
      peers
        .map((r) => {
          const theirs = r.peerValue == null ? '' : ` (${number(r.peerValue)}${r.unit}, error ${errorOf(r.peerError)})`;
          return `${times(r.peerRatio)} ${r.peer}${theirs}`;
        })
        .join('<br>'),
      // Each peer's row repeats the note of the case.
      [...new Set([own, ...peers].flatMap(({ note }) => note?.split('; ') ?? []))].join('; '),
    ]);
  const left = cases.flatMap(({ skipped }) =>
    skipped.map((r) => `${r.peer ?? r.engine}, ${(r.note ?? 'no reason given').replace('skipped: ', '')}`),
  );
  const notes = [...new Set(left)].map((text) => `\n\nNot run: ${text}.`).join('');
  return table(['case', 'engine', 'measured', 'of the limit', 'error', 'times as fast as', 'note'], rows) + notes;
}

/** Results of another shape: every field is a column. */
function free(results) {
  const keys = [...new Set(results.flatMap(Object.keys))].filter((key) => key !== 'bench');
  const cell = (value) => (typeof value === 'number' ? String(Number(value.toPrecision(3))) : String(value ?? ''));
  return table(
    keys,
    results.map((result) => keys.map((key) => cell(result[key]))),
  );
}

/** Shares in percent: alone, composed of at most 4 and of at most 16, a column for each level of difficulty. */
function reachTable(results, keep = () => true) {
  const ran = results.filter((result) => 'composed16' in result && keep(result));
  const levels = [...new Set(ran.map(({ z }) => z))];
  const rows = new Map();
  for (const r of ran) {
    const corpus = r.order === 'spread' ? `${r.corpus}, most unlike first` : r.corpus;
    const key = [r.config, corpus, r.rows.toLocaleString('en-US')];
    const row = rows.get(key.join()) ?? { key, shares: [], ms: r.msPerTarget };
    rows.set(key.join(), row);
    row.shares.push([r.single, r.composed4, r.composed16].map((share) => Math.round(share * 100)).join(' / '));
  }
  const skipped = results.filter((result) => result.value === null).map(({ note }) => `\n\nNot run: ${note}.`);
  return (
    table(
      ['models', 'chunks of', 'scored', ...levels.map((z) => `z = ${z}`), 'ms a target'],
      [...rows.values()].map(({ key, shares, ms }) => [...key, ...shares, Number(ms.toPrecision(2))]),
    ) + skipped.join('')
  );
}

const everything = [...saved.values()]
  .map(
    ({ machine, command, results }) =>
      `### \`${command}\`\n\n${machine}\n\n${isCommon(results) ? measured(results) : isReach(results) ? reachTable(results) : free(results)}`,
  )
  .join('\n\n');

/**
 * The lines of the README: a name, the result file, which of its cases, and for how many threads. Of several the one
 * farthest from its limit is shown, unless `show` says otherwise. The next file stands in for a missing one.
 */
const PICKS = [
  ...['bf16', 'f32'].map((precision) => ({
    name: ({ case: text }) =>
      `a 1,024-byte chunk through ${text.includes('24 layers') ? 'the full V1 model, 24 layers' : text.replace(', 1 chunk', '')}`,
    from: ['forward-full', 'forward'],
    where: (r) => r.precision === precision && r.case.endsWith(' 1 chunk'),
    threads: 'each',
  })),
  ...['bf16', 'f32'].map((precision) => ({
    name: () => 'matrix product, slowest of the four shapes of V1',
    from: ['gemm'],
    where: (r) => r.precision === precision,
    threads: 'each',
  })),
  ...['1 target', '100 targets'].flatMap((targets) =>
    ['bf16', 'f32'].map((precision) => ({
      name: ({ case: text }) =>
        `distance scan, ${text.replace(/^(\d+)/, (rows) => Number(rows).toLocaleString('en-US'))}`,
      from: ['distance'],
      where: (r) => r.precision === precision && r.case.includes(`, ${targets},`) && r.limit != null,
      threads: 'most',
      show: 'first',
    })),
  ),
  {
    name: ({ case: text }) => `weights: ${text}`,
    from: ['weights'],
    where: (r) => r.engine === 'native' && r.case === 'verify + decrypt',
    show: 'last',
  },
  {
    name: ({ case: text }) => `weights: ${text}`,
    from: ['weights'],
    where: (r) => r.case.startsWith('verify + decrypt + '),
    show: 'each',
  },
  { name: ({ case: text }) => text, from: ['rng'], where: (r) => r.engine === 'native', show: 'first' },
];

function pick({ name, from, where, threads, show = 'worst' }) {
  const source = from.find((file) => saved.has(file));
  if (source === undefined) return [];
  const cases = casesOf(saved.get(source).results).filter(({ own }) => own !== undefined && where(own));
  const counts = [...new Set(cases.map(({ own }) => own.threads))].sort((a, b) => b - a);
  const kept = threads === 'each' ? counts : counts.slice(0, 1);
  const groups =
    threads === undefined ? [cases] : kept.map((count) => cases.filter(({ own }) => own.threads === count));
  const choose = {
    first: (group) => group.slice(0, 1),
    last: (group) => group.slice(-1),
    each: (group) => group,
    worst: (group) => [group.reduce((a, b) => ((b.own.ratio ?? 1) < (a.own.ratio ?? 1) ? b : a))],
  }[show];
  return groups
    .filter((group) => group.length > 0)
    .flatMap(choose)
    .map((shown) => ({ name: name(shown.own), ...shown }));
}

const picked = PICKS.flatMap(pick);
/** Cases that lose to a peer are shown as well, wherever they are. */
const losing = [...saved.values()]
  .filter(({ results }) => isCommon(results))
  .flatMap(({ results }) => casesOf(results))
  .filter(({ own, peers }) => peers.some((r) => r.peerRatio < 1) && !picked.some((p) => p.own === own))
  .map((one) => ({ name: one.own.case, ...one }));
const summary = table(
  ['what', 'how', 'measured', 'of the limit', 'error', 'times as fast as'],
  [...picked, ...losing].map(({ name, own, peers }) => [
    name,
    engineOf({ ...own, engine: own.engine === 'native' ? null : own.engine, isa: null }),
    `${number(own.value)}${own.unit}`,
    percent(own.ratio),
    errorOf(own.error),
    against(peers),
  ]),
);
const machines = [...new Set([...saved.values()].map(({ machine }) => machine))].join('; ');

const RACE_COLUMNS = {
  case: 'player',
  targetsPerMinute: 'targets a minute',
  targetsPerSample: 'targets per scored sample',
  p50Ms: 'checkpoint to wire, median ms',
  acceptedP50Ms: 'to accepted, median ms',
  shareWhenCompeting: 'share of targets',
};
/** What a reader needs in order to judge the table. */
const RACE_NOTES =
  'Both submit honest, really scored samples to the same kind of devnet (three small models, 100 targets at the start ' +
  'of an epoch, 1 random pair in 50 hits), each with one scoring thread on two cores that the network shares. Targets ' +
  'per scored sample counts the samples scored before the race too, and grows with its length: rows are scored once. ' +
  'With a hundred open targets the submissions of one checkpoint queue behind one another; one target at a time shows ' +
  'how long a single answer takes.';
function race() {
  const results = saved.get('race')?.results;
  if (results === undefined) return '';
  const cell = (value) => (typeof value === 'number' ? Number(value.toPrecision(3)) : (value ?? ''));
  const rows = results.map((result) => Object.keys(RACE_COLUMNS).map((key) => cell(result[key])));
  return `\n\nThe race for targets, Quarry against the official quickstart's loop on one devnet. ${RACE_NOTES}\n\n${table(Object.values(RACE_COLUMNS), rows)}`;
}

function reach() {
  const results = (saved.get('reach-full') ?? saved.get('reach'))?.results;
  if (results === undefined) return '';
  const intro =
    'Reach: the share of random targets, in percent, that scored chunks answer alone / joined up to 4 / joined up to ' +
    '16. z is how many standard deviations of a random direction the threshold asks for; the hardest of the network is 2.27.';
  return `\n\n${intro}\n\n${reachTable(results, ({ rows, order }) => rows === 300 && order !== 'spread')}`;
}

const PAGES = [
  ['README.md', `On ${machines}:\n\n${summary}${race()}${reach()}`],
  [join('docs', 'benchmarks.md'), everything],
];
for (const [name, text] of PAGES) {
  const page = readFileSync(join(root, name), 'utf8');
  const next = page.replace(/<!-- bench -->[\s\S]*<!-- \/bench -->/, () => `<!-- bench -->\n${text}\n<!-- /bench -->`);
  if (process.argv.includes('--check')) {
    if (next !== page) {
      console.error(
        `the benchmark tables of ${name} are not those of bench/results: run node scripts/readme-benchmarks.mjs`,
      );
      process.exitCode = 1;
    } else console.log(`${name}: benchmark tables of ${files.length} result files, current`);
  } else writeFileSync(join(root, name), next);
}
