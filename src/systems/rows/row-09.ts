import { arrayDataset, type Dataset, featureMeans } from "../../data/dataset.ts";
import type { DataDescription } from "../../models/model.ts";
import { encoderProgram } from "../../models/programs.ts";
import { vae, vaeSchema } from "../../models/vae.ts";
import { namedLeaves } from "../../onnx/lower.ts";
import { compile } from "../../runtime/compile.ts";
import type { Engine } from "../../runtime/engine.ts";
import { sizeOf } from "../../tensor/ndarray.ts";
import { asFloat } from "../../tensor/op.ts";
import { staticShape } from "../../tensor/shape.ts";
import { binary, startingValues } from "../execute.ts";
import { gained, ownPosteriors } from "../own-posteriors.ts";
import { EXACT, type Measurement, relativeToLargest, type SystemRow } from "../row.ts";

const DIMENSIONS = 30;
const SEED = 9;
const options = vaeSchema.parse({ architecture: { kind: "mlp", widths: [20] }, latents: 3, binarize: "none" });

function examples(count: number): Dataset {
  const { data, shape } = binary(`rows/${count}`, [count, DIMENSIONS], SEED);
  return arrayDataset({ data: Float32Array.from(data), shape }, { name: `${count} rows`, measure: "binary" });
}

function describe(dataset: Dataset): DataDescription {
  return { shape: dataset.shape, measure: dataset.measure, means: featureMeans(dataset) };
}

/** How many numbers the inference network has when it is built for these data. */
function encoderSize(dataset: Dataset): number {
  const description = describe(dataset);
  return namedLeaves(Object.values(encoderProgram(vae(options, description), description)))
    .filter(({ leaf }) => leaf.kind === "parameter")
    .reduce((total, { leaf, tensor }) => total + sizeOf(staticShape(leaf.name, tensor.shape)), 0);
}

async function measure(engine: Engine): Promise<readonly Measurement[]> {
  const [few, many] = [examples(100), examples(10_000)];
  const sizes = [encoderSize(few), encoderSize(many)];
  const description = describe(few);
  const program = encoderProgram(vae(options, description), description);
  const encoder = await compile(engine, program);
  const values = startingValues(asFloat(program.mean), SEED);
  const x = new Float32Array(8 * DIMENSIONS);
  many.read([0, 1, 2, 3, 4, 5, 6, 7], x);
  const together = await encoder.run({ ...values, x: { data: x, shape: [8, DIMENSIONS] } });
  const alone = await encoder.run({ ...values, x: { data: x.subarray(0, DIMENSIONS), shape: [1, DIMENSIONS] } });
  await encoder.release();
  const first = together.mean.data.subarray(0, options.latents);
  return [
    {
      what: "parameters of q(z|x) for n = 10,000 examples, against n = 100",
      measured: sizes[1],
      expected: sizes[0],
      error: Math.abs(sizes[1] - sizes[0]),
      tolerance: 0,
    },
    {
      what: "posterior mean of an unseen x by one pass, alone against among others",
      measured: alone.mean.data[0],
      expected: first[0],
      error: relativeToLargest(alone.mean.data, first),
      tolerance: EXACT.float32,
    },
    gained(await ownPosteriors(engine)),
  ];
}

export const row09: SystemRow = {
  row: 9,
  title: "Amortized inference: one network x → (μ(x), Σ(x)) shared by all data",
  measure,
};
