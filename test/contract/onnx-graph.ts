import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/** One protobuf message: its fields' values by number, nested messages still as bytes. */
type Message = ReadonlyMap<number, readonly (number | Uint8Array)[]>;

function parse(bytes: Uint8Array): Message {
  const fields = new Map<number, (number | Uint8Array)[]>();
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    const known = fields.get(field) ?? [];
    if (type === WireType.Varint) known.push(Number(reader.int64()));
    else if (type === WireType.LengthDelimited) known.push(reader.bytes());
    else reader.skip(type);
    fields.set(field, known);
  }
  return fields;
}

const messages = (of: Message, field: number): readonly Uint8Array[] =>
  (of.get(field) ?? []).filter((value) => value instanceof Uint8Array);
const texts = (of: Message, field: number): readonly string[] =>
  messages(of, field).map((bytes) => new TextDecoder().decode(bytes));
const numberIn = (of: Message, field: number): number => Number(of.get(field)?.[0]);

export interface GraphNode {
  readonly type: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

export interface GraphPort {
  readonly name: string;
  readonly shape: readonly (number | string)[];
}

/** What the tests want to know of an ONNX file, read by the field numbers of onnx.proto and by none of Reparam's code. */
export interface OnnxGraph {
  readonly irVersion: number;
  /** Versions of the operator sets by domain; the default one's is "". */
  readonly opsets: Readonly<Record<string, number>>;
  readonly nodes: readonly GraphNode[];
  readonly initializers: readonly string[];
  readonly inputs: readonly GraphPort[];
  readonly outputs: readonly GraphPort[];
}

export function readGraph(bytes: Uint8Array): OnnxGraph {
  const model = parse(bytes);
  const [graph] = messages(model, 7).map(parse);
  const opsets = messages(model, 8).map(parse);
  return {
    irVersion: numberIn(model, 1),
    opsets: Object.fromEntries(opsets.map((set) => [texts(set, 1)[0] ?? "", numberIn(set, 2)])),
    nodes: messages(graph, 1)
      .map(parse)
      .map((node) => ({
        type: texts(node, 4)[0],
        name: texts(node, 3)[0],
        inputs: texts(node, 1),
        outputs: texts(node, 2),
      })),
    initializers: messages(graph, 5).map((tensor) => texts(parse(tensor), 8)[0]),
    inputs: messages(graph, 11).map(port),
    outputs: messages(graph, 12).map(port),
  };
}

function port(bytes: Uint8Array): GraphPort {
  const info = parse(bytes);
  const [type] = messages(info, 2).map(parse);
  const [tensor] = messages(type, 1).map(parse);
  const dims = messages(tensor, 2).flatMap((shape) => messages(parse(shape), 1).map(parse));
  return { name: texts(info, 1)[0], shape: dims.map((dim) => texts(dim, 2)[0] ?? numberIn(dim, 1)) };
}
