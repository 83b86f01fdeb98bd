import { LAYER_NORM_EPSILON, type ModelConfig } from '../../weights/model-config.js';
import { MASK_FILL } from '../reference/attention.js';
import { GraphBuilder } from './graph-builder.js';
import { ONNX_TYPE } from './onnx-proto.js';
import { V1_INPUTS, type V1GraphParts } from './v1-graph-parts.js';

/** Adds the encoder's layers to a graph; each method returns the name of its result. */
export class V1Layers {
  readonly g = new GraphBuilder();
  /** Only in f16: per layer, the magnitudes of attention scores and of queries and keys. */
  readonly peaks = { attention: [] as string[], reach: [] as string[] };
  readonly #config: ModelConfig;
  readonly #parts: V1GraphParts;
  /** Cache of f32 values converted to f16. */
  readonly #narrowed = new Map<string, string>();
  readonly #causal: string;
  readonly #headDim: number;

  constructor(config: ModelConfig, parts: V1GraphParts) {
    this.#config = config;
    this.#parts = parts;
    this.#headDim = config.embeddingDim / config.numHeads;
    const length = config.sequenceLength;
    const data = lowerTriangle(length);
    this.#causal = this.g.tensor({ name: 'causal', type: ONNX_TYPE.BOOL, shape: [length, length], data });
  }

  /** One pre-norm layer: attention, then feed-forward, each added to the residual stream. */
  encode(x: string, layer: string): string {
    const attended = this.g.op('Add', [x, this.#attention(this.norm(x, `${layer}.norm_1`), `${layer}.attention`)]);
    const hidden = this.#gelu(this.#linear(this.norm(attended, `${layer}.norm_2`), `${layer}.pwff.linear_inner`));
    return this.g.op('Add', [attended, this.#linear(hidden, `${layer}.pwff.linear_outer`)]);
  }

  /** An affine map in f32. */
  exactLinear(x: string, prefix: string): string {
    const product = this.g.op('MatMul', [x, this.#weight(`${prefix}.weight`)]);
    return this.g.op('Add', [product, this.#weight(`${prefix}.bias`)]);
  }

  /**
   * A two-pass layer norm, as in the network. onnxruntime's operator subtracts the squared mean from the mean square,
   * which loses digits and turns large activations into NaN.
   */
  norm(x: string, prefix: string): string {
    const { g } = this;
    const centred = g.op('Sub', [x, g.op('ReduceMean', [x, g.ints(-1)])]);
    const variance = g.op('ReduceMean', [g.op('Mul', [centred, centred]), g.ints(-1)]);
    const deviation = g.op('Sqrt', [g.op('Add', [variance, g.scalar(LAYER_NORM_EPSILON)])]);
    const scaled = g.op('Mul', [g.op('Div', [centred, deviation]), this.#weight(`${prefix}.gamma`)]);
    return g.op('Add', [scaled, this.#weight(`${prefix}.beta`)]);
  }

  #weight(name: string): string {
    return this.#parts.weight(this.g, name);
  }

  #linear(x: string, prefix: string): string {
    const { half } = this.#parts;
    if (half === undefined) return this.exactLinear(x, prefix);
    const product = this.#halfProduct(x, half(this.g, `${prefix}.weight`));
    return this.g.op('Add', [product, this.#weight(`${prefix}.bias`)]);
  }

  #narrow(x: string): string {
    const known = this.#narrowed.get(x) ?? this.g.op('Cast', [x], { to: ONNX_TYPE.FLOAT16 });
    this.#narrowed.set(x, known);
    return known;
  }

  #widen(x: string): string {
    return this.g.op('Cast', [x], { to: ONNX_TYPE.FLOAT });
  }

  /** The product of an f32 and an f16 value, as f32. */
  #halfProduct(a: string, b: string): string {
    if (this.#parts.emulateHalf !== true) return this.#widen(this.g.op('MatMul', [this.#narrow(a), b]));
    const product = this.g.op('MatMul', [this.#widen(this.#narrow(a)), this.#widen(b)]);
    return this.#widen(this.#narrow(product));
  }

  #attention(u: string, prefix: string): string {
    const { g } = this;
    const half = this.#parts.half !== undefined;
    const query = g.op('Transpose', [this.#rope(this.#heads(u, `${prefix}.query`))], { perm: [0, 2, 1, 3] });
    const key = g.op('Transpose', [this.#rope(this.#heads(u, `${prefix}.key`))], { perm: [0, 2, 3, 1] });
    const value = g.op('Transpose', [this.#heads(u, `${prefix}.value`)], { perm: [0, 2, 1, 3] });
    const root = g.scalar(Math.fround(Math.sqrt(this.#headDim)));
    // Divide before rounding to f16, which keeps larger scores within range.
    const products = half
      ? this.#halfProduct(g.op('Div', [query, root]), this.#narrow(key))
      : g.op('Div', [g.op('MatMul', [query, key]), root]);
    const scores = g.op('Where', [this.#causal, products, g.scalar(MASK_FILL)]);
    const shares = g.op('Softmax', [scores], { axis: -1 });
    const context = half ? this.#halfProduct(shares, this.#narrow(value)) : g.op('MatMul', [shares, value]);
    if (half) {
      this.peaks.attention.push(this.#peak(g.op('ReduceMax', [scores, g.ints(-1)], { keepdims: 0 }), 0, 1, 2));
      this.peaks.reach.push(this.#peak(query, 0, 1, 2, 3), this.#peak(key, 0, 1, 2, 3));
    }
    const flat = g.ints(0, 0, this.#config.embeddingDim);
    const joined = g.op('Reshape', [g.op('Transpose', [context], { perm: [0, 2, 1, 3] }), flat]);
    return this.#linear(joined, `${prefix}.output`);
  }

  /** A projection as `[chunks, T, A, D]`. */
  #heads(u: string, prefix: string): string {
    const shape = this.g.ints(0, 0, this.#config.numHeads, this.#headDim);
    return this.g.op('Reshape', [this.#linear(u, prefix), shape]);
  }

  #rope(x: string): string {
    const { g } = this;
    const times = (a: string, b: string): string => g.op('Mul', [a, b]);
    const a = this.#slice(x, 0, this.#headDim / 2);
    const b = this.#slice(x, this.#headDim / 2, this.#headDim);
    const first = g.op('Sub', [times(a, V1_INPUTS.cos), times(b, V1_INPUTS.sin)]);
    const second = g.op('Add', [times(b, V1_INPUTS.cos), times(a, V1_INPUTS.sin)]);
    return g.op('Concat', [first, second], { axis: 3 });
  }

  #slice(x: string, from: number, to: number): string {
    return this.g.op('Slice', [x, this.g.ints(from), this.g.ints(to), this.g.ints(3)]);
  }

  #gelu(x: string): string {
    const { g } = this;
    const erf = g.op('Erf', [g.op('Div', [x, g.scalar(Math.fround(Math.SQRT2))])]);
    return g.op('Mul', [g.op('Mul', [x, g.op('Add', [erf, g.scalar(1)])]), g.scalar(0.5)]);
  }

  #peak(x: string, ...axes: number[]): string {
    return this.g.op('ReduceMax', [this.g.op('Abs', [x]), this.g.ints(...axes)], { keepdims: 0 });
  }
}

function lowerTriangle(length: number): Uint8Array {
  const mask = new Uint8Array(length * length);
  for (let i = 0; i < length; i++) mask.fill(1, i * length, i * length + i + 1);
  return mask;
}
