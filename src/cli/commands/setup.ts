import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Command } from 'commander';
import { probeWebGpu } from '../../engine/index.js';
import type { CliContext } from '../context.js';
import { packageRoot } from '../package-root.js';
import { examples, sayJson, tell } from '../print.js';
import { printTable } from '../table.js';

/** Something a GPU takes, and how to get it. */
interface Need {
  readonly name: string;
  readonly present: boolean;
  readonly detail: string;
  /** What to run where it is missing. */
  readonly command: string | undefined;
}

/** `quarry setup`. */
export function setupCommand(context: CliContext): Command {
  const setup = new Command('setup').description('show what else this machine needs, and the commands for it');
  setup
    .command('gpu')
    .description(
      'show what computing on a GPU needs here: what is installed, and the commands for the rest; changes nothing',
    )
    .option('--json', 'one JSON object')
    .addHelpText('after', examples('setup gpu', 'setup gpu --json'))
    .action(async (flags: { readonly json?: boolean | undefined }) => {
      const needs = await gpuNeeds();
      if (flags.json) return sayJson(context, { platform: `${process.platform}-${process.arch}`, needs });
      printTable(context, {}, needs, [
        { header: 'NEEDED', value: (need) => need.name },
        { header: '', value: (need) => (need.present ? 'there' : 'missing') },
        { header: 'FOR', value: (need) => need.detail, shrink: 1 },
        { header: 'RUN', value: (need) => (need.present ? undefined : need.command), shrink: 2 },
      ]);
      tell(context, 'then: quarry doctor --calibrate shows the engines, and the fastest is chosen automatically');
    });
  return setup;
}

async function gpuNeeds(): Promise<Need[]> {
  const isLinux = process.platform === 'linux';
  const hasNvidia = existsSync('/proc/driver/nvidia/version');
  const probe = await probeWebGpu();
  const needs = [
    // CUDA's part is not in the package: its install script fetches it.
    packageNeed('onnxruntime-node', 'scoring with CUDA, DirectML, CoreML or WebGPU', hasNvidia ? CUDA_FLAG : ''),
    packageNeed('webgpu', 'searching stored rows', ''),
    {
      name: 'WebGPU adapter',
      present: probe.available,
      detail: probe.available ? `answers: ${probe.adapter}` : probe.reason,
      command: isLinux
        ? 'apt-get install libvulkan1 mesa-vulkan-drivers (NVIDIA: the driver brings its own)'
        : undefined,
    },
  ];
  if (!isLinux) return needs;
  const command = "the distribution's package of NVIDIA's driver; only for NVIDIA";
  return [...needs, { name: 'NVIDIA driver', present: hasNvidia, detail: 'scoring with CUDA', command }];
}

const CUDA_FLAG = ' --onnxruntime-node-install=cuda12';

function packageNeed(name: 'onnxruntime-node' | 'webgpu', detail: string, flag: string): Need {
  const manifest = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as {
    readonly peerDependencies: Readonly<Record<string, string>>;
  };
  const range = manifest.peerDependencies[name] ?? 'latest';
  return { name, detail, present: isInstalled(name), command: `npm install ${name}@${range}${flag}` };
}

function isInstalled(name: string): boolean {
  try {
    createRequire(join(packageRoot(), 'package.json')).resolve(name);
    return true;
  } catch {
    return false;
  }
}
