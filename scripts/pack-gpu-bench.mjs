// Packs bench/gpu.sh with all it needs on a Linux machine that has nothing but a GPU driver: Node, the built files that the
// bench reaches, the native core, onnxruntime, Dawn, and libraries for machines that lack them. Usage: after npm run build,
// node scripts/pack-gpu-bench.mjs [bundle.tar.gz]
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { build } from 'esbuild';

const LIMIT_BYTES = 60 * 2 ** 20;
const NAME = 'quarry-gpu-bench';
/** Where Debian, Fedora and Arch keep libraries. */
const LIBRARY_FOLDERS = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib64', '/usr/lib'];

const root = resolve(import.meta.dirname, '..');
const bundle = resolve(process.argv[2] ?? `${NAME}.tar.gz`);
if (process.platform !== 'linux') throw new Error('the bundle is for Linux and is packed there');
/** The bench, and the process that requests the adapter for it. */
const entries = ['bench/gpu-report.js', 'workers/adapter.js'].map((name) => join(root, 'dist', name));
if (!entries.every(existsSync)) throw new Error('not built: npm run build');

const work = mkdtempSync(join(tmpdir(), `${NAME}-`));
process.once('exit', () => rmSync(work, { recursive: true, force: true }));
const place = join(work, NAME);

function take(file, to = relative(root, file)) {
  mkdirSync(dirname(join(place, to)), { recursive: true });
  copyFileSync(realpathSync(file), join(place, to));
}

/** The files that the bench loads, and the manifests Node reads beside them. */
async function reached() {
  const { metafile } = await build({
    entryPoints: entries,
    absWorkingDir: root,
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    outdir: work,
    external: ['*.node'],
    logLevel: 'error',
  });
  const files = new Set(Object.keys(metafile.inputs).map((name) => resolve(root, name)));
  for (const file of [...files]) {
    for (let folder = dirname(file); folder.startsWith(root); folder = dirname(folder)) {
      if (existsSync(join(folder, 'package.json'))) files.add(join(folder, 'package.json'));
    }
  }
  return [...files].filter((file) => file.startsWith(root + sep) && existsSync(file));
}

function takeFolder(folder) {
  for (const name of readdirSync(join(root, folder))) take(join(root, folder, name));
}

function takeLibrary(name, folder) {
  const found = LIBRARY_FOLDERS.map((each) => join(each, name)).find(existsSync);
  if (found === undefined)
    throw new Error(`${name} is not installed here: apt-get install libvulkan1 libstdc++6 libgcc-s1`);
  take(found, join('runtime', folder, name));
}

for (const file of await reached()) take(file);
take(join(root, 'bench', 'gpu.sh'));
take(join(root, 'native', 'binding.gyp'));
take(join(root, 'native', 'build', 'Release', 'quarry.node'));
takeFolder(`node_modules/webgpu/dist/${process.platform}-${process.arch}`);
takeFolder(`node_modules/onnxruntime-node/bin/napi-v6/${process.platform}/${process.arch}`);
take(process.execPath, 'runtime/node');
takeLibrary('libvulkan.so.1', 'vulkan');
takeLibrary('libstdc++.so.6', 'c++');
takeLibrary('libgcc_s.so.1', 'c++');
// Debug symbols are a tenth of it.
execFileSync('strip', ['--strip-all', join(place, 'runtime', 'node')]);

execFileSync('tar', ['-C', work, '--owner=0', '--group=0', '-I', 'gzip -9', '-cf', bundle, NAME]);
const { size } = statSync(bundle);
console.log(`${bundle}  ${(size / 2 ** 20).toFixed(1)} MiB of at most ${LIMIT_BYTES / 2 ** 20}`);
if (size > LIMIT_BYTES) process.exitCode = 1;
