import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LoadedModel, Precision, Score, ScoringEngine } from '../../src/engine/contract.js';
import { createJsEngine } from '../../src/engine/js/index.js';
import { createNativeScoringEngine } from '../../src/engine/native/index.js';
import { createOnnxEngine } from '../../src/engine/onnx/index.js';
import { createReferenceEngine } from '../../src/engine/reference/index.js';
import { QuarryError } from '../../src/errors/index.js';
import { ISA_LEVELS } from '../../src/native/isa-level.js';
import { generateWeightsBytes } from '../../src/weights/generate.js';
import { MODEL_CONFIGS, type ModelConfig } from '../../src/weights/model-config.js';
import { openSafetensors, safetensorsFromBytes } from '../../src/weights/safetensors.js';
import { encodeSafetensors } from '../../src/weights/safetensors-write.js';
import { v1Tensors } from '../../src/weights/v1-layout.js';
import { ConformanceTable } from './conformance-table.js';
import { judgeScore, type Numbers } from './judge-score.js';
import { GOLDEN_CASES, HOSTILE_CASES, LENGTH_CASES, type ScoringCase } from './scoring-cases.js';
import { RUNNER_GOLDENS } from './small-model.js';
import { useSoftwareVulkan } from './software-vulkan.js';
import { dataOf, excess, runnerWeights } from './vectors.js';

useSoftwareVulkan();

/** An engine in one of its ways: a row of the table. */
interface Row {
  readonly precision: Precision;
  readonly create: () => Promise<ScoringEngine>;
  /** Tokens of a chunk in cases of any length. Default 1024, the protocol's. */
  readonly tokens?: number;
  /** Why cases of full chunks would take minutes; they are skipped. */
  readonly slow?: string;
  /** Why the longest case is skipped. */
  readonly notLong?: string;
  /** Largest relative error where it is not that of single precision. */
  readonly tolerance?: number;
}

const NATIVE_ROWS = (['f32', 'bf16'] as const).flatMap((precision) =>
  ISA_LEVELS.map((isa): [string, Row] => [
    `native ${isa} ${precision}`,
    { precision, create: async () => createNativeScoringEngine({ isa, precision, threads: 2 }) },
  ]),
);

/** Every scoring engine; one that does not run here is reported as skipped with its reason. */
const ROWS = new Map<string, Row>([
  ['reference f32', { precision: 'f32', create: async () => createReferenceEngine() }],
  ['js f32', { precision: 'f32', notLong: 'a minute', create: async () => createJsEngine() }],
  ...NATIVE_ROWS,
  [
    'onnx cpu f32',
    {
      precision: 'f32',
      notLong: 'the row below does it, with the same operations',
      create: () => createOnnxEngine({ threads: 2 }),
    },
  ],
  [
    'onnx cpu f32, 3 chunks a run',
    {
      precision: 'f32',
      tokens: 64,
      create: () => createOnnxEngine({ threads: 1, chunksPerRun: 3 }),
    },
  ],
  [
    'onnx cpu f16',
    {
      precision: 'f16',
      tokens: 128,
      notLong: 'onnxruntime emulates f16 on processors: more than a minute',
      create: () => createOnnxEngine({ threads: 2, precision: 'f16' }),
    },
  ],
  [
    'onnx webgpu f16',
    {
      precision: 'f16',
      tokens: 16,
      slow: 'chunks of 1024 tokens take half a minute each on a software GPU',
      create: () => createOnnxEngine({ provider: 'webgpu', precision: 'f16' }),
    },
  ],
  [
    'onnx webgpu f32',
    {
      precision: 'f32',
      tokens: 16,
      slow: 'chunks of 1024 tokens take half a minute each on a software GPU',
      create: () => createOnnxEngine({ provider: 'webgpu' }),
    },
  ],
]);

const ALL_CASES = [...GOLDEN_CASES, ...LENGTH_CASES, ...HOSTILE_CASES];
const FULL_CHUNK = 1024;
const columns = (cases: readonly ScoringCase[]): string[] => cases.map(({ column }) => column);

const table = new ConformanceTable(
  'Scoring engines: largest relative error of loss and embedding against the reference engine (its own: against the ' +
    'goldens)',
  [...ROWS.keys()],
  [columns(GOLDEN_CASES), columns(LENGTH_CASES), columns(HOSTILE_CASES)],
);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'quarry-conformance-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  const goldens = GOLDEN_CASES.map(({ column, title }) => `${column} ${title}`).join('; ');
  console.log(
    `${table}\n\nGoldens: ${goldens}.\nT is 1024 but for onnx webgpu (16), onnx cpu f16 (128) and onnx with 3 chunks a run (64).`,
  );
});

const kept = new Map<string, Promise<Numbers>>();
/** What must come out of a case, computed once for all engines. */
function expectation(it: ScoringCase, tokens: number): Promise<Numbers> {
  if (it.stored !== undefined) return Promise.resolve(it.stored);
  const key = `${it.column} ${tokens}`;
  let result = kept.get(key);
  if (result === undefined) {
    const { config, weights, data } = it.make(tokens);
    result = createReferenceEngine()
      .load(safetensorsFromBytes(weights()), config)
      .then(async (model) => (await model.score([data], { seed: it.seed ?? 0n }))[0]!);
    kept.set(key, result);
  }
  return result;
}

const files = new Map<string, Promise<string>>();
/** A weight file on disk, written once for all engines. */
function fileOf(key: string, weights: () => Uint8Array): Promise<string> {
  let written = files.get(key);
  if (written === undefined) {
    const path = join(folder, `${files.size}.safetensors`);
    written = writeFile(path, weights()).then(() => path);
    files.set(key, written);
  }
  return written;
}

/** Loads from a file on disk, closes it, scores, releases the model. */
async function withModel<T>(
  engine: ScoringEngine,
  path: string,
  config: ModelConfig,
  work: (model: LoadedModel) => Promise<T>,
): Promise<T> {
  const file = await openSafetensors(path);
  const model = await engine.load(file, config);
  await file.close();
  try {
    return await work(model);
  } finally {
    await model.close();
  }
}

describe.each([...ROWS])('%s', (name, row) => {
  let engine: ScoringEngine | undefined;
  let started: LoadedModel | undefined;
  let reason = '';
  const giveUp = (error: unknown): void => {
    if (!(error instanceof QuarryError && error.code === 'ENGINE_UNAVAILABLE')) throw error;
    reason = error.message;
    table.skipRow(name, reason);
  };
  beforeAll(async () => {
    try {
      engine = await row.create();
      // A provider without a driver says so only when a model starts.
      const config = { ...MODEL_CONFIGS.small, sequenceLength: 8 };
      const path = await fileOf('start', () => generateWeightsBytes(config, 1n));
      const file = await openSafetensors(path);
      // Kept open: with its last model a GPU would forget its compiled kernels.
      started = await engine.load(file, config);
      await file.close();
      if (started.note !== undefined) throw new QuarryError('ENGINE_UNAVAILABLE', started.note);
    } catch (error) {
      engine = undefined;
      giveUp(error);
    }
  });
  afterAll(async () => {
    await started?.close();
    await engine?.close();
  });

  const check = (title: string, work: (engine: ScoringEngine) => Promise<void>, skip?: string, timeoutMs?: number) =>
    test(
      title,
      async (context) => {
        if (engine === undefined || skip !== undefined) return context.skip(engine === undefined ? reason : skip);
        await work(engine);
      },
      timeoutMs,
    );

  const { absolute, relative } = RUNNER_GOLDENS.recommended_tolerance;
  for (const [i, it] of ALL_CASES.entries()) {
    const tokens = it.tokens ?? row.tokens ?? FULL_CHUNK;
    const skip = (tokens >= FULL_CHUNK ? row.slow : undefined) ?? (it.long === true ? row.notLong : undefined);
    if (skip !== undefined) table.record(name, it.column, { kind: 'skipped', reason: skip });
    check(
      it.title,
      async (running) => {
        const golden = RUNNER_GOLDENS.cases[i];
        const { config, weights, data } = it.make(tokens);
        const path = await fileOf(`${it.column} ${tokens}`, weights);
        const score = async (model: LoadedModel): Promise<Score> =>
          (await model.score([data], { seed: it.seed ?? 0n }))[0]!;
        if (name === 'reference f32') {
          const got = { precision: 'f32' as const, ...(await expectation(it, tokens)) };
          const note = it.stored === undefined ? 'what the others are compared with' : 'computed beforehand: a minute';
          if (golden === undefined) return table.record(name, it.column, { kind: 'ok', note });
          const want = { loss: golden.loss, embedding: Float32Array.from(golden.embedding) };
          const cell = judgeScore(got, want, { precision: 'f32', errorBound: { loss: 0, distance: 0 } });
          table.record(name, it.column, cell);
          expect(cell).toMatchObject({ failed: false });
          return;
        }
        const want = await expectation(it, tokens);
        await withModel(running, path, config, async (model) => {
          const got = await score(model);
          const tolerance = Math.max(it.tolerance ?? 0, row.tolerance ?? 0);
          const cell = judgeScore(got, want, {
            precision: row.precision,
            errorBound: model.errorBound,
            ...(tolerance > 0 && { tolerance }),
          });
          table.record(name, it.column, cell);
          expect(cell).not.toMatchObject({ failed: true });
          if (golden !== undefined && got.precision === 'f32' && row.tolerance === undefined) {
            expect(excess([got.loss], [golden.loss], absolute, relative)).toBeLessThanOrEqual(0);
            expect(excess(got.embedding, golden.embedding, absolute, relative)).toBeLessThanOrEqual(0);
          }
        });
      },
      skip,
      it.long === true ? 300_000 : 180_000,
    );
  }

  check('weights in other number formats, and in memory', async (it) => {
    const { small } = MODEL_CONFIGS;
    const config = row.slow === undefined ? small : { ...small, sequenceLength: row.tokens ?? FULL_CHUNK };
    const tensors = runnerWeights(v1Tensors(config), 11);
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
    const data = dataOf({ gen: 'bytes_mixed', length: 64 });
    const score = async (model: LoadedModel) => (await model.score([data], { precision: 'f32' }))[0]!;
    const fromNarrow = await withModel(
      it,
      await fileOf(`bf16 ${config.sequenceLength}`, () => encodeSafetensors(narrow)),
      config,
      score,
    );
    const fromWide = await withModel(
      it,
      await fileOf(`wide ${config.sequenceLength}`, () => encodeSafetensors(wide)),
      config,
      score,
    );
    const inMemory = await it.load(safetensorsFromBytes(encodeSafetensors(narrow)), config);
    for (const got of [fromNarrow, await score(inMemory)]) {
      expect(
        judgeScore(got, fromWide, { precision: 'f32', errorBound: inMemory.errorBound, tolerance: 1e-6 }),
      ).toMatchObject({ failed: false });
    }
    await inMemory.close();
  });

  check('several samples come back in order; a wrong file, no bytes and an abort are errors', async (it) => {
    const tokens = row.tokens ?? FULL_CHUNK;
    const config = { ...MODEL_CONFIGS.small, sequenceLength: tokens };
    const path = await fileOf(`5 ${tokens}`, () => generateWeightsBytes(config, 5n));
    await withModel(it, path, config, async (model) => {
      const samples = [10, 2 * tokens - 40, 1].map((length) =>
        dataOf({ gen: 'bytes_mixed', length: Math.max(1, length) }),
      );
      const together = await model.score(samples);
      for (const [i, sample] of samples.entries()) expect((await model.score([sample]))[0]).toEqual(together[i]);
      await expect(model.score([new Uint8Array(0)])).rejects.toMatchObject({ code: 'DATA_EMPTY' });
      const signal = AbortSignal.abort();
      await expect(model.score(samples, { signal })).rejects.toMatchObject({ code: 'ABORTED' });
    });
    const wrong = safetensorsFromBytes(generateWeightsBytes({ ...config, hiddenDim: 64 }, 1n));
    await expect(it.load(wrong, config)).rejects.toMatchObject({ code: 'WEIGHTS_INVALID' });
  });
});

test('an onnxruntime provider that this build lacks is an engine that is unavailable', async () => {
  const missing = process.platform === 'darwin' ? 'dml' : 'coreml';
  await expect(createOnnxEngine({ provider: missing })).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
  await expect(createOnnxEngine({ provider: 'abacus' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});
