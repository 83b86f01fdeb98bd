import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { probeWebGpu, type WebGpuProbe } from '../../src/engine/gpu/index.js';
import {
  chooseProvider,
  chooseProviderHere,
  gpuProviders,
  isReady,
  type Machine,
  type Requirement,
  thisMachine,
} from '../../src/engine/onnx/requirements/index.js';
import { findLibraries } from '../../src/engine/onnx/requirements/shared-libraries.js';
import { temporaryDir } from '../store/fixtures.js';
import { useSoftwareVulkan } from './software-vulkan.js';

useSoftwareVulkan();

const GPU: WebGpuProbe = { available: true, adapter: 'NVIDIA A', maxBufferBytes: 2 ** 30, isSoftware: false };
const NO_GPU: WebGpuProbe = { available: false, reason: 'no Vulkan loader (libvulkan.so.1) is installed' };

const CUDA_12 = [
  'libcudart.so.12',
  'libcublas.so.12',
  'libcublasLt.so.12',
  'libcurand.so.10',
  'libcufft.so.11',
  'libnvrtc.so.12',
];
const LIB = 'usr/lib/x86_64-linux-gnu';
const DRIVER = 'NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build  (dvs-builder@U22)\n';
const OLD_DRIVER = 'NVRM version: NVIDIA UNIX x86_64 Kernel Module  470.82.01  Wed Oct 27 21:21:55 UTC 2021\n';

/** The file system of a machine with a GPU of NVIDIA's; further files are added by the tests. */
class FakeRoot {
  readonly root = temporaryDir();
  readonly env: Record<string, string> = { PATH: join(this.root, 'usr/bin') };
  readonly onnxDir = join(this.root, 'app/node_modules/onnxruntime-node');

  constructor() {
    this.put('sys/bus/pci/devices/0000:01:00.0/vendor', '0x10de\n');
    this.put('sys/bus/pci/devices/0000:01:00.0/class', '0x030000\n');
    this.put('etc/os-release', 'PRETTY_NAME="Ubuntu 24.04"\nID=ubuntu\nID_LIKE=debian\n');
    this.put('app/node_modules/onnxruntime-node/package.json', '{}');
    this.put(
      'app/node_modules/onnxruntime-node/script/install-metadata.js',
      "module.exports = { requirements: { 'linux/x64': ['cuda12'], 'linux/arm64': [] } };",
    );
    for (const place of ['linux/x64', 'linux/arm64', 'win32/x64', 'darwin/arm64'])
      this.put(`app/node_modules/onnxruntime-node/bin/napi-v6/${place}/onnxruntime_binding.node`);
  }

  put(file: string, text = ''): void {
    const path = join(this.root, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }

  libraries(dir: string, names: readonly string[]): void {
    for (const name of names) this.put(join(dir, name));
  }

  /** Everything that CUDA needs. */
  complete(): void {
    this.put('proc/driver/nvidia/version', DRIVER);
    this.libraries(LIB, ['libcuda.so.1', ...CUDA_12, 'libcudnn.so.9']);
    this.put('app/node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime_providers_cuda.so');
  }

  machine(platform: NodeJS.Platform = 'linux', arch = 'x64'): Machine {
    return { platform, arch, root: this.root, env: this.env, onnxDir: this.onnxDir };
  }

  async cuda(): Promise<Record<string, Requirement>> {
    const found = (await gpuProviders(this.machine(), NO_GPU)).find(({ provider }) => provider === 'cuda');
    return Object.fromEntries(found!.requirements.map((requirement) => [requirement.name, requirement]));
  }
}

describe('what CUDA needs on Linux', () => {
  test('is met by driver, provider, CUDA and cuDNN of the right versions', async () => {
    const fake = new FakeRoot();
    fake.complete();
    const found = await fake.cuda();
    expect(Object.keys(found)).toEqual(['onnxruntime-node', 'NVIDIA driver', 'CUDA provider', 'CUDA 12', 'cuDNN 9']);
    expect(Object.values(found).filter(({ met }) => !met)).toEqual([]);
    expect(found['NVIDIA driver']?.detail).toBe('570.86.15');
    expect(found['cuDNN 9']?.detail).toBe(`in /${LIB}`);
  });

  test('each part that is missing is named, with its cure', async () => {
    const found = await new FakeRoot().cuda();
    expect(found['NVIDIA driver']).toEqual({
      name: 'NVIDIA driver',
      met: false,
      detail: 'not loaded; CUDA 12 needs 525.60.13 or newer',
      cure: "apt-get install cuda-drivers (from NVIDIA's repository, developer.nvidia.com/cuda-downloads), then restart",
    });
    expect(found['CUDA provider']?.cure).toMatch(
      /^node \/.*onnxruntime-node\/script\/install\.js --onnxruntime-node-install=cuda12$/,
    );
    expect(found['CUDA 12']?.detail).toBe(`${CUDA_12.join(', ')} not found`);
    expect(found['CUDA 12']?.cure).toContain('apt-get install cuda-libraries-12-9');
    expect(found['cuDNN 9']?.detail).toBe('libcudnn.so.9 not found');
    expect(found['cuDNN 9']?.cure).toContain('apt-get install libcudnn9-cuda-12');
  });

  test('wrong versions are told from missing ones', async () => {
    const fake = new FakeRoot();
    fake.complete();
    fake.put('proc/driver/nvidia/version', OLD_DRIVER);
    expect((await fake.cuda())['NVIDIA driver']).toMatchObject({
      met: false,
      detail: '470.82.01: CUDA 12 needs 525.60.13 or newer',
    });
    const other = new FakeRoot();
    other.put('proc/driver/nvidia/version', DRIVER);
    other.libraries(LIB, ['libcuda.so.1', 'libcudart.so.13', 'libcudnn.so.8', 'libcurand.so.10']);
    const found = await other.cuda();
    expect(found['CUDA 12']?.detail).toMatch(
      /^libcudart\.so\.12, .* not found; another version is there: libcudart\.so\.13 in \/usr\/lib/,
    );
    expect(found['CUDA 12']?.detail).not.toContain('libcurand');
    expect(found['cuDNN 9']?.detail).toContain('another version is there: libcudnn.so.8');
  });

  test('the version is the one that onnxruntime-node names', async () => {
    const fake = new FakeRoot();
    fake.complete();
    fake.put(
      'app/node_modules/onnxruntime-node/script/install-metadata.js',
      "module.exports = { requirements: { 'linux/x64': ['cuda13'] } };",
    );
    const found = await fake.cuda();
    expect(found['NVIDIA driver']?.detail).toBe('570.86.15: CUDA 13 needs 580.65.06 or newer');
    expect(found['CUDA 13']?.detail).toContain('libcufft.so.12');
    expect(found['cuDNN 9']?.met).toBe(true);
  });

  test('libraries are found by LD_LIBRARY_PATH and the cache; elsewhere the loader does not look', async () => {
    const fake = new FakeRoot();
    fake.complete();
    const hidden = new FakeRoot();
    hidden.put('proc/driver/nvidia/version', DRIVER);
    hidden.libraries(LIB, ['libcuda.so.1']);
    hidden.libraries('usr/local/cuda-12.6/lib64', CUDA_12);
    hidden.env['VIRTUAL_ENV'] = '/venv';
    hidden.libraries('venv/lib/python3.12/site-packages/nvidia/cudnn/lib', ['libcudnn.so.9']);
    const found = await hidden.cuda();
    expect(found['CUDA 12']).toMatchObject({
      met: false,
      detail: 'in /usr/local/cuda-12.6/lib64, where the loader does not look',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
      cure: 'export LD_LIBRARY_PATH=/usr/local/cuda-12.6/lib64${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}',
    });
    expect(found['cuDNN 9']?.cure).toContain('/venv/lib/python3.12/site-packages/nvidia/cudnn/lib');
    hidden.env['LD_LIBRARY_PATH'] = '/nowhere:/usr/local/cuda-12.6/lib64';
    expect((await hidden.cuda())['CUDA 12']?.met).toBe(true);
    const cached = ['/venv/lib/python3.12/site-packages/nvidia/cudnn/lib/libcudnn.so.9', '/lib/libz.so.1'];
    hidden.put('etc/ld.so.cache', `glibc-ld.so.cache1.1\0\x01\x02libcudnn.so.9\0${cached.join('\0')}\0`);
    expect((await hidden.cuda())['cuDNN 9']?.met).toBe(true);
  });

  test('nvidia-smi tells what the kernel does not, as under Windows', async () => {
    const fake = new FakeRoot();
    fake.libraries('usr/lib/wsl/lib', ['libcuda.so.1']);
    fake.env['LD_LIBRARY_PATH'] = '/usr/lib/wsl/lib';
    const line = '| NVIDIA-SMI 535.183.01   Driver Version: 535.183.01   CUDA Version: 12.2     |';
    fake.put('usr/bin/nvidia-smi', `#!/bin/sh\necho '${line}'\n`);
    chmodSync(join(fake.root, 'usr/bin/nvidia-smi'), 0o755);
    expect((await fake.cuda())['NVIDIA driver']).toMatchObject({
      met: true,
      detail: '535.183.01, which runs CUDA up to 12.2',
    });
  });

  test('a driver that is not passed to a container is told from one that is not installed', async () => {
    const fake = new FakeRoot();
    fake.put('.dockerenv');
    fake.put('proc/driver/nvidia/version', DRIVER);
    expect((await fake.cuda())['NVIDIA driver']).toMatchObject({
      met: false,
      detail: '570.86.15, but the loader finds no libcuda.so.1',
      cure: expect.stringContaining('--gpus all'),
    });
  });

  test('without a GPU of NVIDIA nothing else of it is asked for', async () => {
    const fake = new FakeRoot();
    fake.put('sys/bus/pci/devices/0000:01:00.0/vendor', '0x1002\n');
    expect(Object.keys(await fake.cuda())).toEqual(['onnxruntime-node', 'NVIDIA GPU']);
  });

  test.runIf(process.platform === 'linux')('libraries of this machine are found as its loader finds them', () => {
    expect(
      findLibraries('libc', thisMachine()).some(({ name, isReachable }) => name === 'libc.so.6' && isReachable),
    ).toBe(true);
  });
});

describe('GPU providers by platform', () => {
  const names = async (platform: NodeJS.Platform, arch: string): Promise<string[]> =>
    (await gpuProviders(new FakeRoot().machine(platform, arch), GPU)).map(({ provider }) => provider);

  test('are those that the package has for it', async () => {
    expect(await names('linux', 'x64')).toEqual(['cuda', 'webgpu']);
    expect(await names('linux', 'arm64')).toEqual([]);
    expect(await names('win32', 'x64')).toEqual(['webgpu', 'dml']);
    expect(await names('darwin', 'arm64')).toEqual(['webgpu', 'coreml']);
    expect(await names('darwin', 'x64')).toEqual([]);
  });

  test('are those that the runtime installed here lists', async () => {
    const { listSupportedBackends } = await import('onnxruntime-node');
    const listedHere = listSupportedBackends().map(({ name }) => name);
    for (const { provider } of await gpuProviders(thisMachine(), NO_GPU)) expect(listedHere).toContain(provider);
  });

  test('DirectML needs its library and Direct3D 12', async () => {
    const fake = new FakeRoot();
    const dml = async () =>
      (await gpuProviders(fake.machine('win32'), NO_GPU)).find(({ provider }) => provider === 'dml')!;
    expect((await dml()).requirements.filter(({ met }) => !met).map(({ name }) => name)).toEqual([
      'DirectML',
      'Direct3D 12',
    ]);
    fake.put('app/node_modules/onnxruntime-node/bin/napi-v6/win32/x64/DirectML.dll');
    fake.put('Windows/System32/d3d12.dll');
    expect(isReady(await dml())).toBe(true);
  });
});

describe('the provider where none is named', () => {
  test('is CUDA where it is complete, else WebGPU on a GPU, else the processor', async () => {
    const fake = new FakeRoot();
    fake.complete();
    expect(await chooseProvider(fake.machine(), GPU)).toMatchObject({ provider: 'cuda' });
    const partial = new FakeRoot();
    const chosen = await chooseProvider(partial.machine(), GPU);
    expect(chosen.provider).toBe('webgpu');
    expect(chosen.reason).toMatch(/^WebGPU adapter NVIDIA A; no cuda \(NVIDIA driver: not loaded/);
    expect(await chooseProvider(partial.machine('win32'), GPU)).toMatchObject({ provider: 'webgpu' });
    const none = await chooseProvider(partial.machine(), NO_GPU);
    expect(none).toMatchObject({
      provider: 'cpu',
      reason: expect.stringContaining('no webgpu (WebGPU adapter: no Vulkan'),
    });
    expect(await chooseProvider(partial.machine('linux', 'arm64'), GPU)).toMatchObject({ provider: 'cpu' });
  });

  test('no adapter is asked for where the kernel shows no GPU', async () => {
    const fake = new FakeRoot();
    // A request for an adapter that found no GPU either would say more than this.
    const unasked = 'the kernel shows no GPU in /dev)';
    expect((await chooseProviderHere(fake.machine())).reason).toContain(unasked);
    fake.put('dev/dri/renderD128');
    expect((await chooseProviderHere(fake.machine())).reason).not.toContain(unasked);
    const { onnxDir: _onnxDir, ...without } = fake.machine();
    expect(await chooseProviderHere({ ...without, onnxDir: undefined })).toMatchObject({ provider: 'cpu' });
  });

  test('is never WebGPU on a program that plays a GPU', async (context) => {
    const probe = await probeWebGpu();
    if (!probe.available || !probe.isSoftware) return context.skip('no software adapter here');
    const { provider, reason } = await chooseProvider(new FakeRoot().machine(), probe);
    expect(provider).toBe('cpu');
    expect(reason).toContain('is a software adapter');
  });
});
