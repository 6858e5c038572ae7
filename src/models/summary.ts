import { namedLeaves } from "../onnx/lower.ts";
import { sizeOf } from "../tensor/ndarray.ts";
import { type Dim, factors, type Shape, staticShape } from "../tensor/shape.ts";
import { type AnyTensor, topological } from "../tensor/tensor.ts";
import { type AnyModel, type DataDescription, isPointModel } from "./model.ts";
import { decoderProgram, encoderProgram, trainingProgram } from "./programs.ts";

/** One layer of a network: what it is called, the shape that it gives for one example ("32×32×32"), its parameters. */
export interface LayerSummary {
  readonly name: string;
  readonly output: string;
  readonly parameters: number;
}

/** A model's layers in order of computation; each parameter is counted where it is first met. */
export interface NetworkSummary {
  readonly encoder: readonly LayerSummary[];
  readonly decoder: readonly LayerSummary[];
  /** What is in neither, such as a prior that is trained. */
  readonly rest: readonly LayerSummary[];
  readonly totals: Readonly<Record<"encoder" | "decoder" | "rest" | "all", number>>;
}

/** What a model is made of, read off its programs, so that it is known of any model. */
export function networkSummary(model: AnyModel, description: DataDescription): NetworkSummary {
  const met = new Set<string>();
  const own = isPointModel(model) ? model : { ...model, deployed: undefined };
  const encoding = (): readonly LayerSummary[] => layers(Object.values(encoderProgram(own, description)), met);
  const decoding = (): readonly LayerSummary[] => layers(Object.values(decoderProgram(model)), met);
  // An encoder whose answer is improved by steps runs the decoder too, whose layers are not its own.
  const refined = !isPointModel(model) && model.amortization?.refined;
  const [decoder, encoder] = refined ? [decoding(), encoding()] : [encoding(), decoding()].toReversed();
  const { terms, loss } = trainingProgram(model, description);
  const rest = layers([loss, ...Object.values(terms)], met);
  const all = [...encoder, ...decoder, ...rest];
  return {
    encoder,
    decoder,
    rest,
    totals: { encoder: total(encoder), decoder: total(decoder), rest: total(rest), all: total(all) },
  };
}

function total(rows: readonly LayerSummary[]): number {
  return rows.reduce((sum, { parameters }) => sum + parameters, 0);
}

/**
 * The layers whose parameters have not been met before. `layer/weight` and `layer/bias` are one layer where a node of the
 * scope `layer` uses them, which is how `nn` builds; any other parameter stands alone.
 */
function layers(outputs: readonly AnyTensor[], met: Set<string>): readonly LayerSummary[] {
  const order = topological(outputs);
  const rows = new Map<string, { readonly parameters: number; readonly output: Shape; readonly place: number }>();
  for (const { leaf, tensor } of namedLeaves(outputs)) {
    if (leaf.kind !== "parameter" || met.has(leaf.name)) continue;
    met.add(leaf.name);
    const layer = leaf.name.slice(0, Math.max(0, leaf.name.lastIndexOf("/")));
    const user = order.find(({ inputs }) => inputs.includes(tensor));
    const place =
      user && isWithin(user.scope, layer)
        ? order.findLastIndex((node) => node.leaf === undefined && isWithin(node.scope, layer))
        : -1;
    const name = place < 0 ? leaf.name : layer;
    const { parameters = 0 } = rows.get(name) ?? {};
    rows.set(name, {
      parameters: parameters + sizeOf(staticShape(leaf.name, tensor.shape)),
      output: place < 0 ? tensor.shape : order[place].shape,
      place: place < 0 ? order.indexOf(tensor) : place,
    });
  }
  return Array.from(rows)
    .toSorted(([, a], [, b]) => a.place - b.place)
    .map(([name, { parameters, output }]) => ({ name, output: perExample(output), parameters }));
}

/** Whether a scope is the layer's own, perhaps inside others. */
function isWithin(scope: string, layer: string): boolean {
  return layer !== "" && `/${scope}`.endsWith(`/${layer}`);
}

/** A shape without batch and samples. */
function perExample(shape: Shape): string {
  const isCounted = (dim: Dim): boolean => typeof dim === "number" || factors(dim).factor > 1;
  return (
    shape
      .filter(isCounted)
      .map((dim) => factors(dim).factor)
      .join("×") || "1"
  );
}
