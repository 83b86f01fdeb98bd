import path from 'node:path';
import type * as Ort from 'onnxruntime-node';
import { QuarryError } from '../../errors/index.js';
import type { ModelConfig } from '../../weights/model-config.js';
import type { TensorDtype, TensorInfo, WeightsFile } from '../../weights/weights-file.js';
import { providerEntry } from './devices.js';
import type { HalfWeights } from './half-weights.js';
import { encodeOnnxModel, ONNX_TYPE, type OnnxTensor, type OnnxType } from './onnx-proto.js';
import type { OnnxProvider } from './providers.js';
import { operatorSine, polynomialSine } from './sine.js';
import { buildV1Graph } from './v1-graph.js';
import type { WeightSource } from './v1-graph-parts.js';

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

/** Providers with kernels in a shading language, which lack precise trigonometry; see sine.ts. */
const SHADING: ReadonlySet<OnnxProvider> = new Set(['webgpu', 'dml', 'coreml']);

/** Weights in memory are embedded in the graph, and Protocol Buffers are limited to 2 GiB. */
const MAX_INLINE_BYTES = 1.5 * 2 ** 30;

/** Parts of a session. */
export interface SessionParts {
  readonly ort: typeof Ort;
  readonly weights: WeightsFile;
  readonly config: ModelConfig;
  readonly provider: OnnxProvider;
  /** Device of the provider, by index. Default: its first. */
  readonly device?: number | undefined;
  readonly threads?: number | undefined;
  readonly prepack?: boolean | undefined;
}

/**
 * Starts a session for the model: in f32, or with the layers' products in f16 if `half` is given.
 *
 * @throws QuarryError `ENGINE_UNAVAILABLE` when the provider finds no driver or cannot compute in f16
 * @throws QuarryError `ENGINE_FAILED` when the processor's own provider fails
 * @throws QuarryError `UNSUPPORTED` when weights held in memory are too large
 */
export async function openSession(parts: SessionParts, half?: HalfWeights): Promise<Ort.InferenceSession> {
  const { ort, weights, config, provider } = parts;
  const inline = weights.path === undefined ? await readInline(weights, half) : undefined;
  const folder = commonFolder([weights.path, half?.path].filter((file) => file !== undefined));
  const graph = buildV1Graph(config, {
    weight: fullWeights(weights, inline, folder),
    sine: SHADING.has(provider) ? polynomialSine : operatorSine,
    ...(half !== undefined && { half: halfMatrices(half, weights, folder), emulateHalf: provider === 'cpu' }),
  });
  const session: Ort.InferenceSession.SessionOptions = {
    executionProviders: [providerEntry(provider, parts.device)],
    graphOptimizationLevel: 'all',
    // Do not log errors of the f16 trial: that a provider lacks f16 is an expected result.
    logSeverityLevel: half === undefined ? 3 : 4,
    ...(parts.threads !== undefined && { intraOpNumThreads: parts.threads }),
    extra: {
      // Keep the graph's own layer norm; see `V1Layers.norm`.
      optimization: { disable_specified_optimizers: 'LayerNormFusion' },
      session: {
        disable_prepacking: parts.prepack === true ? '0' : '1',
        ...(folder !== undefined && { model_external_initializers_file_folder_path: folder }),
      },
    },
  };
  try {
    return await ort.InferenceSession.create(encodeOnnxModel(graph), session);
  } catch (error) {
    // A provider without a driver fails only here.
    const code = provider === 'cpu' ? 'ENGINE_FAILED' : 'ENGINE_UNAVAILABLE';
    const format = half === undefined ? '' : ' in f16';
    throw new QuarryError(code, `onnxruntime could not start the model on "${provider}"${format}`, {
      hint: provider === 'cpu' ? 'Check the free memory.' : 'Check the driver, or choose the provider cpu.',
      cause: error,
    });
  }
}

/** The deepest common folder of the files: the runtime resolves external data relative to one folder. */
function commonFolder(files: readonly string[]): string | undefined {
  const [first, ...others] = files.map((file) => path.dirname(path.resolve(file)));
  if (first === undefined) return undefined;
  let folder = first;
  const holds = (inner: string): boolean => {
    const relative = path.relative(folder, inner);
    return relative.split(path.sep)[0] !== '..' && !path.isAbsolute(relative);
  };
  while (!others.every(holds) && folder !== path.dirname(folder)) folder = path.dirname(folder);
  return folder;
}

async function readInline(weights: WeightsFile, half: HalfWeights | undefined): Promise<Map<string, Uint8Array>> {
  if (weights.byteLength > MAX_INLINE_BYTES) {
    throw new QuarryError('UNSUPPORTED', 'weights of this size must be in a file for onnxruntime', {
      details: { bytes: weights.byteLength },
    });
  }
  const inline = new Map<string, Uint8Array>();
  for (const name of weights.tensors.keys()) {
    if (half?.tensors.has(name)) continue;
    const values = await weights.read(name);
    inline.set(name, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return inline;
}

function fullWeights(
  weights: WeightsFile,
  inline: ReadonlyMap<string, Uint8Array> | undefined,
  folder: string | undefined,
): WeightSource {
  return (graph, name) => {
    const info = weights.tensors.get(name) as TensorInfo;
    const data: OnnxTensor['data'] = inline?.get(name) ?? {
      location: path.relative(folder ?? '', path.resolve(weights.path ?? '')),
      offset: info.byteOffset,
      length: info.byteLength,
    };
    const type = inline === undefined ? DTYPES[info.dtype] : ONNX_TYPE.FLOAT;
    const tensor = graph.tensor({ name, type, shape: info.shape, data });
    return type === ONNX_TYPE.FLOAT ? tensor : graph.op('Cast', [tensor], { to: ONNX_TYPE.FLOAT });
  };
}

function halfMatrices(half: HalfWeights, weights: WeightsFile, folder: string | undefined): WeightSource {
  const location = path.relative(folder ?? '', path.resolve(half.path));
  return (graph, name) => {
    const place = half.tensors.get(name);
    if (place === undefined) throw new QuarryError('INTERNAL', `"${name}" is not among the matrices in f16`);
    const shape = (weights.tensors.get(name) as TensorInfo).shape;
    return graph.tensor({ name: `${name}.f16`, type: ONNX_TYPE.FLOAT16, shape, data: { location, ...place } });
  };
}
