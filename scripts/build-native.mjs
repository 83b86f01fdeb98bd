// Builds the native core into native/build/Release/quarry.node. Downloads nothing. When a tool is missing
// it names it in two lines and exits with 0: everything works without the core, only slower.
// `--require` makes a missing or failed build an error, `--verbose` shows the compiler's output.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const nativeDir = path.join(root, 'native');
const buildDir = path.join(nativeDir, 'build');
const required = process.argv.includes('--require');
const verbose = process.argv.includes('--verbose');
const require = createRequire(import.meta.url);

function notBuilt(reason, hint) {
  process.stderr.write(`native core not built: ${reason}\n`);
  process.stderr.write(`${hint}; until then scoring and scanning run in the slower engines.\n`);
  process.exit(required ? 1 : 0);
}

/** Whether `command --version` runs. */
function runs(command) {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** node-gyp's entry point, from this package or from the npm that ships with node. */
function findNodeGyp() {
  const candidates = [];
  try {
    candidates.push(path.join(path.dirname(require.resolve('node-gyp/package.json')), 'bin', 'node-gyp.js'));
  } catch {}
  const prefix = path.dirname(path.dirname(process.execPath));
  candidates.push(path.join(prefix, 'lib', 'node_modules', 'npm', 'node_modules', 'node-gyp', 'bin', 'node-gyp.js'));
  return candidates.find((candidate) => existsSync(candidate));
}

/** A folder node-gyp accepts as `--nodedir`: it holds include/node with the headers and a common.gypi. */
function findHeaders() {
  const prefix = path.dirname(path.dirname(process.execPath));
  const beside = path.join(prefix, 'include', 'node');
  if (existsSync(path.join(beside, 'node_api.h')) && existsSync(path.join(beside, 'common.gypi'))) return prefix;
  let api;
  try {
    api = require('node-api-headers').include_dir;
  } catch {
    return undefined;
  }
  // node-api-headers has the headers only; node-gyp also wants the common settings, of which the core needs few.
  const staged = path.join(root, 'node_modules', '.cache', 'quarry-node-api');
  const include = path.join(staged, 'include', 'node');
  mkdirSync(include, { recursive: true });
  // Unchanged files keep their mtime, or every build would compile everything.
  const stage = (name, text) => {
    const file = path.join(include, name);
    if (!existsSync(file) || readFileSync(file, 'utf8') !== text) writeFileSync(file, text);
  };
  for (const header of ['node_api.h', 'node_api_types.h', 'js_native_api.h', 'js_native_api_types.h']) {
    stage(header, readFileSync(path.join(api, header), 'utf8'));
  }
  stage(
    'common.gypi',
    "{ 'variables': { 'node_engine': 'v8', 'standalone_static_library%': 1 },\n" +
      "  'target_defaults': { 'default_configuration': 'Release', 'configurations': { 'Release': {}, 'Debug': {} } } }\n",
  );
  stage(
    'config.gypi',
    `{ 'target_defaults': {}, 'variables': { 'target_arch': '${process.arch}', 'host_arch': '${process.arch}' } }\n`,
  );
  return staged;
}

/** Keeps two builds of one checkout apart: the second waits. A lock left by a killed build is taken over. */
function lock() {
  mkdirSync(buildDir, { recursive: true });
  const file = path.join(buildDir, '.lock');
  const deadline = Date.now() + 300_000;
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    let holder = Number.NaN;
    try {
      holder = Number(readFileSync(file, 'utf8'));
      process.kill(holder, 0);
      if (Date.now() > deadline) return () => {};
    } catch (error) {
      const stale = error.code === 'ESRCH' || (!Number.isInteger(holder) && Date.now() > deadline - 290_000);
      if (stale) rmSync(file, { force: true });
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
}

if (process.platform === 'win32') {
  notBuilt(
    'it is not built on Windows',
    'The package quarry-miner-win32-x64 has it, made by `npm run package` on Linux',
  );
}
const compilers = process.env.CXX ? [process.env.CXX.split(' ')[0]] : ['c++', 'g++', 'clang++'];
const compiler = compilers.find(runs);
if (compiler === undefined) {
  notBuilt('no C++ compiler found', 'Install g++ 12 or newer and make, then run `quarry build-native`');
}
if (!runs('make')) notBuilt('make not found', 'Install make, then run `quarry build-native`');
if (!runs(process.env.PYTHON ?? 'python3')) {
  notBuilt('python3 not found', 'Install Python 3.8 or newer, then run `quarry build-native`');
}
const nodeGyp = findNodeGyp();
if (nodeGyp === undefined) notBuilt('node-gyp not found', 'Install the development dependencies with `npm install`');
const nodedir = findHeaders();
if (nodedir === undefined) {
  notBuilt('no Node headers beside the node binary, and node-api-headers is not installed', 'Run `npm install`');
}

const unlock = lock();
try {
  const gyp = (command, ...args) =>
    spawnSync(process.execPath, [nodeGyp, command, '--directory', nativeDir, '--nodedir', nodedir, ...args], {
      encoding: 'utf8',
      stdio: verbose ? 'inherit' : 'pipe',
      env: { ...process.env, CXX: process.env.CXX ?? compiler },
    });
  // Configuring again touches the makefiles and rebuilds everything, so it is done only when the build file changed.
  const makefile = path.join(buildDir, 'Makefile');
  const bindingGyp = path.join(nativeDir, 'binding.gyp');
  const current = existsSync(makefile) && statSync(makefile).mtimeMs > statSync(bindingGyp).mtimeMs;
  let step = current ? { status: 0 } : gyp('configure');
  if (step.status === 0) step = gyp('build', '--jobs', '2');
  // Makefiles hold relative paths, which a checkout that was moved, or another node, does not have.
  if (step.status !== 0 && current) {
    step = gyp('configure');
    if (step.status === 0) step = gyp('build', '--jobs', '2');
  }
  if (step.status !== 0) {
    if (!verbose) process.stderr.write(`${step.stdout ?? ''}${step.stderr ?? ''}`.split('\n').slice(-60).join('\n'));
    unlock();
    notBuilt('the compiler reported errors (above)', 'Run `node scripts/build-native.mjs --verbose` for all of them');
  }
} finally {
  unlock();
}
