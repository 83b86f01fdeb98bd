import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

// Encoder for the ONNX messages that a graph needs, by field numbers of onnx.proto (ONNX IR version 10).

/** Element types (`TensorProto.DataType`). */
export const ONNX_TYPE = {
  FLOAT: 1,
  UINT8: 2,
  INT8: 3,
  INT16: 5,
  INT32: 6,
  INT64: 7,
  BOOL: 9,
  FLOAT16: 10,
  DOUBLE: 11,
  UINT32: 12,
  UINT64: 13,
  BFLOAT16: 16,
} as const;

/** A value of {@link ONNX_TYPE}. */
export type OnnxType = (typeof ONNX_TYPE)[keyof typeof ONNX_TYPE];

/** A constant: bytes in the graph itself, or a position in an external file. */
export interface OnnxTensor {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape: readonly number[];
  readonly data: Uint8Array | { readonly location: string; readonly offset: number; readonly length: number };
}

/** One operation. Attributes are integers, lists of integers, or `{ float }`. */
export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, number | readonly number[] | { readonly float: number }>>;
}

/** An input or output. A named dimension is dynamic. */
export interface OnnxValue {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape: readonly (number | string)[];
}

/** A graph. */
export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

const IR_VERSION = 10;

/** Version 18 is the first in which reductions take their axes as an input. */
const OPSET_VERSION = 18;

/** `TensorProto.DataLocation.EXTERNAL`. */
const EXTERNAL = 1;

/** `AttributeProto.AttributeType`. */
const ATTRIBUTE = { FLOAT: 1, INT: 2, INTS: 7 } as const;

/** Serialises a graph as a `ModelProto`. */
export function encodeOnnxModel(graph: OnnxGraph): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.Varint).int64(IR_VERSION);
  writer.tag(2, WireType.LengthDelimited).string('quarry');
  message(writer, 7, () => encodeGraph(writer, graph));
  message(writer, 8, () => {
    writer.tag(2, WireType.Varint).int64(OPSET_VERSION);
  });
  return writer.finish();
}

function message(writer: BinaryWriter, field: number, body: () => void): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  body();
  writer.join();
}

function encodeGraph(writer: BinaryWriter, graph: OnnxGraph): void {
  for (const node of graph.nodes) message(writer, 1, () => encodeNode(writer, node));
  writer.tag(2, WireType.LengthDelimited).string(graph.name);
  for (const tensor of graph.initializers) message(writer, 5, () => encodeTensor(writer, tensor));
  for (const value of graph.inputs) message(writer, 11, () => encodeValue(writer, value));
  for (const value of graph.outputs) message(writer, 12, () => encodeValue(writer, value));
}

function encodeNode(writer: BinaryWriter, node: OnnxNode): void {
  for (const input of node.inputs) writer.tag(1, WireType.LengthDelimited).string(input);
  for (const output of node.outputs) writer.tag(2, WireType.LengthDelimited).string(output);
  // Name the node after its first output, so that runtime errors identify it.
  writer.tag(3, WireType.LengthDelimited).string(node.outputs[0] ?? node.op);
  writer.tag(4, WireType.LengthDelimited).string(node.op);
  for (const [name, value] of Object.entries(node.attributes ?? {})) {
    message(writer, 5, () => {
      writer.tag(1, WireType.LengthDelimited).string(name);
      if (typeof value === 'number') {
        writer.tag(3, WireType.Varint).int64(value);
        writer.tag(20, WireType.Varint).int32(ATTRIBUTE.INT);
      } else if ('float' in value) {
        writer.tag(2, WireType.Bit32).float(value.float);
        writer.tag(20, WireType.Varint).int32(ATTRIBUTE.FLOAT);
      } else {
        for (const item of value) writer.tag(8, WireType.Varint).int64(item);
        writer.tag(20, WireType.Varint).int32(ATTRIBUTE.INTS);
      }
    });
  }
}

function encodeTensor(writer: BinaryWriter, tensor: OnnxTensor): void {
  for (const size of tensor.shape) writer.tag(1, WireType.Varint).int64(size);
  writer.tag(2, WireType.Varint).int32(tensor.type);
  writer.tag(8, WireType.LengthDelimited).string(tensor.name);
  if (tensor.data instanceof Uint8Array) {
    writer.tag(9, WireType.LengthDelimited).bytes(tensor.data);
    return;
  }
  for (const [key, value] of Object.entries(tensor.data)) {
    message(writer, 13, () => {
      writer.tag(1, WireType.LengthDelimited).string(key);
      writer.tag(2, WireType.LengthDelimited).string(String(value));
    });
  }
  writer.tag(14, WireType.Varint).int32(EXTERNAL);
}

function encodeValue(writer: BinaryWriter, value: OnnxValue): void {
  writer.tag(1, WireType.LengthDelimited).string(value.name);
  message(writer, 2, () => {
    message(writer, 1, () => {
      writer.tag(1, WireType.Varint).int32(value.type);
      message(writer, 2, () => {
        for (const size of value.shape) {
          message(writer, 1, () => {
            if (typeof size === 'number') writer.tag(1, WireType.Varint).int64(size);
            else writer.tag(2, WireType.LengthDelimited).string(size);
          });
        }
      });
    });
  });
}
