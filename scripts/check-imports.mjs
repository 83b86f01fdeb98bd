// Checks that imports go one way: each folder of src/ imports only what this table allows, no rule allows what nothing uses, no
// files import each other in a circle, and the map in docs/ARCHITECTURE.md shows the same table.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

/**
 * Folder (longest prefix wins) to the folders it may import. Every folder may import itself; the files directly in src are the
 * package's entry points and may import every folder but the command line.
 */
const ALLOWED = {
  errors: [],
  collections: [],
  gen: [],
  text: [],
  net: ['errors', 'files'],
  native: ['errors'],
  database: ['errors', 'files'],
  files: ['errors'],
  package: [],
  threads: ['errors'],
  config: ['errors', 'files'],
  telemetry: ['errors', 'files', 'text', 'net', 'database'],
  dashboard: ['telemetry/api', 'text'],
  notify: ['errors', 'net'],
  random: [],
  weights: ['errors', 'files', 'net', 'native'],
  engine: ['errors', 'files', 'package', 'threads', 'native', 'random', 'weights'],
  sources: ['errors', 'threads', 'net'],
  hosting: ['errors', 'files', 'net', 'native'],
  store: ['errors', 'files', 'database', 'native', 'weights', 'engine'],
  search: ['random', 'engine'],
  'soma/chain': ['errors', 'gen', 'native'],
  'soma/wallet': ['errors', 'files', 'soma/chain'],
  'soma/client': ['errors', 'threads', 'collections', 'text', 'net', 'gen', 'soma/chain', 'soma/services'],
  'soma/services': ['errors', 'soma/chain', 'soma/client/decode', 'soma/client/transport'],
  'soma/publish': ['errors', 'files', 'native', 'weights', 'soma/chain', 'soma/client'],
  soma: [],
  devnet: [],
  'devnet/soma': ['errors', 'gen', 'soma/chain', 'engine', 'random', 'weights', 'net'],
  'devnet/loopback': ['errors', 'net'],
  'devnet/flock': ['devnet/loopback'],
  'devnet/aitbc': ['errors', 'devnet/loopback'],
  fleet: ['errors', 'files', 'collections', 'net', 'native', 'weights', 'engine'],
  'fleet/serve': ['errors', 'files', 'collections', 'net', 'native', 'weights', 'engine', 'store', 'soma', 'fleet'],
  'fleet/rows': ['errors', 'files', 'net', 'native', 'weights', 'engine', 'store', 'fleet'],
  miner: [
    'errors',
    'files',
    'threads',
    'collections',
    'net',
    'telemetry',
    'database',
    'native',
    'weights',
    'engine',
    'store',
    'search',
    'sources',
    'hosting',
    'soma',
  ],
  demo: ['files', 'hosting', 'random', 'weights', 'devnet', 'soma'],
  mcp: ['errors', 'net'],
  flock: ['errors', 'files', 'net', 'text'],
  aitbc: ['errors', 'files', 'collections', 'net', 'text'],
  cli: ['*'],
};

const root = resolve(import.meta.dirname, '../src');
const files = readdirSync(root, { recursive: true }).filter((name) => /\.(ts|tsx|mts)$/.test(name));
const ENTRY = '.';
const zoneOf = (path) =>
  path.includes('/')
    ? Object.keys(ALLOWED)
        .filter((zone) => path.startsWith(`${zone}/`))
        .sort((a, b) => b.length - a.length)[0]
    : ENTRY;
const problems = [];
for (const folder of [...Object.keys(ALLOWED), ...Object.values(ALLOWED).flat()]) {
  if (folder !== '*' && !statSync(join(root, folder), { throwIfNoEntry: false })?.isDirectory()) {
    problems.push(`"${folder}" in the rules is not a folder of src`);
  }
}
/** File to the files it imports. */
const graph = new Map();
/** Rules that an import of another zone uses, as "zone <- folder". */
const used = new Set();
for (const file of files) {
  const zone = zoneOf(file);
  if (zone === undefined) {
    problems.push(`${file}: its folder has no rule`);
    continue;
  }
  const text = readFileSync(join(root, file), 'utf8');
  graph.set(file, []);
  for (const [, specifier] of text.matchAll(/(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+)'/g)) {
    const target = relative(root, resolve(root, dirname(file), specifier)).replace(/\.js$/, '.ts');
    if (target.startsWith('..')) continue;
    graph.get(file).push(target);
    const own = zoneOf(target) === zone || target.startsWith(`${zone}/`);
    const allowed = zone === ENTRY ? ['*'] : ALLOWED[zone];
    const rules = allowed.filter((folder) => target.startsWith(`${folder}/`));
    if (!own) for (const folder of rules) used.add(`${zone} <- ${folder}`);
    const fits = allowed.includes('*') ? zone === ENTRY || zoneOf(target) !== ENTRY : rules.length > 0;
    if (!own && !fits) problems.push(`src/${file} imports src/${target}, which ${zone} may not`);
    if (zone !== 'cli' && target.startsWith('cli/')) problems.push(`src/${file} imports the command line`);
  }
}
for (const [zone, allowed] of Object.entries(ALLOWED)) {
  for (const folder of allowed) {
    if (folder !== '*' && !used.has(`${zone} <- ${folder}`))
      problems.push(`"${zone} <- ${folder}" allows what nothing uses`);
  }
}
const finished = new Set();
function visit(file, path) {
  if (path.includes(file)) {
    problems.push(`circle: ${[...path.slice(path.indexOf(file)), file].join(' > ')}`);
    return;
  }
  if (finished.has(file)) return;
  for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
  finished.add(file);
}
for (const file of graph.keys()) visit(file, []);

/** What the map says a folder may import besides `errors`: the list behind `<-` in its row. */
function rowsOfMap() {
  const text = readFileSync(resolve(root, '../docs/ARCHITECTURE.md'), 'utf8');
  const [, map] = /```text\n([\s\S]*?)```/.exec(text);
  const rows = new Map();
  const parents = [];
  let names = [];
  for (const line of map.split('\n')) {
    const [, indent, folders] = /^( *)((?:[a-z]+\/ +)*[a-z]+\/)(?: |$)/.exec(line) ?? [];
    if (folders !== undefined && indent.length <= 4) {
      parents.length = indent.length / 2;
      names = folders.split(/ +/).map((folder) => [...parents, folder.slice(0, -1)].join('/'));
      parents.push(names[0].split('/').at(-1));
      for (const name of names) rows.set(name, []);
    }
    const list = / <- (.*)$/.exec(line)?.[1];
    if (list !== undefined) for (const name of names) rows.set(name, list.split(', '));
  }
  return rows;
}
const rows = rowsOfMap();
for (const [zone, allowed] of Object.entries(ALLOWED)) {
  const want = allowed.map((folder) => (folder === '*' ? 'all' : folder)).filter((folder) => folder !== 'errors');
  const row = rows.get(`src/${zone}`);
  if (row === undefined) problems.push(`docs/ARCHITECTURE.md has no row for src/${zone}`);
  else if ([...row].sort().join() !== [...want].sort().join()) {
    problems.push(`docs/ARCHITECTURE.md says "<- ${row.join(', ')}" of src/${zone}; the rule is "${want.join(', ')}"`);
  }
}
for (const [folder, row] of rows) {
  if (row.length > 0 && ALLOWED[folder.replace('src/', '')] === undefined)
    problems.push(`docs/ARCHITECTURE.md says "<- ${row.join(', ')}" of ${folder}, which has no rule`);
}
for (const problem of problems) console.error(problem);
console.log(`import directions: ${files.length} files, ${problems.length} violations`);
process.exitCode = problems.length > 0 ? 1 : 0;
