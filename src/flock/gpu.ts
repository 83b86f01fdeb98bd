import { execFile } from 'node:child_process';
import { QuarryError } from '../errors/index.js';

/** One NVIDIA GPU. */
export interface Gpu {
  readonly index: number;
  readonly name: string;
  readonly memoryGib: number;
  /** CUDA compute capability, `major.minor`. */
  readonly capability: string;
}

/** Runs a program and returns its standard output; rejects if it cannot run. */
export type RunProgram = (file: string, args: readonly string[]) => Promise<string>;

const runProgram: RunProgram = (file, args) =>
  new Promise((resolve, reject) => {
    execFile(file, [...args], { timeout: 10_000 }, (error, stdout) => (error ? reject(error) : resolve(stdout)));
  });

/** GPUs listed by `nvidia-smi`; empty if it is not installed. */
export async function listGpus(run: RunProgram = runProgram): Promise<Gpu[]> {
  let text: string;
  try {
    text = await run('nvidia-smi', [
      '--query-gpu=index,name,memory.total,compute_cap',
      '--format=csv,noheader,nounits',
    ]);
  } catch {
    return [];
  }
  return text.split('\n').flatMap((line) => {
    const cells = line.split(',').map((cell) => cell.trim());
    const [index, capability] = [Number(cells[0]), cells.at(-1)];
    const memoryMib = Number(cells.at(-2));
    // A GPU's name may contain a comma.
    const name = cells.slice(1, -2).join(', ');
    if (cells.length < 4 || !Number.isInteger(index) || !Number.isFinite(memoryMib) || capability === undefined)
      return [];
    return [{ index, name, memoryGib: memoryMib / 1024, capability }];
  });
}

/** GPUs in the format of flocky's `get_gpu_info`: `{cuda_available, gpu_count, gpu_0: {…}}`. */
export function gpuInfo(gpus: readonly Gpu[]): Record<string, unknown> {
  return {
    cuda_available: gpus.length > 0,
    gpu_count: gpus.length,
    ...Object.fromEntries(
      gpus.map((gpu) => [
        `gpu_${gpu.index}`,
        { name: gpu.name, total_memory: gpu.memoryGib, cuda_capability: gpu.capability },
      ]),
    ),
  };
}

/**
 * The GPU name to submit: the given one, or the first GPU of this machine.
 *
 * @throws QuarryError `CONFIG_MISSING` when there is neither
 */
export async function gpuTypeForSubmission(given: string | undefined, run?: RunProgram): Promise<string> {
  if (given !== undefined && given.trim() !== '') return given.trim();
  const first = (await listGpus(run))[0];
  if (first !== undefined) return first.name;
  throw new QuarryError('CONFIG_MISSING', 'no GPU found on this machine, but a submission must name one', {
    hint: 'Pass --gpu-type with the GPU the model was trained on, for example "NVIDIA A100-SXM4-80GB"; any text is accepted.',
  });
}
