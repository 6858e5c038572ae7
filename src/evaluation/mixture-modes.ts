import type { Mixture } from "../distributions/mixture.ts";
import { compile } from "../runtime/compile.ts";
import type { Engine } from "../runtime/engine.ts";
import { data } from "../tensor/index.ts";
import type { NdArray } from "../tensor/ndarray.ts";
import type { CodeRows } from "./latents.ts";
import { componentShares, likeliestComponent, type Modes, modesFound } from "./modes.ts";

/** Which components of a mixture prior hold codes, against the share that draws of the prior have there. `values` are the prior's parameters. */
export async function mixtureModes(
  engine: Engine,
  prior: Mixture,
  codes: CodeRows,
  draws: CodeRows,
  values?: ReadonlyMap<string, NdArray>,
): Promise<Modes> {
  const component = likeliestComponent(prior, data("z", ["batch", codes.shape[1]]));
  const program = await compile(engine, { component }, { values });
  try {
    const assigned = async ({ data: rows, shape }: CodeRows): Promise<readonly number[]> => {
      const found = await program.run({ z: { data: Float32Array.from(rows), shape: [...shape] } });
      return Array.from(found.component.data, Number);
    };
    const components = Number(prior.logits.shape.at(-1));
    return modesFound(await assigned(codes), componentShares(await assigned(draws), components));
  } finally {
    await program.release();
  }
}
