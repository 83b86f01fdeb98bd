// Checks that arrows of import go one way: each folder of src/ may import only what this table allows.
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
  config: ['errors'],
  telemetry: ['errors', 'text'],
  weights: ['errors', 'http', 'native', 'engine/model-config', 'engine/reference/arrgen'],
  engine: ['errors', 'native', 'weights', 'gen'],
  sources: ['errors', 'http'],
  hosting: ['errors', 'http', 'native'],
  store: ['errors', 'database', 'native', 'weights', 'engine'],
  'soma/chain': ['errors', 'gen'],
  'soma/wallet': ['errors', 'soma/chain'],
  'soma/client': ['errors', 'http', 'gen', 'native', 'weights', 'soma/chain', 'soma/services'],
  'soma/services': ['errors', 'gen', 'soma/chain', 'soma/client/transport', 'soma/client/context', 'soma/client/read'],
  'soma/publish': ['errors', 'native', 'weights', 'soma/chain', 'soma/wallet', 'soma/client'],
  soma: ['soma/publish', 'soma/chain', 'soma/wallet', 'soma/client', 'soma/services'],
  devnet: ['errors', 'devnet'],
  'devnet/soma': ['errors', 'gen', 'soma/chain', 'engine', 'native', 'weights', 'http'],
  'devnet/flock': [...ANY_NETWORK, 'flock'],
  'devnet/aitbc': [...ANY_NETWORK, 'aitbc'],
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
const files = readdirSync(root, { recursive: true }).filter((name) => /\.(ts|mts)$/.test(name));
const zoneOf = (path) =>
  Object.keys(ALLOWED)
    .filter((zone) => path === zone || path.startsWith(`${zone}/`))
    .sort((a, b) => b.length - a.length)[0];
const problems = [];
for (const file of files) {
  const zone = zoneOf(file);
  if (zone === undefined) {
    problems.push(`${file}: its folder has no rule`);
    continue;
  }
  const text = readFileSync(join(root, file), 'utf8');
  for (const [, specifier] of text.matchAll(/(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+)'/g)) {
    const target = relative(root, resolve(root, dirname(file), specifier)).replace(/\.js$/, '.ts');
    if (target.startsWith('..')) continue;
    const own = target === zone || target.startsWith(`${zone}/`);
    const allowed = ALLOWED[zone];
    const fits = allowed.includes('*')
      ? zone === 'index.ts' || zoneOf(target) !== 'index.ts'
      : allowed.some((prefix) => target.startsWith(`${prefix}/`) || target.startsWith(`${prefix}.`));
    if (!own && !fits) problems.push(`src/${file} imports src/${target}, which ${zone} may not`);
    if (zone !== 'cli' && target.startsWith('cli/')) problems.push(`src/${file} imports the command line`);
  }
}
for (const problem of problems) console.error(problem);
console.log(`import directions: ${files.length} files, ${problems.length} violations`);
process.exitCode = problems.length > 0 ? 1 : 0;
