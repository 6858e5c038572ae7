import { InputError } from "../errors.ts";
import type { Data, NdArray } from "../tensor/ndarray.ts";
import { bindShape, type Dim, factors, type Shape, sameShape, show } from "../tensor/shape.ts";
import {
  type AnyTensor,
  type Attributes,
  type DType,
  type Emitter,
  type Leaf,
  type LoopBody,
  type Precision,
  topological,
  type Value,
} from "../tensor/tensor.ts";
import {
  type Element,
  ElementType,
  encodeModel,
  type GraphProto,
  INTERFACE_KEY,
  type NodeProto,
  type TensorProto,
  type ValueProto,
} from "./proto.ts";

export interface LowerOptions {
  readonly name?: string;
  readonly precision?: Precision;
  /** Symbols whose numbers are known now; the others stay symbolic in the file. */
  readonly sizes?: Readonly<Record<string, number>>;
  /** Leaves, by name, that are written into the file instead of being fed. */
  readonly values?: ReadonlyMap<string, NdArray>;
  /** Nodes that are fed, by these names, instead of being computed. */
  readonly fed?: ReadonlyMap<AnyTensor, string>;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A leaf that has a name, and with it an input of its own. */
export type NamedLeaf = Exclude<Leaf, { readonly kind: "constant" }>;

export interface Port {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly Dim[];
}

export interface LoweredProgram {
  readonly bytes: Uint8Array;
  readonly precision: Precision;
  readonly inputs: readonly (Port & { readonly leaf: NamedLeaf })[];
  readonly outputs: readonly Port[];
}

/** The leaves a program needs fed, inputs first met first; two different ones with one name are an error. */
export function namedLeaves(outputs: Iterable<AnyTensor>, fed?: Fed): readonly LeafNode[] {
  const byName = new Map<string, LeafNode>();
  for (const tensor of topological(outputs, fed)) {
    const leaf = leafOf(tensor, fed);
    if (!leaf) continue;
    const before = byName.get(leaf.name);
    if (before === undefined) byName.set(leaf.name, { leaf, tensor });
    else if (!interchangeable(before, { leaf, tensor })) {
      throw new InputError(
        `the name ${leaf.name} stands for two leaves: ${before.leaf.kind} ${show(before.tensor.shape)} and ${leaf.kind} ${show(tensor.shape)}; give one another name`,
      );
    }
  }
  return [...byName.values()];
}

interface LeafNode {
  readonly leaf: NamedLeaf;
  readonly tensor: AnyTensor;
}

type Fed = ReadonlyMap<AnyTensor, string>;

/** What a node is fed as, if it is. */
function leafOf(tensor: AnyTensor, fed: Fed | undefined): NamedLeaf | undefined {
  const name = fed?.get(tensor);
  if (name !== undefined) return { kind: "data", name };
  return tensor.leaf?.kind === "constant" ? undefined : tensor.leaf;
}

/** Data and hyper-parameters may be declared twice alike; noise, parameters and state are one leaf each. */
function interchangeable(a: LeafNode, b: LeafNode): boolean {
  const shared = a.leaf.kind === b.leaf.kind && (a.leaf.kind === "data" || a.leaf.kind === "hyper");
  return shared && sameShape(a.tensor.shape, b.tensor.shape) && a.tensor.dtype === b.tensor.dtype;
}

/** Writes a program as ONNX: every named leaf that has no value is an input, every output has the name given. */
export function lower(outputs: Readonly<Record<string, AnyTensor>>, options: LowerOptions = {}): LoweredProgram {
  const precision = options.precision ?? "float32";
  const { fed } = options;
  const leaves = namedLeaves(Object.values(outputs), fed);
  const nodes = topological(Object.values(outputs), fed);
  const writer = new GraphWriter(precision, options.sizes ?? {}, leaves, usesOf(nodes));
  const values = new Map<AnyTensor, Value>();
  for (const node of nodes) {
    const leaf = leafOf(node, fed);
    if (leaf) {
      const given = options.values?.get(leaf.name);
      if (given) writer.initializer(leaf.name, given, node);
      values.set(node, leaf.name);
      continue;
    }
    write(writer, node, values);
  }
  const rename = new Map<Value, string>();
  for (const [name, node] of Object.entries(outputs)) {
    if (name.includes(":") || leaves.some(({ leaf }) => leaf.name === name)) {
      throw new InputError(`the output ${name} has the name of an input, or one with a colon; call it something else`);
    }
    const value = found(values, node);
    if (writer.computes(value) && !rename.has(value)) rename.set(value, name);
    else writer.alias(value, name);
  }
  const port = (name: string, tensor: AnyTensor): Port => ({
    name,
    dtype: tensor.dtype,
    shape: bindShape(tensor.shape, options.sizes ?? {}),
  });
  const inputs = leaves
    .filter(({ leaf }) => !options.values?.has(leaf.name))
    .map(({ leaf, tensor }) => ({ ...port(leaf.name, tensor), leaf }));
  const ports = Object.entries(outputs).map(([name, tensor]) => port(name, tensor));
  const proto = (each: Port): ValueProto => describe(each, precision);
  const bytes = encodeModel({
    name: options.name ?? "program",
    nodes: writer.renamed(rename),
    initializers: writer.initializers,
    inputs: inputs.map(proto),
    outputs: ports.map(proto),
    metadata: {
      [INTERFACE_KEY]: JSON.stringify({ precision, inputs, outputs: ports }, withoutStarts),
      ...options.metadata,
    },
  });
  return { bytes, precision, inputs, outputs: ports };
}

/** The file's interface needs no starting values. */
function withoutStarts(key: string, value: unknown): unknown {
  return key === "initial" ? undefined : value;
}

/** The names of the ops that use each tensor. */
type Uses = ReadonlyMap<AnyTensor, ReadonlySet<string>>;

function usesOf(nodes: readonly AnyTensor[]): Uses {
  const uses = new Map<AnyTensor, Set<string>>();
  for (const node of nodes) {
    for (const input of node.inputs) uses.set(input, (uses.get(input) ?? new Set<string>()).add(node.op));
  }
  return uses;
}

function found(values: ReadonlyMap<AnyTensor, Value>, node: AnyTensor): Value {
  const value = values.get(node);
  if (value === undefined) throw new Error(`lower: ${node.op} is used before it is computed`);
  return value;
}

function describe({ name, dtype, shape }: Port, precision: Precision): ValueProto {
  return { name, element: elementOf(dtype, precision), shape };
}

function elementOf(dtype: DType, precision: Precision): Element {
  return dtype === "float" ? precision : dtype === "int" ? "int32" : dtype;
}

/** Numbers as a file holds them. */
function numbersOf(element: Element, values: ArrayLike<number>): Data {
  if (element === "float64") return Float64Array.from(values);
  if (element === "float32") return Float32Array.from(values);
  return element === "int32" ? Int32Array.from(values) : Uint8Array.from(values);
}

function bytesOf(data: Data | BigInt64Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Writes a node whose inputs have been written. */
function write(writer: GraphWriter, node: AnyTensor, values: Map<AnyTensor, Value>): void {
  writer.scope = node.scope;
  const inputs = node.inputs.map((input) => found(values, input));
  values.set(node, node.lower(writer, inputs));
}

/** The nodes with values called as `names` says, in loops too. */
function renamed(nodes: readonly NodeProto[], names: ReadonlyMap<Value, string>): readonly NodeProto[] {
  const to = (value: Value): string => names.get(value) ?? value;
  return nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map(to),
    output: to(node.output),
    body: node.body && { ...node.body, nodes: renamed(node.body.nodes, names) },
  }));
}

/** Collects nodes and constants; equal ones are written once. */
class GraphWriter implements Emitter {
  readonly precision: Precision;
  readonly initializers: TensorProto[] = [];
  scope = "";
  private readonly sizes: Readonly<Record<string, number>>;
  /** Nodes and what is known of the graph being written: the program's, or a loop's body. */
  private written: NodeProto[] = [];
  private known = new Map<string, Value>();
  private count = 0;
  private readonly uses: Uses;
  private readonly symbols = new Map<string, { leaf: string; axis: number }>();

  constructor(precision: Precision, sizes: Readonly<Record<string, number>>, leaves: readonly LeafNode[], uses: Uses) {
    this.uses = uses;
    this.precision = precision;
    this.sizes = sizes;
    for (const { leaf, tensor } of leaves) {
      for (const [axis, dim] of tensor.shape.entries()) {
        const { factor, symbols } = factors(dim);
        if (factor === 1 && symbols.length === 1 && !this.symbols.has(symbols[0])) {
          this.symbols.set(symbols[0], { leaf: leaf.name, axis });
        }
      }
    }
  }

  /** Whether a node of the graph being written gives the value. */
  computes(value: Value): boolean {
    return this.written.some(({ output }) => output === value);
  }

  node(type: string, inputs: readonly Value[], attributes: Attributes = {}): Value {
    const key = `${type} ${JSON.stringify(attributes)} ${inputs.join(" ")}`;
    return this.once(key, () => {
      const name = this.named(type);
      this.written.push({ type, name, inputs, output: name, attributes });
      return name;
    });
  }

  floats(values: ArrayLike<number>, shape: readonly number[]): Value {
    return this.constant(this.precision, shape, numbersOf(this.precision, values));
  }

  ints(values: readonly number[]): Value {
    return this.once(`ints ${values}`, () =>
      this.constant("int64", [values.length], BigInt64Array.from(values, BigInt)),
    );
  }

  shape(shape: Shape): Value {
    const bound = this.bind(shape);
    if (bound.every((dim) => typeof dim === "number")) return this.ints(bound.map(Number));
    return this.node(
      "Concat",
      bound.map((dim) => this.dimension(dim)),
      { axis: 0 },
    );
  }

  extent(dim: Dim): Value {
    const [bound] = this.bind([dim]);
    if (typeof bound === "number") return this.floats([bound], []);
    return this.cast(this.node("Reshape", [this.dimension(bound), this.ints([])]), "float");
  }

  cast(value: Value, to: DType): Value {
    return this.node("Cast", [value], { to: ElementType[elementOf(to, this.precision)] });
  }

  loop(start: Value, body: LoopBody): Value {
    const name = this.named("Loop");
    const inputs = [
      this.constant("int64", [], BigInt64Array.of(BigInt(body.most))),
      this.constant("bool", [], Uint8Array.of(1)),
      start,
    ];
    const graph = this.inside(name, body);
    this.written.push({ type: "Loop", name, inputs, output: name, attributes: {}, body: graph });
    return name;
  }

  /** A body as a graph of its own, (round, again, x) → (again, next); constants are written around it. */
  private inside(name: string, { carried, next, again, outside }: LoopBody): GraphProto {
    const { scope, written, known } = this;
    [this.written, this.known] = [[], new Map(known)];
    const port = (suffix: string, { dtype, shape }: AnyTensor): ValueProto =>
      describe({ name: `${name}/${suffix}`, dtype, shape: this.bind(shape) }, this.precision);
    const [x, ...results] = [port("x", carried), port("again", again), port("next", next)];
    const values = new Map([...outside, [carried, x.name]]);
    for (const node of topological([again, next], values)) if (!values.has(node)) write(this, node, values);
    for (const [i, node] of [again, next].entries()) this.alias(found(values, node), results[i].name);
    const nodes = this.written;
    [this.scope, this.written, this.known] = [scope, written, known];
    const round: ValueProto = { name: `${name}/round`, element: "int64", shape: [] };
    const before: ValueProto = { name: `${name}/before`, element: "bool", shape: [] };
    return { name, nodes, initializers: [], inputs: [round, before, x], outputs: results };
  }

  usedBy(tensor: AnyTensor, op: string): boolean {
    return this.uses.get(tensor)?.has(op) ?? false;
  }

  bind(shape: Shape): readonly Dim[] {
    return bindShape(shape, this.sizes);
  }

  initializer(name: string, { data, shape }: NdArray, node: AnyTensor): void {
    if (!sameShape(shape, node.shape)) {
      throw new InputError(`${name}: the program has the shape ${show(node.shape)} and its value ${show(shape)}`);
    }
    const element = elementOf(node.dtype, this.precision);
    this.initializers.push({ name, element, shape, bytes: bytesOf(numbersOf(element, data)) });
  }

  alias(value: Value, name: string): void {
    this.written.push({ type: "Identity", name, inputs: [value], output: name, attributes: {} });
  }

  renamed(names: ReadonlyMap<Value, string>): readonly NodeProto[] {
    return renamed(this.written, names);
  }

  /** A symbolic dimension as an int64 vector of one element, read off the shape of what is fed. */
  private dimension(dim: Dim): Value {
    const { factor, symbols } = factors(dim);
    const sizes = symbols.map((symbol) => {
      const source = this.symbols.get(symbol);
      if (!source) throw new InputError(`the size of ${symbol} cannot be read off any input of this program`);
      return this.node("Shape", [source.leaf], { start: source.axis, end: source.axis + 1 });
    });
    const terms = factor === 1 && sizes.length > 0 ? sizes : [this.ints([factor]), ...sizes];
    return terms.reduce((product, size) => this.node("Mul", [product, size]));
  }

  private named(type: string): string {
    const name = `${this.scope ? `${this.scope}/` : ""}${type}:${this.count}`;
    this.count += 1;
    return name;
  }

  private constant(element: Element, shape: readonly number[], data: Data | BigInt64Array): Value {
    const bytes = bytesOf(data);
    const small = bytes.length <= 256;
    const write = (): Value => {
      const name = `constant:${this.initializers.length}`;
      this.initializers.push({ name, element, shape, bytes });
      return name;
    };
    return small ? this.once(`constant ${element} ${shape} ${bytes}`, write) : write();
  }

  private once(key: string, make: () => Value): Value {
    const before = this.known.get(key);
    if (before !== undefined) return before;
    const value = make();
    this.known.set(key, value);
    return value;
  }
}
