import { createJsEngine } from '../src/engine/js/index.js';
import { createNativeScoringEngine } from '../src/engine/native/index.js';
import { QuarryError } from '../src/errors/index.js';
import { normalArray } from '../src/random/arrgen.js';
import { generateWeightsBytes } from '../src/weights/generate.js';
import { MODEL_CONFIGS, type ModelConfig } from '../src/weights/model-config.js';
import { safetensorsFromBytes } from '../src/weights/safetensors.js';
import { variedBytes } from './varied-bytes.js';

/** The way back beside the way there, for one chunk. */
export interface BackwardResult {
  readonly [key: string]: unknown;
  readonly bench: 'search';
  readonly case: string;
  readonly forwardMs: number;
  /** A gradient: a forward pass of its own, then the way back. */
  readonly gradientMs: number;
  /** The way back alone, as a multiple of the forward pass: processor time, the least of all rounds. */
  readonly backwardToForward: number;
}

const SHAPES: readonly (readonly [string, ModelConfig])[] = [
  ['medium', MODEL_CONFIGS.medium],
  ['v1-two-layers', { ...MODEL_CONFIGS.v1, numLayers: 2 }],
];

/** Times gradients of both formats, after checking one against the reference. */
export async function* backwardCases(quick: boolean, signal?: AbortSignal): AsyncIterable<BackwardResult> {
  await checkGradient();
  for (const [name, shape] of quick ? SHAPES.slice(0, 1) : SHAPES) {
    for (const precision of ['f32', 'bf16'] as const) {
      const weights = safetensorsFromBytes(generateWeightsBytes(shape, 1n));
      const model = await createNativeScoringEngine({ precision }).load(weights, shape);
      const sample = Uint8Array.from(variedBytes(1, 1));
      const direction = normalArray(9n, shape.embeddingDim);
      const forward: Time[] = [];
      const gradient: Time[] = [];
      for (let round = 0; round < 4; round++) {
        forward.push(await timeOf(() => model.score([sample], { signal })));
        gradient.push(await timeOf(() => model.byteGradient(sample, direction, { signal })));
      }
      await model.close();
      const least = (times: readonly Time[], of: keyof Time): number => Math.min(...times.slice(1).map((t) => t[of]));
      yield {
        bench: 'search',
        case: `backward, ${name}, ${precision}`,
        forwardMs: least(forward, 'wallMs'),
        gradientMs: least(gradient, 'wallMs'),
        backwardToForward: least(gradient, 'cpuMs') / least(forward, 'cpuMs') - 1,
      };
    }
  }
}

interface Time {
  readonly wallMs: number;
  readonly cpuMs: number;
}

async function timeOf(work: () => Promise<unknown>): Promise<Time> {
  const started = performance.now();
  const cpu = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { wallMs: performance.now() - started, cpuMs: (user + system) / 1000 };
}

/** @throws QuarryError `ENGINE_FAILED` when the core's gradient differs from the plain one by a thousandth */
async function checkGradient(): Promise<void> {
  const shape = { ...MODEL_CONFIGS.medium, numLayers: 1, sequenceLength: 128 };
  const weights = safetensorsFromBytes(generateWeightsBytes(shape, 1n));
  const [sample, direction] = [
    Uint8Array.from(variedBytes(1, 1)).subarray(0, 128),
    normalArray(9n, shape.embeddingDim),
  ];
  const native = await createNativeScoringEngine({ precision: 'f32' }).load(weights, shape);
  const plain = await createJsEngine().load(weights, shape);
  const [got, want] = [await native.byteGradient(sample, direction), await plain.byteGradient?.(sample, direction)];
  await native.close();
  await plain.close();
  const largest = want?.reduce((most, value) => Math.max(most, Math.abs(value)), 0) ?? Number.NaN;
  const worst = got.reduce((most, value, i) => Math.max(most, Math.abs(value - want![i]!)), 0);
  if (worst <= 1e-3 * largest) return;
  throw new QuarryError('ENGINE_FAILED', 'the gradient is not the plain one', { details: { worst, largest } });
}
