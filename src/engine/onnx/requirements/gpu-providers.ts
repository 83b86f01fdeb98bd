import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { WebGpuProbe } from '../../gpu/request-adapter.js';
import { probeWebGpu } from '../../gpu/webgpu.js';
import { hasGpuDevice } from '../../gpu-device.js';
import type { OnnxProvider } from '../providers.js';
import { cudaRequirements } from './cuda.js';
import { type Machine, onnxLibraryDir, type Requirement, thisMachine } from './machine.js';

/** A GPU provider of onnxruntime, with its requirements on this machine. */
export interface GpuProvider {
  readonly provider: OnnxProvider;
  readonly requirements: readonly Requirement[];
}

/** GPU providers in the prebuilt onnxruntime-node, in order of preference. TensorRT, part of the CUDA build, must be named. */
const PACKAGED: Readonly<Record<string, readonly OnnxProvider[]>> = {
  'linux-x64': ['cuda', 'webgpu'],
  'linux-arm64': [],
  'win32-x64': ['webgpu', 'dml'],
  'win32-arm64': ['webgpu', 'dml'],
  'darwin-arm64': ['webgpu', 'coreml'],
};

/** The default provider, with the reason. */
export interface ProviderChoice {
  readonly provider: OnnxProvider;
  readonly reason: string;
}

/** Whether all requirements of a provider are met. */
export function isReady({ requirements }: GpuProvider): boolean {
  return requirements.every(({ met }) => met);
}

/**
 * GPU providers that onnxruntime-node has for a platform, in order of preference; empty if it has none.
 *
 * @param probe the machine's WebGPU adapter
 */
export async function gpuProviders(machine: Machine, probe: WebGpuProbe): Promise<GpuProvider[]> {
  const packaged = PACKAGED[`${machine.platform}-${machine.arch}`] ?? [];
  return Promise.all(
    packaged.map(async (provider) => {
      const own = await requirementsOf(provider, machine, probe);
      return { provider, requirements: [runtimeRequirement(machine), ...own] };
    }),
  );
}

/**
 * The default provider: CUDA if its requirements are met, else WebGPU on a GPU, else the CPU. Software adapters are never
 * chosen, nor are DirectML and CoreML, whose scores are untested.
 */
export async function chooseProvider(machine: Machine, probe: WebGpuProbe): Promise<ProviderChoice> {
  const refusals: string[] = [];
  const providers = await gpuProviders(machine, probe);
  for (const each of providers.filter(({ provider }) => provider === 'cuda' || provider === 'webgpu')) {
    const unmet = each.requirements.find(({ met }) => !met);
    if (unmet === undefined) {
      const detail = each.requirements.at(-1)?.detail ?? '';
      const reason = each.provider === 'webgpu' ? `WebGPU adapter ${detail}` : 'all requirements of CUDA are met';
      return { provider: each.provider, reason: [reason, ...refusals].join('; ') };
    }
    refusals.push(`no ${each.provider} (${unmet.name}: ${unmet.detail})`);
  }
  if (providers.length === 0) refusals.push('onnxruntime-node has no GPU provider for this platform');
  return { provider: 'cpu', reason: refusals.join('; ') };
}

/**
 * The default provider of this machine. An adapter is requested only if there may be a GPU, because that is slow.
 *
 * @param known the machine's WebGPU adapter, if it was requested before
 */
export async function chooseProviderHere(machine = thisMachine(), known?: WebGpuProbe): Promise<ProviderChoice> {
  if (machine.onnxDir === undefined) return { provider: 'cpu', reason: 'onnxruntime-node is not installed' };
  return chooseProvider(machine, known ?? (await probeIfGpu(machine)));
}

async function probeIfGpu({ platform, root }: Machine): Promise<WebGpuProbe> {
  if (hasGpuDevice(platform, root)) return probeWebGpu();
  return { available: false, reason: 'the kernel shows no GPU in /dev' };
}

function runtimeRequirement(machine: Machine): Requirement {
  const name = 'onnxruntime-node';
  const dir = onnxLibraryDir(machine);
  if (dir !== undefined) return { name, met: true, detail: 'installed' };
  const detail = machine.onnxDir === undefined ? 'not installed' : 'installed without libraries for this platform';
  return { name, met: false, detail, cure: 'npm install onnxruntime-node' };
}

async function requirementsOf(provider: OnnxProvider, machine: Machine, probe: WebGpuProbe): Promise<Requirement[]> {
  if (provider === 'cuda') return cudaRequirements(machine);
  if (provider === 'webgpu') return [adapterRequirement(machine, probe)];
  if (provider === 'dml') return directMlRequirements(machine);
  return [{ name: 'CoreML', met: true, detail: 'part of macOS' }];
}

/** A hardware WebGPU adapter, probed with the `webgpu` package because onnxruntime does not report its own adapter. */
export function adapterRequirement(machine: Machine, probe: WebGpuProbe): Requirement {
  const name = 'WebGPU adapter';
  if (probe.available && !probe.isSoftware) return { name, met: true, detail: probe.adapter };
  const detail = probe.available
    ? `${probe.adapter} is a software adapter, which is never chosen automatically`
    : probe.reason;
  return { name, met: false, detail, cure: (probe.available ? undefined : probe.cure) ?? adapterCure(machine) };
}

function adapterCure({ platform }: Machine): string {
  if (platform !== 'linux') return "install the GPU's driver";
  return "install the GPU's Vulkan driver and its loader: NVIDIA's driver and libvulkan1, or for AMD and Intel mesa-vulkan-drivers";
}

function directMlRequirements(machine: Machine): Requirement[] {
  const dir = onnxLibraryDir(machine);
  const system = join(machine.root, (machine.env['SystemRoot'] ?? 'C:\\Windows').replace(/^[A-Za-z]:[\\/]*/, ''));
  const hasLibrary = dir !== undefined && existsSync(join(dir, 'DirectML.dll'));
  const hasDirect3d = existsSync(join(system, 'System32', 'd3d12.dll'));
  return [
    {
      name: 'DirectML',
      met: hasLibrary,
      detail: hasLibrary ? 'in onnxruntime-node' : 'DirectML.dll is not in onnxruntime-node',
      cure: 'npm install onnxruntime-node',
    },
    {
      name: 'Direct3D 12',
      met: hasDirect3d,
      detail: hasDirect3d ? 'part of Windows' : 'd3d12.dll not found',
      cure: 'Windows 10 version 1903 or newer has it',
    },
  ];
}
