import { LAYER_NORM_EPSILON, type ModelConfig, PAD_TOKEN } from '../../weights/model-config.js';
import { MASK_FILL } from '../reference/attention.js';
import { SIG_REG } from '../reference/sig-reg.js';
import { GraphBuilder } from './graph-builder.js';
import { ONNX_TYPE, type OnnxGraph, type OnnxValue } from './onnx-proto.js';
import type { SineMethod } from './sine.js';

/** Adds a weight to the graph by its key and returns the name of its value. */
export type WeightSource = (graph: GraphBuilder, name: string) => string;

/** What a graph is made of besides the model's shape. */
export interface V1GraphParts {
  /** Weights in f32. */
  readonly weight: WeightSource;
  /** The layers' matrices in f16. Present: their products are in f16, everything else stays in f32. */
  readonly half?: WeightSource | undefined;
  /**
   * Rounds to f16 and multiplies in f32, for a provider without f16 products. The runtime would do so by itself, but
   * leaves the rounding out.
   */
  readonly emulateHalf?: boolean | undefined;
  readonly sine: SineMethod;
}

/** Name of the free dimension: chunks computed together. */
const CHUNKS = 'chunks';

/** What a run is given, by input name. `[chunks, T]` unless said otherwise. */
export const V1_INPUTS = {
  tokens: 'tokens',
  targets: 'targets',
  /** f32 `[chunks, T, 1, D / 2]`, from the reference's table: f32 rounding of the angle is part of the result. */
  cos: 'cos',
  sin: 'sin',
  /** f32 `[E, 256]`, columns of unit length. */
  projection: 'projection',
} as const;

/** What a run gives back. */
export const V1_OUTPUTS = {
  /** f32 `[chunks, E]`: mean of the representations over positions. */
  embedding: 'embedding',
  /** f32 `[chunks]`: summed negative log-likelihood of the targets that count. */
  nll: 'nll',
  /** f32 `[chunks]`: SIGReg summed over positions, without its coefficient. */
  sigReg: 'sig_reg',
  /** f32 `[]`, in f16 only: the largest magnitude of a row maximum among attention scores. */
  attention: 'attention',
  /** f32 `[]`, in f16 only: the largest magnitude among queries and keys; infinite where one overflowed. */
  reach: 'reach',
} as const;

/**
 * The V1 model with both losses as one ONNX graph, for any number of chunks at a time. The score matrix is the full
 * square, filled with -10000 above the diagonal as the network does it, so hostile weights need no special case.
 *
 * In f16 the inputs and outputs of the layers' products are rounded to it; the residual, norms, softmax, GELU, logits and
 * losses are not, for its range ends at 65,504. What overflows elsewhere turns into NaN further on; queries, keys and
 * scores need not, so their magnitudes are outputs.
 */
export function buildV1Graph(
  config: ModelConfig,
  { weight, half, emulateHalf = false, sine }: V1GraphParts,
): OnnxGraph {
  const { embeddingDim: width, sequenceLength: length, numHeads: heads } = config;
  const headDim = width / heads;
  const g = new GraphBuilder();

  const narrowed = new Map<string, string>();
  const narrow = (x: string): string => {
    const known = narrowed.get(x) ?? g.op('Cast', [x], { to: ONNX_TYPE.FLOAT16 });
    narrowed.set(x, known);
    return known;
  };
  const widen = (x: string): string => g.op('Cast', [x], { to: ONNX_TYPE.FLOAT });
  const halfProduct = (a: string, b: string): string =>
    emulateHalf ? widen(narrow(g.op('MatMul', [widen(narrow(a)), widen(b)]))) : widen(g.op('MatMul', [narrow(a), b]));
  const exactLinear = (x: string, prefix: string): string =>
    g.op('Add', [g.op('MatMul', [x, weight(g, `${prefix}.weight`)]), weight(g, `${prefix}.bias`)]);
  const linear = (x: string, prefix: string): string =>
    half === undefined
      ? exactLinear(x, prefix)
      : g.op('Add', [halfProduct(x, half(g, `${prefix}.weight`)), weight(g, `${prefix}.bias`)]);
  const peaks = { attention: [] as string[], reach: [] as string[] };
  const peak = (x: string, ...axes: number[]): string =>
    g.op('ReduceMax', [g.op('Abs', [x]), g.ints(...axes)], { keepdims: 0 });
  // In two passes, as the network does it: onnxruntime's own operator subtracts the squared mean from the mean square,
  // which loses digits and turns large activations into NaN.
  const norm = (x: string, prefix: string): string => {
    const centred = g.op('Sub', [x, g.op('ReduceMean', [x, g.ints(-1)])]);
    const variance = g.op('ReduceMean', [g.op('Mul', [centred, centred]), g.ints(-1)]);
    const deviation = g.op('Sqrt', [g.op('Add', [variance, g.scalar(LAYER_NORM_EPSILON)])]);
    const scaled = g.op('Mul', [g.op('Div', [centred, deviation]), weight(g, `${prefix}.gamma`)]);
    return g.op('Add', [scaled, weight(g, `${prefix}.beta`)]);
  };
  const slice = (x: string, from: number, to: number, axis: number): string =>
    g.op('Slice', [x, g.ints(from), g.ints(to), g.ints(axis)]);
  const split = (x: string): string => g.op('Reshape', [x, g.ints(0, 0, heads, headDim)]);

  const rope = (x: string): string => {
    const a = slice(x, 0, headDim / 2, 3);
    const b = slice(x, headDim / 2, headDim, 3);
    const first = g.op('Sub', [g.op('Mul', [a, V1_INPUTS.cos]), g.op('Mul', [b, V1_INPUTS.sin])]);
    const second = g.op('Add', [g.op('Mul', [b, V1_INPUTS.cos]), g.op('Mul', [a, V1_INPUTS.sin])]);
    return g.op('Concat', [first, second], { axis: 3 });
  };

  const causal = g.tensor({
    name: 'causal',
    type: ONNX_TYPE.BOOL,
    shape: [length, length],
    data: lowerTriangle(length),
  });
  const fill = g.scalar(MASK_FILL);
  const rootHeadDim = g.scalar(Math.fround(Math.sqrt(headDim)));
  const attention = (u: string, prefix: string): string => {
    const query = g.op('Transpose', [rope(split(linear(u, `${prefix}.query`)))], { perm: [0, 2, 1, 3] });
    const key = g.op('Transpose', [rope(split(linear(u, `${prefix}.key`)))], { perm: [0, 2, 3, 1] });
    const value = g.op('Transpose', [split(linear(u, `${prefix}.value`))], { perm: [0, 2, 1, 3] });
    // Divided before rounding, scores keep within the range of f16 for longer.
    const products =
      half === undefined
        ? g.op('Div', [g.op('MatMul', [query, key]), rootHeadDim])
        : halfProduct(g.op('Div', [query, rootHeadDim]), narrow(key));
    const scores = g.op('Where', [causal, products, fill]);
    const shares = g.op('Softmax', [scores], { axis: -1 });
    const context = half === undefined ? g.op('MatMul', [shares, value]) : halfProduct(shares, narrow(value));
    if (half !== undefined) {
      peaks.attention.push(peak(g.op('ReduceMax', [scores, g.ints(-1)], { keepdims: 0 }), 0, 1, 2));
      peaks.reach.push(peak(query, 0, 1, 2, 3), peak(key, 0, 1, 2, 3));
    }
    const joined = g.op('Reshape', [g.op('Transpose', [context], { perm: [0, 2, 1, 3] }), g.ints(0, 0, width)]);
    return linear(joined, `${prefix}.output`);
  };

  const gelu = (x: string): string => {
    const erf = g.op('Erf', [g.op('Div', [x, g.scalar(Math.fround(Math.SQRT2))])]);
    return g.op('Mul', [g.op('Mul', [x, g.op('Add', [erf, g.scalar(1)])]), g.scalar(0.5)]);
  };

  let x = g.op('Gather', [weight(g, 'embedding.weight'), V1_INPUTS.tokens], { axis: 0 });
  for (let l = 0; l < config.numLayers; l++) {
    const layer = `encoder.layers.${l}`;
    x = g.op('Add', [x, attention(norm(x, `${layer}.norm_1`), `${layer}.attention`)]);
    const hidden = gelu(linear(norm(x, `${layer}.norm_2`), `${layer}.pwff.linear_inner`));
    x = g.op('Add', [x, linear(hidden, `${layer}.pwff.linear_outer`)]);
  }
  const r = norm(x, 'final_norm');

  g.output(g.op('ReduceMean', [r, g.ints(1)], { keepdims: 0 }), V1_OUTPUTS.embedding);
  g.output(negativeLogLikelihood(g, exactLinear(r, 'predictor')), V1_OUTPUTS.nll);
  g.output(sigRegSum(g, g.op('MatMul', [r, V1_INPUTS.projection]), sine), V1_OUTPUTS.sigReg);

  if (half !== undefined) {
    g.output(g.op('Max', [g.scalar(0), ...peaks.attention]), V1_OUTPUTS.attention);
    g.output(g.op('Max', [g.scalar(0), ...peaks.reach]), V1_OUTPUTS.reach);
  }

  const f32 = (name: string, ...shape: (number | string)[]): OnnxValue => ({ name, type: ONNX_TYPE.FLOAT, shape });
  const i64 = (name: string): OnnxValue => ({ name, type: ONNX_TYPE.INT64, shape: [CHUNKS, length] });
  return g.build(
    'soma_v1',
    [
      i64(V1_INPUTS.tokens),
      i64(V1_INPUTS.targets),
      f32(V1_INPUTS.cos, CHUNKS, length, 1, headDim / 2),
      f32(V1_INPUTS.sin, CHUNKS, length, 1, headDim / 2),
      f32(V1_INPUTS.projection, width, SIG_REG.slices),
    ],
    [
      f32(V1_OUTPUTS.embedding, CHUNKS, width),
      f32(V1_OUTPUTS.nll, CHUNKS),
      f32(V1_OUTPUTS.sigReg, CHUNKS),
      ...(half === undefined ? [] : [f32(V1_OUTPUTS.attention), f32(V1_OUTPUTS.reach)]),
    ],
  );
}

/** `logits [chunks, T, V]` to `[chunks]`; positions whose target is PAD are zeroed, even where they are NaN. */
function negativeLogLikelihood(g: GraphBuilder, logits: string): string {
  const targets = g.op('Unsqueeze', [V1_INPUTS.targets, g.ints(2)]);
  const picked = g.op('GatherElements', [g.op('LogSoftmax', [logits], { axis: -1 }), targets], { axis: 2 });
  const counted = g.op('Where', [g.op('Equal', [targets, g.int(PAD_TOKEN)]), g.scalar(0), picked]);
  return g.op('Neg', [g.op('ReduceSum', [counted, g.ints(1, 2)], { keepdims: 0 })]);
}

/**
 * `projected [chunks, T, S]` to `[chunks]`. The points are equally spaced: each turns the one before by the same angle,
 * so one sine and one cosine serve all. The point t = 0 contributes nothing: its cosine is 1 and its sine 0.
 */
function sigRegSum(g: GraphBuilder, projected: string, sine: SineMethod): string {
  const { tMax, points, slices } = SIG_REG;
  const step = tMax / (points - 1);
  const angle = g.op('Mul', [projected, g.scalar(step)]);
  const { sin, cos } = sine(g, angle);
  const mean = (values: string): string => g.op('ReduceMean', [values, g.ints(2)], { keepdims: 0 });
  const times = (a: string, b: string): string => g.op('Mul', [a, b]);
  let re = cos;
  let im = sin;
  let integral: string | undefined;
  for (let i = 1; i < points; i++) {
    const phi = Math.exp(-((i * step) ** 2) / 2);
    const weight = (i === points - 1 ? step : 2 * step) * phi * slices;
    const real = g.op('Sub', [mean(re), g.scalar(phi)]);
    const imaginary = mean(im);
    const error = g.op('Add', [times(real, real), times(imaginary, imaginary)]);
    const term = times(error, g.scalar(weight));
    integral = integral === undefined ? term : g.op('Add', [integral, term]);
    if (i === points - 1) break;
    const reNext = g.op('Sub', [times(re, cos), times(im, sin)]);
    im = g.op('Add', [times(im, cos), times(re, sin)]);
    re = reNext;
  }
  return g.op('ReduceSum', [integral ?? g.scalar(0), g.ints(1)], { keepdims: 0 });
}

function lowerTriangle(length: number): Uint8Array {
  const mask = new Uint8Array(length * length);
  for (let i = 0; i < length; i++) mask.fill(1, i * length, i * length + i + 1);
  return mask;
}
