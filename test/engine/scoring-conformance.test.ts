import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LoadedModel, ScoringEngine } from '../../src/engine/contract.js';
import { MODEL_CONFIGS, type ModelConfig } from '../../src/engine/model-config.js';
import { createNativeScoringEngine } from '../../src/engine/native/index.js';
import { createOnnxEngine } from '../../src/engine/onnx/index.js';
import { createReferenceEngine } from '../../src/engine/reference/index.js';
import { QuarryError } from '../../src/errors/index.js';
import { generateWeightsBytes } from '../../src/weights/generate.js';
import { openSafetensors, safetensorsFromBytes } from '../../src/weights/safetensors.js';
import { encodeSafetensors, type SafetensorsTensor } from '../../src/weights/safetensors-write.js';
import { v1Tensors } from '../../src/weights/v1-layout.js';
import { configOf, RUNNER_GOLDENS, runnerFile } from './small-model.js';
import { dataOf, excess, runnerWeights } from './vectors.js';

/** Every scoring engine; one that does not run here is reported as skipped with its reason. */
const ENGINES: Record<string, () => Promise<ScoringEngine>> = {
  reference: async () => createReferenceEngine(),
  'onnx cpu': () => createOnnxEngine({ threads: 2 }),
  'onnx cpu, 3 chunks a run': () => createOnnxEngine({ threads: 1, chunksPerRun: 3 }),
  'native f32': async () => createNativeScoringEngine({ threads: 2, precision: 'f32' }),
};

const { small, medium } = MODEL_CONFIGS;

/** Single precision over a few layers. */
const ABSOLUTE = 2e-5;
const RELATIVE = 1e-5;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quarry-conformance-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** The small model with some tensors changed. */
function changed(edit: (tensors: Map<string, SafetensorsTensor & { data: Float32Array }>) => void): Uint8Array {
  const tensors = new Map(runnerWeights(v1Tensors(small), 7).map((tensor) => [tensor.name, tensor]));
  edit(tensors);
  return encodeSafetensors([...tensors.values()]);
}

const bytes = (length: number) => dataOf({ gen: 'bytes_mixed', length });

interface EdgeCase {
  readonly name: string;
  readonly weights: Uint8Array;
  readonly data: Uint8Array;
  readonly seed?: bigint;
  readonly absolute?: number;
}

/** Beside the goldens, which hold two batches of 16 * 1024 + 1 bytes. */
const EDGES: EdgeCase[] = [
  ...[1, 1023, 1024, 1025].map((length) => ({
    name: `${length} bytes`,
    weights: generateWeightsBytes(small, 5n),
    data: bytes(length),
  })),
  { name: 'the last seed', weights: generateWeightsBytes(small, 5n), data: bytes(9), seed: (1n << 64n) - 1n },
  {
    name: 'NaN in one feature',
    weights: changed((t) => {
      t.get('final_norm.gamma')!.data[3] = Number.NaN;
    }),
    data: bytes(100),
  },
  {
    name: 'NaN in a token that occurs',
    weights: changed((t) => {
      t.get('embedding.weight')!.data[16 * bytes(100)[50]!] = Number.NaN;
    }),
    data: bytes(100),
  },
  {
    name: 'NaN in a token that does not occur',
    weights: changed((t) => {
      t.get('embedding.weight')!.data[16 * 260] = Number.NaN;
    }),
    data: bytes(100),
  },
  {
    name: 'an infinite logit',
    weights: changed((t) => {
      t.get('predictor.bias')!.data[5] = Number.POSITIVE_INFINITY;
    }),
    data: bytes(100),
  },
  {
    name: 'an impossible class',
    weights: changed((t) => {
      t.get('predictor.bias')!.data[263] = Number.NEGATIVE_INFINITY;
    }),
    data: bytes(100),
  },
  {
    name: 'activations whose squares overflow f32',
    weights: changed((t) => {
      const { data } = t.get('embedding.weight')!;
      for (let i = 0; i < data.length; i++) data[i]! *= 1e25;
    }),
    data: bytes(1024),
  },
  {
    name: 'large activations with little variance',
    weights: changed((t) => {
      const { data } = t.get('embedding.weight')!;
      for (let i = 0; i < data.length; i++) data[i] = 4096 + Math.round(data[i]! * 8);
    }),
    data: bytes(300),
    // One ulp of 4096 is 5e-4 of the variance.
    absolute: 2e-3,
  },
  {
    // Scores far below the mask's -10000: early rows see only later positions, as in the network.
    name: 'scores below the mask',
    weights: changed((t) => {
      for (const [name, tensor] of t) {
        if (name.endsWith('query.weight') || name.endsWith('key.weight')) tensor.data.fill(0);
        if (name.endsWith('query.bias')) tensor.data.fill(122);
        if (name.endsWith('key.bias')) tensor.data.fill(-122);
      }
    }),
    data: bytes(1024),
    absolute: 1e-3,
  },
];

/** Numbers that are equal within tolerance, NaN where NaN is expected. */
function expectClose(got: ArrayLike<number>, expected: ArrayLike<number>, absolute = ABSOLUTE): void {
  expect(Array.from(got, Number.isNaN)).toEqual(Array.from(expected, Number.isNaN));
  const finite = (values: ArrayLike<number>) => Array.from(values, (x) => (Number.isNaN(x) ? 0 : x));
  expect(excess(finite(got), finite(expected), absolute, RELATIVE)).toBeLessThanOrEqual(0);
}

const oracle = new Map<string, Promise<{ loss: number; embedding: Float32Array }>>();
/** What the reference makes of a case; computed once for all engines. */
function expectation(edge: EdgeCase, config: ModelConfig = small) {
  let result = oracle.get(edge.name);
  if (result === undefined) {
    result = createReferenceEngine()
      .load(safetensorsFromBytes(edge.weights), config)
      .then(async (model) => (await model.score([edge.data], { seed: edge.seed ?? 0n }))[0]!);
    oracle.set(edge.name, result);
  }
  return result;
}

describe.each(Object.entries(ENGINES))('%s', (name, create) => {
  let engine: ScoringEngine | undefined;
  let reason = '';
  let files = 0;
  beforeAll(async () => {
    try {
      engine = await create();
    } catch (error) {
      if (!(error instanceof QuarryError && error.code === 'ENGINE_UNAVAILABLE')) throw error;
      reason = error.message;
    }
  });
  afterAll(() => engine?.close());

  const check = (title: string, work: (engine: ScoringEngine) => Promise<void>, timeoutMs?: number) =>
    test(
      title,
      async (context) => {
        if (engine === undefined) context.skip(reason);
        else await work(engine);
      },
      timeoutMs,
    );

  /** Loads from a file on disk, closes it, scores, releases the model. */
  async function withModel<T>(
    it: ScoringEngine,
    weights: Uint8Array,
    config: ModelConfig,
    work: (model: LoadedModel) => Promise<T>,
  ): Promise<T> {
    const path = join(folder, `${name.replaceAll(/\W/g, '-')}-${files++}.safetensors`);
    await writeFile(path, weights);
    const file = await openSafetensors(path);
    const model = await it.load(file, config);
    await file.close();
    try {
      return await work(model);
    } finally {
      await model.close();
    }
  }

  const { absolute, relative } = RUNNER_GOLDENS.recommended_tolerance;
  // The reference has its own test of the goldens, batch by batch.
  for (const golden of name === 'reference' ? [] : RUNNER_GOLDENS.cases) {
    check(`golden: ${golden.name}`, async (it) => {
      const config = configOf(golden);
      await withModel(it, runnerFile(config, golden.weights_seed), config, async (model) => {
        const [score] = await model.score([dataOf(golden.data)], { seed: BigInt(golden.seed) });
        expect(excess([score!.loss], [golden.loss], absolute, relative)).toBeLessThanOrEqual(0);
        expect(excess(score!.embedding, golden.embedding, absolute, relative)).toBeLessThanOrEqual(0);
      });
    });
  }

  // The grouping of chunks does not touch what a chunk computes.
  if (name !== 'reference' && name !== 'onnx cpu, 3 chunks a run') {
    for (const edge of EDGES) {
      check(`like the reference: ${edge.name}`, async (it) => {
        const want = await expectation(edge);
        await withModel(it, edge.weights, small, async (model) => {
          const [score] = await model.score([edge.data], { seed: edge.seed ?? 0n, precision: 'f32' });
          expectClose([score!.loss], [want.loss], edge.absolute);
          expectClose(score!.embedding, want.embedding, edge.absolute);
        });
      });
    }
    check(
      'like the reference: a medium model',
      async (it) => {
        const edge = { name: 'medium', weights: generateWeightsBytes(medium, 3n), data: bytes(700) };
        const want = await expectation(edge, medium);
        await withModel(it, edge.weights, medium, async (model) => {
          const [score] = await model.score([edge.data], { precision: 'f32' });
          expectClose([score!.loss], [want.loss]);
          expectClose(score!.embedding, want.embedding);
        });
      },
      60_000,
    );
  }

  check('weights in other number formats, and in memory', async (it) => {
    const tensors = runnerWeights(v1Tensors(small), 11);
    const narrow = tensors.map((tensor) => {
      const bits = new Uint32Array(tensor.data.buffer);
      return {
        ...tensor,
        dtype: 'BF16' as const,
        data: new Uint8Array(Uint16Array.from(bits, (w) => w >>> 16).buffer),
      };
    });
    const wide = tensors.map((tensor) => {
      const truncated = Uint32Array.from(new Uint32Array(tensor.data.buffer), (w) => w & 0xffff0000);
      return { ...tensor, data: new Float32Array(truncated.buffer) };
    });
    const score = async (model: LoadedModel) => (await model.score([bytes(64)], { precision: 'f32' }))[0]!;
    const fromNarrow = await withModel(it, encodeSafetensors(narrow), small, score);
    const fromWide = await withModel(it, encodeSafetensors(wide), small, score);
    const inMemory = await it.load(safetensorsFromBytes(encodeSafetensors(narrow)), small);
    expectClose(fromNarrow.embedding, fromWide.embedding, 1e-6);
    expectClose((await score(inMemory)).embedding, fromWide.embedding, 1e-6);
    await inMemory.close();
  });

  check('several samples come back in order; a wrong file, no bytes and an abort are errors', async (it) => {
    await withModel(it, generateWeightsBytes(small, 5n), small, async (model) => {
      const samples = [bytes(10), bytes(2000), bytes(1)];
      const together = await model.score(samples);
      for (const [i, sample] of samples.entries()) expect((await model.score([sample]))[0]).toEqual(together[i]);
      await expect(model.score([new Uint8Array(0)])).rejects.toMatchObject({ code: 'DATA_EMPTY' });
      const signal = AbortSignal.abort();
      await expect(model.score(samples, { signal })).rejects.toMatchObject({ code: 'ABORTED' });
    });
    const wrong = safetensorsFromBytes(generateWeightsBytes({ ...small, hiddenDim: 64 }, 1n));
    await expect(it.load(wrong, small)).rejects.toMatchObject({ code: 'WEIGHTS_INVALID' });
  });
});

// Debian's chromium carries a software Vulkan driver; its own Mesa driver is too old for Dawn.
const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json';
if (process.env['VK_ICD_FILENAMES'] === undefined && existsSync(SWIFTSHADER)) {
  process.env['VK_ICD_FILENAMES'] = SWIFTSHADER;
}

test('onnx on WebGPU agrees with the reference', async (context) => {
  let model: LoadedModel;
  // Short chunks: SwiftShader takes half a minute for a full one.
  const config = { ...small, sequenceLength: 64 };
  const edge = { name: 'webgpu', weights: generateWeightsBytes(config, 5n), data: bytes(150) };
  const path = join(folder, 'webgpu.safetensors');
  await writeFile(path, edge.weights);
  try {
    const engine = await createOnnxEngine({ provider: 'webgpu' });
    const file = await openSafetensors(path);
    model = await engine.load(file, config);
  } catch (error) {
    if (!(error instanceof QuarryError && error.code === 'ENGINE_UNAVAILABLE')) throw error;
    return context.skip(error.message);
  }
  const want = await expectation(edge, config);
  const [score] = await model.score([edge.data]);
  expectClose([score!.loss], [want.loss], 1e-4);
  expectClose(score!.embedding, want.embedding, 1e-4);
  await model.close();
});

test('an onnxruntime provider that this build lacks is an engine that is unavailable', async () => {
  const missing = process.platform === 'darwin' ? 'dml' : 'coreml';
  await expect(createOnnxEngine({ provider: missing })).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
  await expect(createOnnxEngine({ provider: 'abacus' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});
