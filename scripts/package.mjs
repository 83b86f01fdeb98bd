// Builds the native core for every platform with zig and packs everything into artifacts/: a package per platform that
// holds one quarry.node, and quarry-miner, which names them as optional dependencies. They are named only in the packed
// manifest, so that `npm ci` of a clone does not look for packages that are not published yet.
// Usage: npm run package [-- PLATFORM…], `main` for quarry-miner alone, `here` for this machine with the core that is built.
// Needs python3 (zig comes from its `ziglang` package, the reader of symbols is `lief`). dist/ is built anew.
import { execFile, execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { runInNewContext } from 'node:vm';
import { NODE_API, symbolProblems } from './symbol-problems.mjs';

const PYTHON_PACKAGES = ['ziglang==0.17.1', 'lief==1.0.0'];
const PLATFORMS = {
  'linux-x64-gnu': { target: 'x86_64-linux-gnu.2.28', os: 'linux', cpu: 'x64', libc: 'glibc' },
  'linux-x64-musl': { target: 'x86_64-linux-musl', os: 'linux', cpu: 'x64', libc: 'musl' },
  'linux-arm64-gnu': { target: 'aarch64-linux-gnu.2.28', os: 'linux', cpu: 'arm64', libc: 'glibc' },
  'darwin-arm64': { target: 'aarch64-macos.12.0', os: 'darwin', cpu: 'arm64' },
  'darwin-x64': { target: 'x86_64-macos.12.0', os: 'darwin', cpu: 'x64' },
  'win32-x64': { target: 'x86_64-windows.win10-gnu', os: 'win32', cpu: 'x64' },
};

const root = resolve(import.meta.dirname, '..');
const native = join(root, 'native');
const cache = join(root, '.cache', 'package');
const artifacts = join(root, 'artifacts');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const run = promisify(execFile);

/** A Python with zig, installed into a virtual environment in the cache if missing. */
function pythonWithZig() {
  const python = join(cache, 'venv', 'bin', 'python');
  if (!existsSync(python)) execFileSync('python3', ['-m', 'venv', join(cache, 'venv')], { stdio: 'inherit' });
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...PYTHON_PACKAGES];
  execFileSync(python, pip, { stdio: 'inherit' });
  return python;
}

/** Sources and flags of one processor, from the build file: a Python literal, which is one of JavaScript as well. */
function unitsOf(cpu) {
  const text = readFileSync(join(native, 'binding.gyp'), 'utf8').replace(/^\s*#.*$/gm, '');
  const gyp = runInNewContext(`(${text})`);
  const { variables, target_defaults: defaults } = gyp;
  const conditional = gyp.conditions.find(([test]) => test === `target_arch=="${cpu}"`)[1].targets;
  const [serial, core] = gyp.targets;
  const own = core.conditions.find(([test]) => test === `target_arch=="${cpu}"`)[1].defines;
  const sourcesOf = ({ sources }) => sources.flatMap((name) => variables[name.replace(/^<@\(|\)$/g, '')]);
  const shared = [...defaults.cflags, ...defaults.cflags_cc];
  return [
    ...sourcesOf(core).map((source) => ({
      source,
      flags: [...shared, ...[...core.defines, ...own].map((d) => `-D${d}`)],
    })),
    ...[serial, ...conditional].flatMap((target) =>
      sourcesOf(target).map((source) => ({ source, flags: [...shared, ...(target.cflags ?? [])] })),
    ),
  ];
}

/** A flag in zig's spelling: processors and features instead of arm64's architecture levels. */
function zigFlag(flag) {
  const level = /^-march=armv8(?:\.(\d))?-a((?:\+\w+)*)$/.exec(flag);
  if (level === null) return flag;
  const [, minor, features] = level;
  return `-mcpu=generic${minor === undefined ? '' : `+v8_${minor}a`}${features}`;
}

/** How zig's linker finds Node-API: ELF and Mach-O ask the process that loads them, Windows wants to know which program it is. */
async function linkFlags(python, os, objects) {
  if (os === 'darwin') return ['-undefined', 'dynamic_lookup'];
  if (os !== 'win32') return ['-Wl,-s'];
  const definitions = join(objects, 'node.def');
  const library = join(objects, 'node.lib');
  writeFileSync(definitions, `NAME node.exe\nEXPORTS\n${[...NODE_API].join('\n')}\n`);
  await run(python, ['-m', 'ziglang', 'dlltool', '-m', 'i386:x86-64', '-d', definitions, '-l', library]);
  return ['-Wl,-s', library];
}

/** Compiles and links quarry.node of one platform into `out`. */
async function compile(python, { target, cpu, os }, objects, out) {
  mkdirSync(objects, { recursive: true });
  const zig = ['-m', 'ziglang', 'c++', '-target', target];
  const include = ['-I', native, '-I', join(root, 'node_modules', 'node-api-headers', 'include')];
  const waiting = unitsOf(cpu);
  const made = [];
  const worker = async () => {
    for (let unit = waiting.shift(); unit !== undefined; unit = waiting.shift()) {
      const object = join(objects, unit.source.replaceAll('/', '-').replace(/\.cc$/, '.o'));
      made.push(object);
      // Windows code is always position-independent, and zig rejects the flag.
      const flags = unit.flags.filter((flag) => os !== 'win32' || flag !== '-fPIC').map(zigFlag);
      const args = [...flags, '-w', '-g0', ...include, '-c', join(native, unit.source), '-o', object];
      await run(python, [...zig, ...args]);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  const link = await linkFlags(python, os, objects);
  await run(python, [...zig, '-shared', ...made.sort(), ...link, '-o', out]);
}

/** Refuses a core that the platform, seldom this machine's, could not load. */
function checkSymbols(python, id, platform, file) {
  const read = execFileSync(python, [join(root, 'scripts', 'read-symbols.py'), file], { maxBuffer: 64 << 20 });
  const problems = symbolProblems(JSON.parse(read.toString()), platform);
  if (problems.length > 0) throw new Error(`${id} could not be loaded:\n${problems.join('\n')}`);
}

function pack(dir) {
  const [{ filename }] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', artifacts, dir], {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 64 << 20,
    }),
  );
  return join(artifacts, filename);
}

function packPlatform(id, { os, cpu, libc }, dir) {
  const { version, license, engines } = manifest;
  const description = `The native core of quarry-miner for ${id}`;
  const fields = { name: `quarry-miner-${id}`, version, description, license, engines, main: 'quarry.node' };
  const narrowed = { os: [os], cpu: [cpu], ...(libc !== undefined && { libc: [libc] }), files: ['quarry.node'] };
  writeFileSync(join(dir, 'package.json'), `${JSON.stringify({ ...fields, ...narrowed }, null, 2)}\n`);
  writeFileSync(join(dir, 'README.md'), `# quarry-miner-${id}\n\n${description}. Installed by quarry-miner.\n`);
  return pack(dir);
}

/** The package of this machine's platform, with the core that its own compiler made: for checking what is installed. */
function packHere() {
  const libc = process.report.getReport().header.glibcVersionRuntime === undefined ? 'musl' : 'gnu';
  const id = `${process.platform}-${process.arch}${process.platform === 'linux' ? `-${libc}` : ''}`;
  const platform = PLATFORMS[id];
  if (platform === undefined) throw new Error(`no platform ${id}; there are ${Object.keys(PLATFORMS).join(', ')}`);
  const dir = join(cache, `here-${id}`);
  mkdirSync(dir, { recursive: true });
  copyFileSync(join(native, 'build', 'Release', 'quarry.node'), join(dir, 'quarry.node'));
  return packPlatform(id, platform, dir);
}

/**
 * Puts gpu.js and what it computes with into `modules`, without the native packages that it names (another webgpu of
 * 200 MB, and gl): overrides do not reach those who install quarry-miner.
 */
function bundleGpuJs(modules) {
  const read = (name) => JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'));
  const { webgpu: _webgpu, ...needed } = read('gpu.js').dependencies;
  for (const name of ['gpu.js', ...Object.keys(needed)]) {
    cpSync(join(root, 'node_modules', name), join(modules, name), { recursive: true });
  }
  const { optionalDependencies: _gl, devDependencies: _dev, scripts: _scripts, ...rest } = read('gpu.js');
  const trimmed = JSON.stringify({ ...rest, dependencies: needed }, null, 2);
  writeFileSync(join(modules, 'gpu.js', 'package.json'), `${trimmed}\n`);
  rmSync(join(modules, 'gpu.js', 'dist'), { recursive: true, force: true });
  return { bundled: ['gpu.js', ...Object.keys(needed)], gpuDependencies: needed };
}

/** quarry-miner as it is published: with its platform packages, without the scripts that only a clone can run. */
function packMain() {
  const stage = join(cache, 'main');
  rmSync(stage, { recursive: true, force: true });
  mkdirSync(stage, { recursive: true });
  // Otherwise outputs of deleted sources would be packed from an earlier build.
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  const plain = pack('.');
  execFileSync('tar', ['-xzf', plain, '-C', stage, '--strip-components', '1']);
  const { scripts: _scripts, devDependencies: _dev, overrides: _overrides, allowScripts: _allow, ...kept } = manifest;
  const { bundled, gpuDependencies } = bundleGpuJs(join(stage, 'node_modules'));
  const platforms = Object.keys(PLATFORMS).map((id) => [`quarry-miner-${id}`, manifest.version]);
  const published = {
    ...kept,
    dependencies: { ...kept.dependencies, ...gpuDependencies },
    bundleDependencies: bundled,
    optionalDependencies: { ...kept.optionalDependencies, ...Object.fromEntries(platforms) },
  };
  writeFileSync(join(stage, 'package.json'), `${JSON.stringify(published, null, 2)}\n`);
  return pack(stage);
}

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(PLATFORMS);
mkdirSync(artifacts, { recursive: true });
if (wanted.includes('here')) console.log(packHere());
const platforms = wanted.filter((id) => id !== 'main' && id !== 'here');
const python = platforms.length > 0 ? pythonWithZig() : undefined;
for (const id of platforms) {
  const platform = PLATFORMS[id];
  if (platform === undefined) throw new Error(`no platform ${id}; there are ${Object.keys(PLATFORMS).join(', ')}`);
  const dir = join(cache, id);
  mkdirSync(dir, { recursive: true });
  await compile(python, platform, join(dir, 'objects'), join(dir, 'quarry.node'));
  checkSymbols(python, id, platform, join(dir, 'quarry.node'));
  console.log(packPlatform(id, platform, dir));
}
console.log(packMain());
