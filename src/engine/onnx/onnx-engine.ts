import { basename, dirname } from 'node:path';
import type * as Ort from 'onnxruntime-node';
import { QuarryError, throwIfAborted, toQuarryError } from '../../errors/index.js';
import { assertFitsV1 } from '../../weights/v1-layout.js';
import type { TensorDtype, TensorInfo, WeightsFile } from '../../weights/weights-file.js';
import type { ErrorBound, LoadedModel, Score, ScoreOptions, ScoringEngine } from '../contract.js';
import { assertModelConfig, type ModelConfig } from '../model-config.js';
import { batchesOf, type Chunk, chunkAt } from '../reference/data-contract.js';
import { emptyData } from '../reference/evaluate.js';
import { ProjectionCache } from '../reference/projection-cache.js';
import { ropeTable } from '../reference/rope.js';
import { RunningMean } from '../reference/running-mean.js';
import { SIG_REG } from '../reference/sig-reg.js';
import { encodeOnnxModel, ONNX_TYPE, type OnnxTensor, type OnnxType } from './onnx-proto.js';
import { operatorSine, polynomialSine } from './sine.js';
import { buildV1Graph, V1_INPUTS, V1_OUTPUTS, type WeightSource } from './v1-graph.js';

/** Execution providers of onnxruntime that make sense here. */
export const ONNX_PROVIDERS = ['cpu', 'cuda', 'tensorrt', 'webgpu', 'dml', 'coreml'] as const;

/** A name in {@link ONNX_PROVIDERS}. */
export type OnnxProvider = (typeof ONNX_PROVIDERS)[number];

export interface OnnxEngineOptions {
  /** Threads of one operation. Default: onnxruntime's own choice, one per core. */
  readonly threads?: number;
  /** Default `cpu`. */
  readonly provider?: string;
  /** Chunks computed together. More suit a GPU and take more memory: 1 GB each at the full size. Default 1. */
  readonly chunksPerRun?: number;
  /**
   * Lets onnxruntime keep a rearranged copy of every weight in memory. Default false: the mapped file is used as it is,
   * loads at once and is shared by all processes.
   */
  readonly prepack?: boolean;
}

const DTYPES: Readonly<Record<TensorDtype, OnnxType>> = {
  F64: ONNX_TYPE.DOUBLE,
  F32: ONNX_TYPE.FLOAT,
  F16: ONNX_TYPE.FLOAT16,
  BF16: ONNX_TYPE.BFLOAT16,
  I64: ONNX_TYPE.INT64,
  I32: ONNX_TYPE.INT32,
  I16: ONNX_TYPE.INT16,
  I8: ONNX_TYPE.INT8,
  U64: ONNX_TYPE.UINT64,
  U32: ONNX_TYPE.UINT32,
  U8: ONNX_TYPE.UINT8,
  BOOL: ONNX_TYPE.BOOL,
};

/**
 * How far a provider's f32 may be from the reference. NVIDIA's libraries round the inputs of f32 products to TF32 unless
 * told otherwise, which this binding cannot do; toy models of 8 layers moved by up to 7e-5 in loss and 1e-5 in distance,
 * and these are ten times that. CoreML may compute in f16.
 */
const ERROR_BOUNDS: Readonly<Record<OnnxProvider, ErrorBound>> = {
  cpu: { loss: 0, distance: 0 },
  webgpu: { loss: 0, distance: 0 },
  dml: { loss: 0, distance: 0 },
  cuda: { loss: 7e-4, distance: 1e-4 },
  tensorrt: { loss: 7e-4, distance: 1e-4 },
  coreml: { loss: 1e-2, distance: 1e-3 },
};

/** Providers whose kernels are written in a shading language. */
const SHADING: ReadonlySet<OnnxProvider> = new Set(['webgpu', 'dml', 'coreml']);

/** Protocol Buffers stop at 2 GiB; weights held in memory travel inside the graph. */
const MAX_INLINE_BYTES = 1.5 * 2 ** 30;

/**
 * A scoring engine on onnxruntime, an optional dependency. The graph is built at load; weights on disk are mapped from
 * the safetensors file, not copied.
 *
 * All products are in f32. f16 would gain on GPUs only; its range ends at 65,504, so a model would have to be loaded twice
 * to measure the error and to score again what overflows.
 *
 * @throws QuarryError `ENGINE_UNAVAILABLE` when onnxruntime-node or the provider is missing, with the reason
 */
export async function createOnnxEngine(options: OnnxEngineOptions = {}): Promise<ScoringEngine> {
  const provider = providerOf(options.provider ?? 'cpu');
  const ort = await loadOnnxRuntime();
  const supported = ort.listSupportedBackends().map(({ name }) => name);
  if (!supported.includes(provider)) {
    throw new QuarryError('ENGINE_UNAVAILABLE', `this onnxruntime has no provider "${provider}"`, {
      hint: `Choose one of ${supported.join(', ')}.`,
    });
  }
  const projections = new ProjectionCache();
  return {
    name: `onnx ${provider}`,
    device: provider,
    precision: 'f32',
    async load(weights, config, loadOptions = {}) {
      assertModelConfig(config);
      assertFitsV1(weights, config);
      throwIfAborted(loadOptions.signal, 'loading weights');
      const session = await openSession(ort, weights, config, provider, options);
      return loadedModel(ort, session, config, projections, ERROR_BOUNDS[provider], options.chunksPerRun ?? 1);
    },
    async close() {},
  };
}

function providerOf(name: string): OnnxProvider {
  const provider = ONNX_PROVIDERS.find((known) => known === name);
  if (provider === undefined) {
    throw new QuarryError('INVALID_ARGUMENT', `there is no onnxruntime provider "${name}"`, {
      hint: `Choose one of ${ONNX_PROVIDERS.join(', ')}.`,
    });
  }
  return provider;
}

async function loadOnnxRuntime(): Promise<typeof Ort> {
  try {
    return await import('onnxruntime-node');
  } catch (error) {
    throw new QuarryError('ENGINE_UNAVAILABLE', 'onnxruntime-node is not installed or does not load here', {
      hint: 'Install it with: npm install onnxruntime-node',
      cause: error,
    });
  }
}

async function openSession(
  ort: typeof Ort,
  weights: WeightsFile,
  config: ModelConfig,
  provider: OnnxProvider,
  options: OnnxEngineOptions,
): Promise<Ort.InferenceSession> {
  const inline = weights.path === undefined ? await readInline(weights, config) : undefined;
  const graph = buildV1Graph(
    config,
    weightSource(weights, inline),
    SHADING.has(provider) ? polynomialSine : operatorSine,
  );
  const session: Ort.InferenceSession.SessionOptions = {
    executionProviders: [provider],
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    ...(options.threads !== undefined && { intraOpNumThreads: options.threads }),
    extra: {
      // The graph spells the norm out for a reason; see there.
      optimization: { disable_specified_optimizers: 'LayerNormFusion' },
      session: {
        disable_prepacking: options.prepack === true ? '0' : '1',
        ...(weights.path !== undefined && { model_external_initializers_file_folder_path: dirname(weights.path) }),
      },
    },
  };
  try {
    return await ort.InferenceSession.create(encodeOnnxModel(graph), session);
  } catch (error) {
    // A provider that is compiled in but finds no driver says so only here.
    const code = provider === 'cpu' ? 'ENGINE_FAILED' : 'ENGINE_UNAVAILABLE';
    throw new QuarryError(code, `onnxruntime could not start the model on "${provider}"`, {
      hint: provider === 'cpu' ? 'Check the free memory.' : 'Check the driver, or choose the provider cpu.',
      cause: error,
    });
  }
}

async function readInline(weights: WeightsFile, config: ModelConfig): Promise<Map<string, Uint8Array>> {
  if (weights.byteLength > MAX_INLINE_BYTES) {
    throw new QuarryError('UNSUPPORTED', 'weights of this size must be in a file for onnxruntime', {
      facts: { bytes: weights.byteLength, layers: config.numLayers },
    });
  }
  const inline = new Map<string, Uint8Array>();
  for (const name of weights.tensors.keys()) {
    const values = await weights.read(name);
    inline.set(name, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return inline;
}

function weightSource(weights: WeightsFile, inline: ReadonlyMap<string, Uint8Array> | undefined): WeightSource {
  return (graph, name) => {
    const info = weights.tensors.get(name) as TensorInfo;
    const data: OnnxTensor['data'] = inline?.get(name) ?? {
      location: basename(weights.path ?? ''),
      offset: info.byteOffset,
      length: info.byteLength,
    };
    const type = inline === undefined ? DTYPES[info.dtype] : ONNX_TYPE.FLOAT;
    const tensor = graph.tensor({ name, type, shape: info.shape, data });
    return type === ONNX_TYPE.FLOAT ? tensor : graph.op('Cast', [tensor], { to: ONNX_TYPE.FLOAT });
  };
}

function loadedModel(
  ort: typeof Ort,
  session: Ort.InferenceSession,
  config: ModelConfig,
  projections: ProjectionCache,
  errorBound: ErrorBound,
  chunksPerRun: number,
): LoadedModel {
  const score = async (sample: Uint8Array, { seed = 0n, signal }: ScoreOptions): Promise<Score> => {
    if (sample.length === 0) throw emptyData();
    const width = config.embeddingDim;
    const embedding = new RunningMean();
    const loss = new RunningMean();
    for (const [k, indices] of batchesOf(sample.length, config).entries()) {
      const noise = projections.get(seed + BigInt(k), width);
      const projection = new ort.Tensor('float32', noise, [width, SIG_REG.slices]);
      const mean = new Float64Array(width);
      let nll = 0;
      let sig = 0;
      for (let first = 0; first < indices.length; first += chunksPerRun) {
        throwIfAborted(signal, 'scoring');
        const chunks = indices
          .slice(first, first + chunksPerRun)
          .map((index) => chunkAt(sample, index, config.sequenceLength));
        const result = await session.run({ ...chunkInputs(ort, chunks, config), [V1_INPUTS.projection]: projection });
        const values = (name: string): Float32Array => result[name]?.data as Float32Array;
        const embeddings = values(V1_OUTPUTS.embedding);
        for (let i = 0; i < embeddings.length; i++)
          mean[i % width] = mean[i % width]! + embeddings[i]! / indices.length;
        for (const value of values(V1_OUTPUTS.nll)) nll += value;
        for (const value of values(V1_OUTPUTS.sigReg)) sig += value;
      }
      embedding.add(mean);
      loss.add([(nll + SIG_REG.coefficient * sig) / (indices.length * config.sequenceLength)]);
    }
    return { loss: loss.value![0]!, embedding: embedding.value!, precision: 'f32' };
  };
  return {
    config,
    errorBound,
    async score(samples, options = {}) {
      const scores: Score[] = [];
      for (const sample of samples) {
        try {
          scores.push(await score(sample, options));
        } catch (error) {
          const known = toQuarryError(error, 'scoring with onnxruntime');
          if (known.code !== 'INTERNAL') throw known;
          throw new QuarryError('ENGINE_FAILED', known.message, { cause: error });
        }
      }
      return scores;
    },
    close: () => session.release(),
  };
}

function chunkInputs(ort: typeof Ort, chunks: readonly Chunk[], config: ModelConfig): Record<string, Ort.Tensor> {
  const { sequenceLength: length, embeddingDim, numHeads } = config;
  const half = embeddingDim / numHeads / 2;
  const count = chunks.length;
  const tokens = new BigInt64Array(count * length);
  const targets = new BigInt64Array(count * length);
  const cos = new Float32Array(count * length * half);
  const sin = new Float32Array(count * length * half);
  for (const [c, chunk] of chunks.entries()) {
    tokens.set(BigInt64Array.from(chunk.tokens, BigInt), c * length);
    targets.set(BigInt64Array.from(chunk.targets, BigInt), c * length);
    const rope = ropeTable(chunk.positions, 2 * half);
    cos.set(rope.cos, c * length * half);
    sin.set(rope.sin, c * length * half);
  }
  return {
    [V1_INPUTS.tokens]: new ort.Tensor('int64', tokens, [count, length]),
    [V1_INPUTS.targets]: new ort.Tensor('int64', targets, [count, length]),
    [V1_INPUTS.cos]: new ort.Tensor('float32', cos, [count, length, 1, half]),
    [V1_INPUTS.sin]: new ort.Tensor('float32', sin, [count, length, 1, half]),
  };
}
