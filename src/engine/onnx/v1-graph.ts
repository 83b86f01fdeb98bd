import { type ModelConfig, PAD_TOKEN } from '../../weights/model-config.js';
import { SIG_REG } from '../reference/sig-reg.js';
import type { GraphBuilder } from './graph-builder.js';
import { ONNX_TYPE, type OnnxGraph, type OnnxValue } from './onnx-proto.js';
import type { SineMethod } from './sine.js';
import { V1_INPUTS, type V1GraphParts } from './v1-graph-parts.js';
import { V1Layers } from './v1-layers.js';

/** Name of the dynamic dimension: chunks per run. */
const CHUNKS = 'chunks';

/** Outputs of a run. */
export const V1_OUTPUTS = {
  /** f32 `[chunks, E]`: mean of the representations over positions. */
  embedding: 'embedding',
  /** f32 `[chunks]`: summed negative log-likelihood of the targets that count. */
  nll: 'nll',
  /** f32 `[chunks]`: SIGReg summed over positions, without its coefficient. */
  sigReg: 'sig_reg',
  /** f32 `[]`, only in f16: the largest magnitude of a row maximum among attention scores. */
  attention: 'attention',
  /** f32 `[]`, only in f16: the largest magnitude among queries and keys; infinite on overflow. */
  reach: 'reach',
} as const;

/**
 * Builds the V1 model with both losses as one ONNX graph, for any number of chunks. The attention scores are the full
 * square matrix, filled with -10000 above the diagonal as in the network, so hostile weights need no special case.
 *
 * In f16 only the inputs and outputs of the layers' products are rounded; residual, norms, softmax, GELU, logits and
 * losses stay f32, because f16 ends at 65,504. Overflows turn into NaN downstream, except possibly those of queries,
 * keys and scores, whose magnitudes are therefore outputs.
 */
export function buildV1Graph(config: ModelConfig, parts: V1GraphParts): OnnxGraph {
  const { embeddingDim: width, sequenceLength: length, numHeads } = config;
  const layers = new V1Layers(config, parts);
  const { g } = layers;
  let x = g.op('Gather', [parts.weight(g, 'embedding.weight'), V1_INPUTS.tokens], { axis: 0 });
  for (let l = 0; l < config.numLayers; l++) x = layers.encode(x, `encoder.layers.${l}`);
  const r = layers.norm(x, 'final_norm');

  g.output(g.op('ReduceMean', [r, g.ints(1)], { keepdims: 0 }), V1_OUTPUTS.embedding);
  g.output(negativeLogLikelihood(g, layers.exactLinear(r, 'predictor')), V1_OUTPUTS.nll);
  g.output(sigRegSum(g, g.op('MatMul', [r, V1_INPUTS.projection]), parts.sine), V1_OUTPUTS.sigReg);
  if (parts.half !== undefined) {
    g.output(g.op('Max', [g.scalar(0), ...layers.peaks.attention]), V1_OUTPUTS.attention);
    g.output(g.op('Max', [g.scalar(0), ...layers.peaks.reach]), V1_OUTPUTS.reach);
  }

  const f32 = (name: string, ...shape: (number | string)[]): OnnxValue => ({ name, type: ONNX_TYPE.FLOAT, shape });
  const i64 = (name: string): OnnxValue => ({ name, type: ONNX_TYPE.INT64, shape: [CHUNKS, length] });
  const halfHead = width / numHeads / 2;
  return g.build(
    'soma_v1',
    [
      i64(V1_INPUTS.tokens),
      i64(V1_INPUTS.targets),
      f32(V1_INPUTS.cos, CHUNKS, length, 1, halfHead),
      f32(V1_INPUTS.sin, CHUNKS, length, 1, halfHead),
      f32(V1_INPUTS.projection, width, SIG_REG.slices),
    ],
    [
      f32(V1_OUTPUTS.embedding, CHUNKS, width),
      f32(V1_OUTPUTS.nll, CHUNKS),
      f32(V1_OUTPUTS.sigReg, CHUNKS),
      ...(parts.half === undefined ? [] : [f32(V1_OUTPUTS.attention), f32(V1_OUTPUTS.reach)]),
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
 * `projected [chunks, T, S]` to `[chunks]`. The points are equally spaced, so each is the previous one rotated by the
 * same angle, and one sine and cosine suffice. The point t = 0 contributes nothing: its cosine is 1 and its sine 0.
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
