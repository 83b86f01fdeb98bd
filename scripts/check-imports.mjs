// Checks that arrows of import go one way: each folder of src/ may import only what this table allows, and no files import
// each other in a circle.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const ANY_NETWORK = ['errors', 'http', 'text'];
/**
 * Folder (longest prefix wins) to the folders it may import. Every folder may import itself; the files directly in src, which
 * are the front door, may import every folder but the command line.
 */
const ALLOWED = {
  errors: [],
  collections: [],
  gen: [],
  text: ['errors'],
  http: ['errors'],
  native: ['errors'],
  database: ['errors'],
  files: [],
  threads: ['errors'],
  config: ['errors', 'files'],
  telemetry: ['errors', 'text', 'http', 'database'],
  dashboard: ['telemetry/api', 'text'],
  notify: ['errors', 'http'],
  random: ['errors'],
  weights: ['errors', 'http', 'native', 'random'],
  engine: ['errors', 'threads', 'native', 'random', 'weights', 'gen'],
  sources: ['errors', 'threads', 'http'],
  hosting: ['errors', 'http', 'native'],
  store: ['errors', 'database', 'native', 'weights', 'engine'],
  search: ['errors', 'random', 'engine'],
  'soma/chain': ['errors', 'gen', 'native'],
  'soma/wallet': ['errors', 'files', 'soma/chain'],
  'soma/client': [
    'errors',
    'threads',
    'collections',
    'text',
    'http',
    'gen',
    'native',
    'weights',
    'soma/chain',
    'soma/services',
  ],
  'soma/services': ['errors', 'gen', 'soma/chain', 'soma/client/decode', 'soma/client/transport'],
  'soma/publish': ['errors', 'native', 'weights', 'soma/chain', 'soma/wallet', 'soma/client'],
  soma: ['soma/publish', 'soma/chain', 'soma/wallet', 'soma/client', 'soma/services'],
  devnet: ['errors', 'devnet'],
  'devnet/soma': ['errors', 'gen', 'soma/chain', 'engine', 'native', 'random', 'weights', 'http'],
  'devnet/loopback': ['errors'],
  'devnet/flock': [...ANY_NETWORK, 'devnet/loopback'],
  'devnet/aitbc': [...ANY_NETWORK, 'devnet/loopback'],
  fleet: ['errors', 'http', 'native', 'weights', 'engine', 'soma'],
  'fleet/rows': ['errors', 'http', 'native', 'weights', 'engine', 'store', 'fleet'],
  miner: [
    'errors',
    'threads',
    'collections',
    'http',
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
  demo: ['errors', 'hosting', 'random', 'weights', 'devnet', 'soma'],
  mcp: ['errors', 'http'],
  flock: ANY_NETWORK,
  aitbc: ANY_NETWORK,
  cli: ['*'],
};

const root = resolve(import.meta.dirname, '../src');
const files = readdirSync(root, { recursive: true }).filter((name) => /\.(ts|tsx|mts)$/.test(name));
const FRONT_DOOR = '.';
const zoneOf = (path) =>
  path.includes('/')
    ? Object.keys(ALLOWED)
        .filter((zone) => path.startsWith(`${zone}/`))
        .sort((a, b) => b.length - a.length)[0]
    : FRONT_DOOR;
const problems = [];
for (const folder of [...Object.keys(ALLOWED), ...Object.values(ALLOWED).flat()]) {
  if (folder !== '*' && !statSync(join(root, folder), { throwIfNoEntry: false })?.isDirectory()) {
    problems.push(`"${folder}" in the rules is not a folder of src`);
  }
}
/** File to the files it imports. */
const graph = new Map();
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
    const allowed = zone === FRONT_DOOR ? ['*'] : ALLOWED[zone];
    const fits = allowed.includes('*')
      ? zone === FRONT_DOOR || zoneOf(target) !== FRONT_DOOR
      : allowed.some((folder) => target.startsWith(`${folder}/`));
    if (!own && !fits) problems.push(`src/${file} imports src/${target}, which ${zone} may not`);
    if (zone !== 'cli' && target.startsWith('cli/')) problems.push(`src/${file} imports the command line`);
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
for (const problem of problems) console.error(problem);
console.log(`import directions: ${files.length} files, ${problems.length} violations`);
process.exitCode = problems.length > 0 ? 1 : 0;
