import type * as Ort from "onnxruntime-web";
import { InputError } from "../errors.ts";
import { type LoweredProgram, type LowerOptions, lower } from "../onnx/lower.ts";
import type { Data, NdArray } from "../tensor/ndarray.ts";
import { factors, show } from "../tensor/shape.ts";
import type { AnyTensor, DType, Precision } from "../tensor/tensor.ts";
import type { Engine } from "./engine.ts";

export type Feeds = Readonly<Record<string, NdArray>>;

/** A program ready to run: feeds by leaf name in, values by output name out. */
export interface CompiledFunction {
  readonly program: LoweredProgram;
  /**
   * Runs once. Values that `into` has a place for are written there and nowhere else; that memory must not be fed too.
   * An NdArray given again is not looked at again, so its numbers may change between runs and its shape may not.
   */
  run(feeds: Feeds, into?: Feeds): Promise<Readonly<Record<string, NdArray>>>;
  release(): Promise<void>;
}

/** Lowers a program and loads it. */
export async function compile(
  engine: Engine,
  outputs: Readonly<Record<string, AnyTensor>>,
  options: LowerOptions = {},
): Promise<CompiledFunction> {
  return load(engine, lower(outputs, options));
}

/** Loads a program that is lowered already; what its bytes are called is for the error. */
export async function load(engine: Engine, program: LoweredProgram, file = "program"): Promise<CompiledFunction> {
  const session = await createSession(engine, program.bytes, file);
  const tensors = new WeakMap<NdArray, Ort.Tensor>();
  const tensorFor = (name: string, dtype: DType, value: NdArray): Ort.Tensor => {
    const known = tensors.get(value);
    if (known) return known;
    const made = toOrt(engine, name, dtype, program.precision, value);
    tensors.set(value, made);
    return made;
  };
  return {
    program,
    run: async (feeds, into = {}) => {
      checkFeeds(program, feeds);
      const inputs: Record<string, Ort.Tensor> = {};
      for (const { name, dtype } of program.inputs) inputs[name] = tensorFor(name, dtype, feeds[name]);
      const fetches: Record<string, Ort.Tensor | null> = {};
      for (const { name, dtype } of program.outputs) {
        const place = engine.writesFetches ? into[name] : undefined;
        fetches[name] = place ? tensorFor(name, dtype, place) : null;
      }
      const results = await session.run(inputs, fetches);
      const values: Record<string, NdArray> = {};
      for (const { name } of program.outputs) values[name] = place(results[name], into[name], engine.writesFetches);
      return values;
    },
    release: () => session.release(),
  };
}

async function createSession(engine: Engine, bytes: Uint8Array, file: string): Promise<Ort.InferenceSession> {
  try {
    return await engine.ort.InferenceSession.create(bytes, engine.sessionOptions);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InputError(`${file}: not a program that ONNX Runtime ${engine.version} can load (${reason})`);
  }
}

function place(result: Ort.Tensor, into: NdArray | undefined, written: boolean): NdArray {
  if (into === undefined) return { data: numbers(result), shape: result.dims };
  if (!written) into.data.set(numbers(result));
  return into;
}

/** The numbers of a result; a copy, as the engine may use its memory again. */
function numbers({ data }: Ort.Tensor): Data {
  if (data instanceof Float32Array || data instanceof Float64Array) return data;
  if (data instanceof Int32Array || data instanceof Uint8Array) return data;
  throw new TypeError(`an output of an unexpected kind: ${Object.prototype.toString.call(data)}`);
}

function toOrt(engine: Engine, name: string, dtype: DType, precision: Precision, value: NdArray): Ort.Tensor {
  const { data, shape } = value;
  const type = dtype === "float" ? precision : dtype === "int" ? "int32" : dtype;
  const fits = {
    float32: data instanceof Float32Array,
    float64: data instanceof Float64Array,
    int32: data instanceof Int32Array,
    uint8: data instanceof Uint8Array,
    bool: data instanceof Uint8Array,
  }[type];
  if (!fits) throw new InputError(`${name}: a program in ${type} needs ${type} numbers, got ${data.constructor.name}`);
  return new engine.ort.Tensor(type, data, shape);
}

/** The feeds are all there and agree with each other; said before ONNX Runtime says it less well. */
function checkFeeds(program: LoweredProgram, feeds: Feeds): void {
  const sizes = new Map<string, { readonly size: number; readonly by: string }>();
  for (const { name, shape, leaf } of program.inputs) {
    const fed = feeds[name];
    if (!fed) throw new InputError(`${leaf.kind} ${name} of shape ${show(shape)} is not fed`);
    const fail = (why = ""): never => {
      const expected = `the shape ${show(shape)} is expected${why}`;
      throw new InputError(`${leaf.kind} ${name}: ${expected}, got ${show(fed.shape)}`);
    };
    if (fed.shape.length !== shape.length) fail();
    for (const [axis, dim] of shape.entries()) {
      const { factor, symbols } = factors(dim);
      if (symbols.length === 0 && dim !== fed.shape[axis]) fail();
      if (symbols.length !== 1) continue;
      const [symbol] = symbols;
      const { size, by } = sizes.get(symbol) ?? { size: fed.shape[axis] / factor, by: name };
      if (fed.shape[axis] !== factor * size) fail(` with ${symbol} = ${size}, as ${by} has it`);
      sizes.set(symbol, { size, by });
    }
  }
}
