import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { fnv1a32 } from "../checksum.ts";
import type { Attribute, Attributes } from "../tensor/tensor.ts";

/** Element types by their number in onnx.proto. */
export const ElementType = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float64: 11 } as const;
export type Element = keyof typeof ElementType;

export interface TensorProto {
  readonly name: string;
  readonly element: Element;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

export interface NodeProto {
  readonly type: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes: Attributes;
  /** The graph that a Loop repeats; it sees the values around it. */
  readonly body?: GraphProto;
}

/** A graph input or output; a symbolic dimension is a string. */
export interface ValueProto {
  readonly name: string;
  readonly element: Element;
  readonly shape: readonly (number | string)[];
}

export interface GraphProto {
  readonly name: string;
  readonly nodes: readonly NodeProto[];
  readonly initializers: readonly TensorProto[];
  readonly inputs: readonly ValueProto[];
  readonly outputs: readonly ValueProto[];
}

export interface ModelProto extends GraphProto {
  readonly metadata: Readonly<Record<string, string>>;
}

/** What every runtime of the last years reads: opset 17 in format version 8. */
export const OPSET = 17;
const IR_VERSION = 8;
const GRAPH_FIELD = 7;
export const METADATA_FIELD = 14;
/** Metadata: what the inputs and outputs are to us, and a checksum of every byte before it. */
export const INTERFACE_KEY = "reparam.interface";
export const CHECKSUM_KEY = "reparam.checksum";

/** Attributes that ONNX declares as floats; every other number is an integer to it. */
const FLOATS = new Set(["alpha", "beta", "epsilon"]);
const AttributeType = { float: 1, int: 2, string: 3, graph: 5, ints: 7 } as const;

function writeAttribute(writer: BinaryWriter, name: string, value: Attribute): void {
  writer.tag(1, WireType.LengthDelimited).string(name);
  if (typeof value === "number" && FLOATS.has(name)) {
    writer.tag(2, WireType.Bit32).float(value);
    writer.tag(20, WireType.Varint).int32(AttributeType.float);
  } else if (typeof value === "number" || typeof value === "boolean") {
    writer.tag(3, WireType.Varint).int64(Number(value));
    writer.tag(20, WireType.Varint).int32(AttributeType.int);
  } else if (typeof value === "string") {
    writer.tag(4, WireType.LengthDelimited).string(value);
    writer.tag(20, WireType.Varint).int32(AttributeType.string);
  } else {
    for (const item of value) writer.tag(8, WireType.Varint).int64(item);
    writer.tag(20, WireType.Varint).int32(AttributeType.ints);
  }
}

function writeNode(writer: BinaryWriter, node: NodeProto): void {
  for (const input of node.inputs) writer.tag(1, WireType.LengthDelimited).string(input);
  writer.tag(2, WireType.LengthDelimited).string(node.output);
  writer.tag(3, WireType.LengthDelimited).string(node.name);
  writer.tag(4, WireType.LengthDelimited).string(node.type);
  for (const [name, value] of Object.entries(node.attributes)) {
    message(writer, 5, (inner) => writeAttribute(inner, name, value));
  }
  const { body } = node;
  if (!body) return;
  message(writer, 5, (inner) => {
    inner.tag(1, WireType.LengthDelimited).string("body");
    message(inner, 6, (graph) => writeGraph(graph, body));
    inner.tag(20, WireType.Varint).int32(AttributeType.graph);
  });
}

function writeGraph(writer: BinaryWriter, graph: GraphProto): void {
  for (const node of graph.nodes) message(writer, 1, (inner) => writeNode(inner, node));
  writer.tag(2, WireType.LengthDelimited).string(graph.name);
  for (const tensor of graph.initializers) message(writer, 5, (inner) => writeTensor(inner, tensor));
  for (const value of graph.inputs) message(writer, 11, (inner) => writeValue(inner, value));
  for (const value of graph.outputs) message(writer, 12, (inner) => writeValue(inner, value));
}

function writeTensor(writer: BinaryWriter, tensor: TensorProto): void {
  for (const dim of tensor.shape) writer.tag(1, WireType.Varint).int64(dim);
  writer.tag(2, WireType.Varint).int32(ElementType[tensor.element]);
  writer.tag(8, WireType.LengthDelimited).string(tensor.name);
  writer.tag(9, WireType.LengthDelimited).bytes(tensor.bytes);
}

function writeValue(writer: BinaryWriter, value: ValueProto): void {
  writer.tag(1, WireType.LengthDelimited).string(value.name);
  message(writer, 2, (type) =>
    message(type, 1, (tensor) => {
      tensor.tag(1, WireType.Varint).int32(ElementType[value.element]);
      message(tensor, 2, (shape) => {
        for (const dim of value.shape) {
          message(shape, 1, (inner) => {
            if (typeof dim === "number") inner.tag(1, WireType.Varint).int64(dim);
            else inner.tag(2, WireType.LengthDelimited).string(dim);
          });
        }
      });
    }),
  );
}

function message(writer: BinaryWriter, field: number, write: (inner: BinaryWriter) => void): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  write(writer);
  writer.join();
}

/** The bytes of an ONNX file. */
export function encodeModel(model: ModelProto): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.Varint).int64(IR_VERSION);
  writer.tag(2, WireType.LengthDelimited).string("reparam");
  message(writer, GRAPH_FIELD, (graph) => writeGraph(graph, model));
  message(writer, 8, (opset) => {
    opset.tag(1, WireType.LengthDelimited).string("");
    opset.tag(2, WireType.Varint).int64(OPSET);
  });
  for (const [key, value] of Object.entries(model.metadata)) writeMetadata(writer, key, value);
  const content = writer.finish();
  const seal = new BinaryWriter();
  writeMetadata(seal, CHECKSUM_KEY, fnv1a32(content));
  const end = seal.finish();
  const bytes = new Uint8Array(content.length + end.length);
  bytes.set(content);
  bytes.set(end, content.length);
  return bytes;
}

function writeMetadata(writer: BinaryWriter, key: string, value: string): void {
  message(writer, METADATA_FIELD, (entry) => {
    entry.tag(1, WireType.LengthDelimited).string(key);
    entry.tag(2, WireType.LengthDelimited).string(value);
  });
}
