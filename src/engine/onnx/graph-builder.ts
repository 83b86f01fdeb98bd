import {
  ONNX_TYPE,
  type OnnxGraph,
  type OnnxNode,
  type OnnxTensor,
  type OnnxType,
  type OnnxValue,
} from './onnx-proto.js';

/** Builds a graph from nodes and constants. Every operation returns the name of its result. */
export class GraphBuilder {
  readonly #nodes: OnnxNode[] = [];
  readonly #initializers = new Map<string, OnnxTensor>();
  #count = 0;

  /** Adds an operation with one result. */
  op(op: string, inputs: readonly string[], attributes: NonNullable<OnnxNode['attributes']> = {}): string {
    const output = `${op.toLowerCase()}_${this.#count++}`;
    this.#nodes.push({ op, inputs, outputs: [output], attributes });
    return output;
  }

  /** Exposes a result as an output of the graph. */
  output(from: string, name: string): void {
    this.#nodes.push({ op: 'Identity', inputs: [from], outputs: [name] });
  }

  tensor(tensor: OnnxTensor): string {
    this.#initializers.set(tensor.name, tensor);
    return tensor.name;
  }

  /** A scalar f32 constant; equal ones are shared. */
  scalar(value: number): string {
    return this.#constant(`f32_${value}`, ONNX_TYPE.FLOAT, [], Float32Array.of(value));
  }

  /** A list of i64, for shapes and axes; equal ones are shared. */
  ints(...values: number[]): string {
    return this.#constant(
      `i64_${values.join('_')}`,
      ONNX_TYPE.INT64,
      [values.length],
      BigInt64Array.from(values, BigInt),
    );
  }

  /** A scalar i64 constant; equal ones are shared. */
  int(value: number): string {
    return this.#constant(`i64_scalar_${value}`, ONNX_TYPE.INT64, [], BigInt64Array.of(BigInt(value)));
  }

  #constant(name: string, type: OnnxType, shape: number[], values: Float32Array | BigInt64Array): string {
    return this.tensor({ name, type, shape, data: new Uint8Array(values.buffer) });
  }

  build(name: string, inputs: readonly OnnxValue[], outputs: readonly OnnxValue[]): OnnxGraph {
    return { name, nodes: this.#nodes, initializers: [...this.#initializers.values()], inputs, outputs };
  }
}
