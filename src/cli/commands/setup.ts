import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Command } from 'commander';
import { probeWebGpu } from '../../engine/index.js';
import {
  adapterRequirement,
  gpuProviders,
  type Requirement,
  thisMachine,
} from '../../engine/onnx/requirements/index.js';
import { packageRoot } from '../../package/package-root.js';
import type { CliContext } from '../context.js';
import { examples, sayJson, tell } from '../print.js';
import { printTable } from '../table.js';

/** A requirement of GPU scoring and how to install it. */
interface Need {
  readonly name: string;
  readonly present: boolean;
  /** Purpose. */
  readonly detail: string;
  /** What is installed, or what exactly is missing. */
  readonly found: string;
  /** Command to run if it is missing. */
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
        { header: 'FOUND', value: (need) => need.found, shrink: 2 },
        { header: 'RUN', value: (need) => (need.present ? undefined : need.command), shrink: 2 },
      ]);
      tell(context, 'then: quarry doctor --calibrate shows the engines, and the fastest is chosen automatically');
    });
  return setup;
}

async function gpuNeeds(): Promise<Need[]> {
  const machine = thisMachine();
  const probe = await probeWebGpu();
  const providers = await gpuProviders(machine, probe);
  const needs: Need[] = [packageNeed('onnxruntime-node', 'scoring')];
  if (providers.length === 0) {
    const found = `onnxruntime-node has no GPU provider for ${machine.platform}-${machine.arch}`;
    needs.push({ name: 'GPU provider', present: false, detail: 'scoring', found, command: undefined });
  }
  for (const { provider, requirements } of providers) {
    // Skip the runtime, which is listed above, and the adapter, which both uses share.
    const own = requirements.filter(({ name }) => name !== needs[0]?.name && name !== ADAPTER);
    needs.push(
      ...own.map((requirement) => needOf(requirement, `scoring with ${PROVIDER_NAMES[provider] ?? provider}`)),
    );
  }
  const hasWebGpu = providers.some(({ provider }) => provider === 'webgpu');
  const adapter = needOf(
    adapterRequirement(machine, probe),
    hasWebGpu ? 'scoring with WebGPU, comparing' : 'comparing',
  );
  return [...needs, packageNeed('webgpu', 'comparing, and finding the adapter'), adapter];
}

function needOf({ name, met, detail, cure }: Requirement, use: string): Need {
  return { name, present: met, detail: use, found: detail, command: cure };
}

const ADAPTER = 'WebGPU adapter';
const PROVIDER_NAMES: Readonly<Record<string, string>> = { cuda: 'CUDA', dml: 'DirectML', coreml: 'CoreML' };

function packageNeed(name: 'onnxruntime-node' | 'webgpu', detail: string): Need {
  const manifest = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as {
    readonly peerDependencies: Readonly<Record<string, string>>;
  };
  const range = manifest.peerDependencies[name] ?? 'latest';
  const present = isInstalled(name);
  const found = present ? 'installed' : 'not installed';
  return { name, detail, present, found, command: `npm install ${name}@${range}` };
}

function isInstalled(name: string): boolean {
  try {
    createRequire(join(packageRoot(), 'package.json')).resolve(name);
    return true;
  } catch {
    return false;
  }
}
