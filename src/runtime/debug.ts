import type { LowerOptions } from "../onnx/lower.ts";
import { isFloat } from "../tensor/op.ts";
import { show } from "../tensor/shape.ts";
import { type AnyTensor, topological } from "../tensor/tensor.ts";
import { compile, type Feeds } from "./compile.ts";
import type { Engine } from "./engine.ts";

/**
 * Runs a program again with every intermediate as an output and says where the first value that is not finite came from:
 * the op, the scope and the source line it was written on, and its inputs' ranges. Undefined where all are finite.
 */
export async function firstNonFinite(
  engine: Engine,
  outputs: Readonly<Record<string, AnyTensor>>,
  feeds: Feeds,
  options: LowerOptions,
): Promise<string | undefined> {
  const nodes = topological(Object.values(outputs));
  const probes = nodes.filter((node) => isFloat(node) && !node.leaf);
  const program = Object.fromEntries(probes.map((node) => [`probe_${node.id}`, node]));
  const compiled = probes.length > 0 ? await compile(engine, program, options) : undefined;
  try {
    const values = (await compiled?.run(feeds)) ?? {};
    const rangeOf = (node: AnyTensor): Range => {
      if (node.leaf && node.leaf.kind !== "constant") return range(feeds[node.leaf.name].data);
      const value = values[`probe_${node.id}`];
      return value ? range(value.data) : { low: 0, high: 0, finite: true };
    };
    for (const node of nodes) {
      if (node.leaf?.kind === "constant" || !isFloat(node)) continue;
      const { finite } = rangeOf(node);
      if (finite) continue;
      if (node.leaf && "name" in node.leaf) return `${node.leaf.kind} ${node.leaf.name} itself`;
      const inputs = node.inputs
        .filter((input) => input.leaf?.kind !== "constant")
        .map((input) => {
          const { low, high } = rangeOf(input);
          return `${label(input)} ${show(input.shape)} in [${low.toPrecision(4)}, ${high.toPrecision(4)}]`;
        });
      const place = [node.scope, line(node)].filter(Boolean).join(", ");
      return `${node.op}${place ? ` (${place})` : ""} of ${inputs.join(" and ")}`;
    }
    return undefined;
  } finally {
    await compiled?.release();
  }
}

interface Range {
  readonly low: number;
  readonly high: number;
  readonly finite: boolean;
}

function range(values: ArrayLike<number>): Range {
  let [low, high, finite] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, true];
  for (let i = 0; i < values.length; i++) {
    low = Math.min(low, values[i]);
    high = Math.max(high, values[i]);
    finite &&= Number.isFinite(values[i]);
  }
  return { low, high, finite };
}

function label({ op, leaf }: AnyTensor): string {
  return leaf && "name" in leaf ? `${leaf.kind} ${leaf.name}` : op;
}

/** The line of the formula: the first frame of the stack that is not one of the tensor language's own. */
function line({ site }: AnyTensor): string {
  const frames = (site.stack ?? "").split("\n").filter((frame) => /^\s+at /.test(frame));
  const own = frames.find((frame) => !/[\\/](src|dist)[\\/]tensor[\\/]/.test(frame)) ?? "";
  return /([^\\/()]+[\\/][^\\/()]+:\d+):\d+\)?$/.exec(own)?.[1] ?? "";
}
