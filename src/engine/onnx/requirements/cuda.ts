import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Machine, onnxLibraryDir, type Requirement, textOf } from './machine.js';
import { hasNvidiaGpu, isAtLeast, nvidiaDriver } from './nvidia-driver.js';
import { findLibraries, type SharedLibrary } from './shared-libraries.js';

/** Requirements of a provider built for one major CUDA version. */
interface CudaVersion {
  readonly leastDriver: string;
  /** Major version of each CUDA library. */
  readonly libraries: Readonly<Record<string, number>>;
  readonly cudnn: number;
  /** Package in NVIDIA's repositories; any release of the same major version is compatible. */
  readonly packages: string;
}

const CUDA_VERSIONS: Readonly<Record<number, CudaVersion>> = {
  12: {
    leastDriver: '525.60.13',
    libraries: { libcudart: 12, libcublas: 12, libcublasLt: 12, libcurand: 10, libcufft: 11, libnvrtc: 12 },
    cudnn: 9,
    packages: 'cuda-libraries-12-9',
  },
  13: {
    leastDriver: '580.65.06',
    libraries: { libcudart: 13, libcublas: 13, libcublasLt: 13, libcurand: 10, libcufft: 12, libnvrtc: 13 },
    cudnn: 9,
    packages: 'cuda-libraries-13-0',
  },
};

/** Used if the package does not state its version: that of onnxruntime-node 1.22 to 1.30. */
const USUAL_CUDA = 12;
const PROVIDER_LIBRARY = 'libonnxruntime_providers_cuda.so';

/**
 * Requirements of onnxruntime's CUDA provider on Linux x64: driver, provider library, CUDA and cuDNN. Without an NVIDIA
 * GPU, only that is reported.
 */
export async function cudaRequirements(machine: Machine): Promise<Requirement[]> {
  if (!hasNvidiaGpu(machine)) {
    return [{ name: 'NVIDIA GPU', met: false, detail: 'none on the PCI bus' }];
  }
  const major = cudaMajor(machine);
  const version = CUDA_VERSIONS[major] ?? CUDA_VERSIONS[USUAL_CUDA]!;
  const cudnn = { libcudnn: version.cudnn };
  return [
    await driverRequirement(machine, major, version),
    providerRequirement(machine, major),
    libraryRequirement(machine, `CUDA ${major}`, version.libraries, 'libcudart', installCuda(machine, major, version)),
    libraryRequirement(machine, `cuDNN ${version.cudnn}`, cudnn, 'libcudnn', installCudnn(machine, major, version)),
  ];
}

/** Major CUDA version that the installed onnxruntime-node was built for, from the metadata of its install script. */
function cudaMajor({ onnxDir, platform, arch }: Machine): number {
  if (onnxDir === undefined) return USUAL_CUDA;
  try {
    const script = createRequire(join(onnxDir, 'package.json'))('./script/install-metadata.js') as {
      readonly requirements?: Readonly<Record<string, readonly string[]>>;
    };
    const names = script.requirements?.[`${platform}/${arch}`] ?? [];
    const majors = names.map((name) => Number(/^cuda(\d+)$/.exec(name)?.[1]));
    return majors.find((major) => CUDA_VERSIONS[major] !== undefined) ?? USUAL_CUDA;
  } catch {
    return USUAL_CUDA;
  }
}

async function driverRequirement(machine: Machine, major: number, { leastDriver }: CudaVersion): Promise<Requirement> {
  const name = 'NVIDIA driver';
  const driver = await nvidiaDriver(machine);
  const inContainer = existsSync(join(machine.root, '.dockerenv'));
  const pass = "start the container with --gpus all, by NVIDIA's container toolkit";
  if (driver === undefined) {
    const cure = inContainer ? pass : installDriver(machine, leastDriver);
    return { name, met: false, detail: `not loaded; CUDA ${major} needs ${leastDriver} or newer`, cure };
  }
  const newest = driver.cuda === undefined ? '' : `, which runs CUDA up to ${driver.cuda}`;
  if (!isAtLeast(driver.version, leastDriver)) {
    const detail = `${driver.version}${newest}: CUDA ${major} needs ${leastDriver} or newer`;
    return { name, met: false, detail, cure: installDriver(machine, leastDriver) };
  }
  if (!findLibraries('libcuda', machine).some(({ isReachable }) => isReachable)) {
    const cure = inContainer ? pass : 'reinstall the driver with its libraries for computing';
    return { name, met: false, detail: `${driver.version}, but the loader finds no libcuda.so.1`, cure };
  }
  return { name, met: true, detail: `${driver.version}${newest}` };
}

function providerRequirement(machine: Machine, major: number): Requirement {
  const name = 'CUDA provider';
  const dir = onnxLibraryDir(machine);
  if (dir !== undefined && existsSync(join(dir, PROVIDER_LIBRARY)))
    return { name, met: true, detail: `${PROVIDER_LIBRARY}, for CUDA ${major}` };
  const flag = `--onnxruntime-node-install=cuda${major}`;
  const cure =
    machine.onnxDir === undefined
      ? `npm install onnxruntime-node ${flag}`
      : `node ${join(machine.onnxDir, 'script/install.js')} ${flag}`;
  const detail = `${PROVIDER_LIBRARY} is not in onnxruntime-node: its install script, which was skipped, fetches it`;
  return { name, met: false, detail, cure };
}

function libraryRequirement(
  machine: Machine,
  name: string,
  wanted: Readonly<Record<string, number>>,
  telling: string,
  install: string,
): Requirement {
  const missing: string[] = [];
  const hidden = new Set<string>();
  const found: SharedLibrary[] = [];
  for (const [stem, major] of Object.entries(wanted)) {
    const all = findLibraries(stem, machine);
    const right = all.filter((library) => library.major === major);
    const reachable = right.find(({ isReachable }) => isReachable);
    if (reachable !== undefined) found.push(reachable);
    else if (right[0] !== undefined) hidden.add(right[0].dir);
    else missing.push(`${stem}.so.${major}`);
  }
  if (missing.length === 0 && hidden.size === 0) {
    const dirs = [...new Set(found.map(({ dir }) => dir))];
    return { name, met: true, detail: `in ${dirs.join(', ')}` };
  }
  if (missing.length === 0) {
    const dirs = [...hidden].join(':');
    const detail = `in ${[...hidden].join(', ')}, where the loader does not look`;
    return { name, met: false, detail, cure: `export LD_LIBRARY_PATH=${dirs}\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}` };
  }
  const others = findLibraries(telling, machine).filter(({ major }) => major !== wanted[telling]);
  const instead = [...new Set(others.map((library) => `${library.name} in ${library.dir}`))];
  const other = instead.length === 0 ? '' : `; another version is there: ${instead.join(', ')}`;
  return { name, met: false, detail: `${missing.join(', ')} not found${other}`, cure: install };
}

/** The package manager of the distribution. */
function packageTool({ root }: Machine): 'apt-get' | 'dnf' | 'zypper' | undefined {
  const text = textOf(join(root, 'etc/os-release')) ?? '';
  const names = [...text.matchAll(/^ID(?:_LIKE)?="?([^"\n]*)"?$/gm)].map(([, value]) => value).join(' ');
  if (/\b(debian|ubuntu)\b/.test(names)) return 'apt-get';
  if (/\b(rhel|fedora|centos)\b/.test(names)) return 'dnf';
  return /\bsuse\b|opensuse/.test(names) ? 'zypper' : undefined;
}

const REPOSITORY = "from NVIDIA's repository, developer.nvidia.com/cuda-downloads";

function installDriver(machine: Machine, least: string): string {
  const tool = packageTool(machine);
  if (tool === undefined) return `install NVIDIA's driver ${least} or newer`;
  return `${tool} install ${tool === 'apt-get' ? 'cuda-drivers' : 'nvidia-driver'} (${REPOSITORY}), then restart`;
}

function installCuda(machine: Machine, major: number, { packages }: CudaVersion): string {
  const tool = packageTool(machine);
  if (tool !== undefined) return `${tool} install ${packages} (${REPOSITORY})`;
  const names = ['cuda-runtime', 'cublas', 'curand', 'cufft', 'cuda-nvrtc'];
  return `pip install ${names.map((name) => wheel(name, major)).join(' ')}, then quarry setup gpu again`;
}

function installCudnn(machine: Machine, major: number, { cudnn }: CudaVersion): string {
  const tool = packageTool(machine);
  if (tool !== undefined) return `${tool} install libcudnn${cudnn}-cuda-${major} (${REPOSITORY})`;
  return `pip install nvidia-cudnn-cu${major}, then quarry setup gpu again`;
}

/** Since CUDA 13, the names of NVIDIA's wheels have no version suffix. */
function wheel(name: string, major: number): string {
  return major >= 13 ? `nvidia-${name}` : `nvidia-${name}-cu${major}`;
}
