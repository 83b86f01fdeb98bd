import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { namesIn } from '../../names-in.js';
import { type Machine, textOf } from './machine.js';

/** The installed NVIDIA driver. */
export interface NvidiaDriver {
  /** Such as `535.183.01`. */
  readonly version: string;
  /** Newest supported CUDA version, such as `12.2`; `undefined` if nvidia-smi does not report it. */
  readonly cuda: string | undefined;
}

const NVIDIA_VENDOR = '0x10de';
const SMI_TIMEOUT_MS = 10_000;
const SMI_MOST_BYTES = 1 << 20;

/** Whether there is an NVIDIA GPU, on the PCI bus or provided by WSL. */
export function hasNvidiaGpu({ root }: Machine): boolean {
  if (existsSync(join(root, 'usr/lib/wsl/lib/libcuda.so.1'))) return true;
  if (namesIn(join(root, 'proc/driver/nvidia/gpus')).length > 0) return true;
  const bus = join(root, 'sys/bus/pci/devices');
  return namesIn(bus).some((device) => {
    const is = (file: string): string => textOf(join(bus, device, file))?.trim() ?? '';
    // PCI class 3 covers all GPUs; the same card also has audio and USB devices.
    return is('vendor') === NVIDIA_VENDOR && is('class').startsWith('0x03');
  });
}

/** The driver reported by the kernel or nvidia-smi; `undefined` if there is none. */
export async function nvidiaDriver(machine: Machine): Promise<NvidiaDriver | undefined> {
  const told = await smi(machine);
  const kernel = textOf(join(machine.root, 'proc/driver/nvidia/version')) ?? '';
  const version =
    /Kernel Module(?: for \S+)?\s+(\d+(?:\.\d+)+)/.exec(kernel)?.[1] ??
    /Driver Version:\s*(\d+(?:\.\d+)+)/.exec(told)?.[1];
  return version === undefined ? undefined : { version, cuda: /CUDA Version:\s*(\d+\.\d+)/.exec(told)?.[1] };
}

function smi({ env }: Machine): Promise<string> {
  const limits = { timeout: SMI_TIMEOUT_MS, maxBuffer: SMI_MOST_BYTES, windowsHide: true };
  return new Promise((resolve) => {
    execFile('nvidia-smi', [], { ...limits, env: { ...env } }, (error, stdout) =>
      resolve(error === null ? stdout : ''),
    );
  });
}

/** Whether a version such as `535.183.01` is at least another. */
export function isAtLeast(version: string, least: string): boolean {
  const [a, b] = [version, least].map((text) => text.split('.').map(Number));
  for (let i = 0; i < Math.max(a!.length, b!.length); i++) {
    const difference = (a![i] ?? 0) - (b![i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
