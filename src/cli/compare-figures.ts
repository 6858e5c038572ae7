import { firstOf, numbersOf } from "../data/dataset.ts";
import { isImage } from "../data/pixels.ts";
import type { ComparedModel } from "../report/comparison-input.ts";
import { imagesOf } from "../report/gather-figures.ts";
import type { Image } from "../report/grid.ts";
import type { Engine } from "../runtime/engine.ts";
import { abilitiesIn, load } from "../trained/load.ts";
import type { Watched } from "../trained/trained-model.ts";
import type { ComparedRun } from "./compare-runs.ts";

/** Images that are reconstructed, and drawn. */
const SHOWN = 10;

/** The images that all models reconstruct; undefined of other data. */
export function originalsOf({ dataset, config }: ComparedRun): readonly Image[] | undefined {
  return isImage(dataset.shape) ? imagesOf(numbersOf(firstOf(dataset, SHOWN)), config) : undefined;
}

/** What a model makes of those images, and new ones of it where it can. */
export async function figuresOf(
  { run, dataset }: ComparedRun,
  engine: Engine,
  { signal }: Watched,
): Promise<Pick<ComparedModel, "reconstructions" | "samples">> {
  if (!isImage(dataset.shape)) return {};
  const model = await load(run.path, { runtime: engine });
  try {
    const can = abilitiesIn(model.facts);
    const reconstructed = can.includes("reconstruct")
      ? await model.reconstruct(firstOf(dataset, SHOWN), { signal })
      : undefined;
    const drawn = can.includes("sample") ? await model.sample(SHOWN, { from: "mean", seed: 0, signal }) : undefined;
    return {
      reconstructions: reconstructed && imagesOf(reconstructed.data, model.facts),
      samples: drawn && imagesOf(drawn.data, model.facts),
    };
  } finally {
    await model.release();
  }
}
