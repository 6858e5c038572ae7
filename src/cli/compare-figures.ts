import { firstOf, numbersOf } from "../data/dataset.ts";
import { isImage } from "../data/pixels.ts";
import type { ComparedModel } from "../report/comparison-input.ts";
import { gatherTable } from "../report/gather.ts";
import { imagesOf } from "../report/gather-figures.ts";
import type { Image } from "../report/grid.ts";
import type { Engine } from "../runtime/engine.ts";
import { abilitiesIn } from "../trained/able.ts";
import { load } from "../trained/load.ts";
import type { Watched } from "../trained/trained-model.ts";
import type { ComparedRun } from "./compare-runs.ts";

/** Images that are reconstructed, and drawn. */
const SHOWN = 10;

/** The images that all models reconstruct; undefined of other data. */
export function originalsOf({ dataset, config }: ComparedRun): readonly Image[] | undefined {
  return isImage(dataset.shape) ? imagesOf(numbersOf(firstOf(dataset, SHOWN)), config) : undefined;
}

/** Rows of a table that are drawn, at most. */
const ROWS = 2000;

/** What a model makes of those images, and new ones of it where it can; of a table new rows alone. */
export async function figuresOf(
  { run, config, dataset }: ComparedRun,
  engine: Engine,
  split: string,
  { signal }: Watched,
): Promise<Pick<ComparedModel, "reconstructions" | "samples" | "table">> {
  const can = abilitiesIn(config);
  const needs = (["reconstruct", "sample"] as const).filter((ability) => can.includes(ability));
  const model = await load(run.path, { needs, runtime: engine });
  try {
    if (!isImage(dataset.shape)) {
      return needs.includes("sample") ? { table: await gatherTable(model, firstOf(dataset, ROWS), split) } : {};
    }
    const reconstructed = needs.includes("reconstruct")
      ? await model.reconstruct(firstOf(dataset, SHOWN), { signal })
      : undefined;
    const drawn = needs.includes("sample") ? await model.sample(SHOWN, { from: "mean", seed: 0, signal }) : undefined;
    return {
      reconstructions: reconstructed && imagesOf(reconstructed.data, model.facts),
      samples: drawn && imagesOf(drawn.data, model.facts),
    };
  } finally {
    await model.release();
  }
}
