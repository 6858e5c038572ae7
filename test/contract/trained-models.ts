/** Models as an app gets them, in memory: the files of a run, without a run. Hardly trained, as nothing depends on it. */
import { arrayDataset, type Dataset } from "../../src/data/dataset.ts";
import { type AnyModel, likelihoodName, type ModelModule } from "../../src/models/model.ts";
import { vae } from "../../src/models/vae.ts";
import { stream } from "../../src/random/stream.ts";
import { exportModel } from "../../src/run/artifacts.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import { fitModel } from "../../src/training/fit.ts";

export type ModelFiles = Record<string, Uint8Array>;

export const COLUMNS = ["age", "income", "share"] as const;
export const REFERENCE = [-9, -7, -7, -4, -1];

const architecture = { kind: "mlp", widths: [8] } as const;
const EXAMPLES = 64;

/** 64 images of one grey 4×6 form, lighter and darker. */
export function greyImages(): Dataset {
  const random = stream(3, "images");
  const data = new Uint8Array(EXAMPLES * 24);
  for (let i = 0; i < EXAMPLES; i++) {
    const light = random.normal();
    for (let j = 0; j < 24; j++) {
      data[24 * i + j] = Math.min(255, Math.max(0, 40 + 8 * j + 30 * light + 10 * random.normal()));
    }
  }
  return arrayDataset({ data, shape: [EXAMPLES, 1, 4, 6] }, { name: "images", measure: "bytes" });
}

/** 64 rows of three columns of very different units. */
export function tableRows(): Dataset {
  const random = stream(4, "table");
  const data = new Float32Array(EXAMPLES * 3);
  for (let i = 0; i < EXAMPLES; i++) {
    const common = random.normal();
    data.set([40 + 12 * common, 5e4 + 2e4 * common, 0.3 + 0.01 * random.normal()], 3 * i);
  }
  return arrayDataset({ data, shape: [EXAMPLES, 3] }, { name: "table", columns: COLUMNS });
}

/** The files of a model, as `reparam export` lays them down. */
export async function filesOf(engine: Engine, build: ModelModule, dataset: Dataset): Promise<ModelFiles> {
  const { model, description, parameters } = await fitModel(build, dataset, { engine, epochs: 2, batchSize: 32 });
  const text = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  return {
    ...Object.fromEntries(exportModel(model, description, parameters)),
    "config.json": text(config(model, dataset)),
    "scores.json": text({ samples: 7, logLikelihood: REFERENCE }),
  };
}

function config(model: AnyModel, { checksum, length, shape, measure, columns }: Dataset): unknown {
  const kind = columns ? "table" : "array";
  const range = measure === "bytes" ? [0, 255] : [0, 1e5];
  return {
    data: { checksum, kind, examples: length, shape, measure, range, columns },
    model: { latents: model.latents, likelihood: likelihoodName(model), parameters: 0, unit: model.unit ?? 1 },
    environment: {},
  };
}

/** Grey images by the logistic, binarised ones by Bernoulli, a table by Normal. */
export async function tinyModels(
  engine: Engine,
): Promise<Readonly<Record<"grey" | "binarised" | "table", ModelFiles>>> {
  const images = greyImages();
  const common = { architecture, latents: 2 };
  return {
    grey: await filesOf(engine, (data) => vae({ ...common, likelihood: "logistic" }, data), images),
    binarised: await filesOf(engine, (data) => vae({ ...common, binarize: "threshold" }, data), images),
    table: await filesOf(engine, (data) => vae({ ...common, likelihood: "normal" }, data), tableRows()),
  };
}
