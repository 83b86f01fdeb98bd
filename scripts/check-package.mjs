// Packs quarry-miner as it is published, installs it into empty projects and runs it there: the native core loads, the demo
// mines, and it is not larger than the budget. Usage: after npm run build,
// node scripts/check-package.mjs [--all] [--packed]; --all installs with pnpm, yarn and bun beside npm and mines with Node 22 and 24
// beside this one, --packed takes the tarballs in artifacts/ instead of packing.
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

/** Budgets in megabytes of 10^6 bytes: of the whole install, and of the packages that the SOMA client alone loads. */
const BUDGET = { whole: 120, somaClient: 25 };
const MANAGERS = {
  npm: ['npm', 'install', '--no-audit', '--no-fund', '--loglevel=error', '--ignore-scripts'],
  pnpm: ['npx', '--yes', 'pnpm@10', 'install', '--ignore-scripts', '--no-lockfile'],
  yarn: ['npx', '--yes', 'yarn@1', 'install', '--ignore-scripts', '--ignore-engines', '--no-lockfile'],
  bun: ['npx', '--yes', 'bun@1', 'install', '--ignore-scripts'],
};

const root = resolve(import.meta.dirname, '..');
const home = mkdtempSync(join(tmpdir(), 'quarry-package-'));
process.once('exit', () => rmSync(home, { recursive: true, force: true }));
const [platform, main] = process.argv.includes('--packed') ? findPacked() : pack();
const platformName = /(quarry-miner-[a-z0-9-]+?)-\d+\.\d/.exec(platform)[1];
let failures = 0;

function pack() {
  const packed = execFileSync(process.execPath, [join(root, 'scripts', 'package.mjs'), 'here'], { encoding: 'utf8' });
  return packed.trim().split('\n').slice(-2);
}

/** The tarballs in artifacts/ that are for this machine. */
function findPacked() {
  const libc = process.report.getReport().header.glibcVersionRuntime === undefined ? '-musl' : '-gnu';
  const id = `${process.platform}-${process.arch}${process.platform === 'linux' ? libc : ''}`;
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return [`quarry-miner-${id}`, 'quarry-miner'].map((name) => join(root, 'artifacts', `${name}-${version}.tgz`));
}

function check(name, passed, detail) {
  console.log(`${passed ? 'ok' : 'FAILED'}  ${name}: ${detail}`);
  if (!passed) failures++;
}

/** An empty project with the tarballs in it. */
function install(name, command, dependencies, fields = {}) {
  const dir = mkdtempSync(join(home, `${name}-`));
  writeFileSync(join(dir, 'package.json'), JSON.stringify({ name: 'empty', private: true, dependencies, ...fields }));
  const [program, ...args] = command;
  // On Windows npm and the others are shell scripts.
  const shell = process.platform === 'win32';
  execFileSync(program, args, { cwd: dir, stdio: ['ignore', 'ignore', 'inherit'], shell });
  return dir;
}

/** What `quarry` prints in a project, run by a `node`. */
function quarry(dir, node, ...args) {
  const bin = join(dir, 'node_modules', 'quarry-miner', 'bin', 'quarry.js');
  const options = { cwd: dir, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 64 << 20 };
  return execFileSync(node, [bin, ...args], options).trim();
}

/** Another version of Node: its binary is a package of the registry. */
function nodeOf(major) {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const dir = install(`node-${major}`, MANAGERS.npm, { [name]: String(major) });
  return join(dir, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
}

function bytesOf(path) {
  const stats = lstatSync(path);
  if (!stats.isDirectory()) return stats.size;
  return readdirSync(path).reduce((sum, name) => sum + bytesOf(join(path, name)), 0);
}

/** Megabytes of the packages that an entry reaches by its imports, and of our own files among them. */
async function reachedMegabytes(dir, entry) {
  const { metafile } = await build({
    absWorkingDir: dir,
    stdin: { contents: `export * from '${entry}'`, resolveDir: dir },
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
    external: ['*.node', 'webgpu', 'onnxruntime-node'],
  });
  const packages = new Set();
  let own = 0;
  for (const file of Object.keys(metafile.inputs)) {
    const found = /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file);
    if (found === null) continue;
    if (found[1] === 'quarry-miner') own += lstatSync(join(dir, file)).size;
    else packages.add(join(dir, found[0]));
  }
  return (own + [...packages].reduce((sum, path) => sum + bytesOf(path), 0)) / 1e6;
}

/**
 * Our own platform's package, and empty ones in place of others', which the registry does not have before they are published:
 * yarn wants to know even those that it leaves out.
 */
function platformPackages() {
  const manifest = JSON.parse(execFileSync('tar', ['-xOzf', main, 'package/package.json'], { encoding: 'utf8' }));
  const places = Object.keys(manifest.optionalDependencies).map((name) => {
    const dir = join(home, name);
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'package.json'), JSON.stringify({ name, version: manifest.version }));
    return [name, `file:${dir}`];
  });
  return { ...Object.fromEntries(places), [platformName]: `file:${platform}` };
}

/** An empty project with Quarry in it, by one package manager. */
function installed(name) {
  const ours = { 'quarry-miner': `file:${main}`, [platformName]: `file:${platform}` };
  return install(name, MANAGERS[name], ours, name === 'yarn' ? { resolutions: platformPackages() } : {});
}

/** The first screen of README: one line, from an empty directory. */
function minesFromNothing() {
  const cwd = mkdtempSync(join(home, 'nothing-'));
  const args = [
    '--yes',
    `--package=${main}`,
    `--package=${platform}`,
    'quarry',
    'demo',
    '--max-accepted',
    '1',
    '--json',
  ];
  const stdio = ['ignore', 'pipe', 'ignore'];
  const out = execFileSync('npx', args, { cwd, stdio, encoding: 'utf8', shell: process.platform === 'win32' });
  const { accepted } = JSON.parse(out.trim().split('\n').at(-1));
  check('npx from an empty directory: quarry demo mines', accepted >= 1, `${accepted} accepted`);
}

/** Mines in a project. */
function mines(name, dir, node = process.execPath) {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  check(`${name}: quarry --version`, quarry(dir, node, '--version') === version, version);
  const { scoring } = JSON.parse(quarry(dir, node, 'doctor', '--json'));
  const native = scoring.find((engine) => engine.name === 'native');
  check(`${name}: the native core loads`, native.available, native.device ?? native.error.message);
  const summary = JSON.parse(quarry(dir, node, 'demo', '--max-accepted', '2', '--json').split('\n').at(-1));
  check(`${name}: quarry demo mines`, summary.accepted >= 2 && summary.rejected === 0, `${summary.accepted} accepted`);
}

const dir = installed('npm');
mines('npm', dir);
minesFromNothing();
const sizes = readdirSync(join(dir, 'node_modules'))
  .flatMap((name) =>
    name.startsWith('@') ? readdirSync(join(dir, 'node_modules', name)).map((n) => `${name}/${n}`) : name,
  )
  .map((name) => [name, bytesOf(join(dir, 'node_modules', name)) / 1e6])
  .sort(([, a], [, b]) => b - a);
const whole = bytesOf(join(dir, 'node_modules')) / 1e6;
const largest = sizes.slice(0, 8).map(([name, size]) => `${name} ${size.toFixed(1)}`);
check(
  `at most ${BUDGET.whole} MB installed`,
  whole <= BUDGET.whole,
  `${whole.toFixed(1)} MB; largest: ${largest.join(', ')}`,
);
const soma = await reachedMegabytes(dir, 'quarry-miner/soma');
check(`at most ${BUDGET.somaClient} MB for the SOMA client`, soma <= BUDGET.somaClient, `${soma.toFixed(1)} MB`);
for (const name of ['CHANGELOG.md', 'docs', 'examples', 'skills', 'native', 'man']) {
  check(`${name} is inside`, existsSync(join(dir, 'node_modules', 'quarry-miner', name)), name);
}
const inside = readdirSync(join(dir, 'node_modules', 'quarry-miner'), { recursive: true });
const stray = inside.filter((name) => /^(?!node_modules).*(tsbuildinfo|(^|[\\/])test[\\/]|\.test\.|\.py$)/.test(name));
check(
  'no tests, build records or peers of the bench inside',
  stray.length === 0,
  stray.slice(0, 3).join(', ') || 'none',
);
const bare = install('bare', [...MANAGERS.npm, '--omit=optional'], { 'quarry-miner': `file:${main}` });
const help = quarry(bare, process.execPath, '--help');
check('npm --omit=optional: quarry --help', help.includes('Commands:'), 'starts');
if (process.argv.includes('--all')) {
  for (const name of ['pnpm', 'yarn', 'bun']) mines(name, installed(name));
  for (const major of [22, 24]) {
    const node = nodeOf(major);
    mines(`Node ${execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()}`, dir, node);
  }
}
console.log(`package: ${failures} failed`);
process.exitCode = failures > 0 ? 1 : 0;
