// Checks that arrows of import go one way: each folder of src/ may import only what this table allows, and no files import
// each other in a circle.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const ANY_NETWORK = ['errors', 'http', 'text'];
/** Folder (longest prefix wins) to the folders it may import. Every folder may import itself. */
const ALLOWED = {
  errors: [],
  gen: [],
  text: ['errors'],
  http: ['errors'],
  native: ['errors'],
  database: ['errors'],
  files: [],
  config: ['errors', 'files'],
  telemetry: ['errors', 'text', 'http', 'database'],
  dashboard: ['telemetry/api'],
  random: ['errors'],
  weights: ['errors', 'http', 'native', 'random'],
  engine: ['errors', 'native', 'random', 'weights', 'gen'],
  sources: ['errors', 'http'],
  hosting: ['errors', 'http', 'native'],
  store: ['errors', 'database', 'native', 'weights', 'engine'],
  'soma/chain': ['errors', 'gen'],
  'soma/wallet': ['errors', 'files', 'soma/chain'],
  'soma/client': ['errors', 'text', 'http', 'gen', 'native', 'weights', 'soma/chain', 'soma/services'],
  'soma/services': ['errors', 'gen', 'soma/chain', 'soma/client/transport', 'soma/client/context', 'soma/client/read'],
  'soma/publish': ['errors', 'native', 'weights', 'soma/chain', 'soma/wallet', 'soma/client'],
  soma: ['soma/publish', 'soma/chain', 'soma/wallet', 'soma/client', 'soma/services'],
  devnet: ['errors', 'devnet'],
  'devnet/soma': ['errors', 'gen', 'soma/chain', 'engine', 'native', 'random', 'weights', 'http'],
  'devnet/loopback': ['errors'],
  'devnet/flock': [...ANY_NETWORK, 'devnet/loopback'],
  'devnet/aitbc': [...ANY_NETWORK, 'devnet/loopback'],
  fleet: ['errors', 'http', 'native', 'weights', 'engine', 'soma'],
  miner: [
    'errors',
    'http',
    'telemetry',
    'database',
    'native',
    'weights',
    'engine',
    'store',
    'sources',
    'hosting',
    'soma',
  ],
  flock: ANY_NETWORK,
  aitbc: ANY_NETWORK,
  cli: ['*'],
  'index.ts': ['*'],
  'lazy.ts': ['errors', 'miner', 'soma'],
};

const root = resolve(import.meta.dirname, '../src');
const files = readdirSync(root, { recursive: true }).filter((name) => /\.(ts|tsx|mts)$/.test(name));
const zoneOf = (path) =>
  Object.keys(ALLOWED)
    .filter((zone) => path === zone || path.startsWith(`${zone}/`))
    .sort((a, b) => b.length - a.length)[0];
const problems = [];
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
    const own = target === zone || target.startsWith(`${zone}/`);
    const allowed = ALLOWED[zone];
    const fits = allowed.includes('*')
      ? zone === 'index.ts' || zoneOf(target) !== 'index.ts'
      : allowed.some((prefix) => target.startsWith(`${prefix}/`) || target.startsWith(`${prefix}.`));
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
