import type { Dataset } from "../data/dataset.ts";
import { type CodeRows, forEachPosterior } from "../evaluation/latents.ts";
import { reconstructionError } from "../evaluation/reconstruction.ts";
import { decoderProgram, encoderProgram } from "../models/programs.ts";
import { compile } from "../runtime/compile.ts";
import type { Engine } from "../runtime/engine.ts";
import { type NdArray, sizeOf } from "../tensor/ndarray.ts";
import type { Fitted } from "../training/fit.ts";

/** The two maps x ↦ z ↦ x̂ of a fitted model, of means where they are distributions. */
export interface FittedMaps {
  /** [n, k] */
  readonly codes: (dataset: Dataset) => Promise<CodeRows>;
  /** [n, k] → [n, ...shape] */
  readonly decode: (z: NdArray) => Promise<NdArray>;
  /** The mean of ‖x − x̂‖² over the examples. */
  readonly squaredError: (dataset: Dataset) => Promise<number>;
  readonly release: () => Promise<void>;
}

export async function openMaps(
  engine: Engine,
  { model, description, parameters: values }: Fitted,
): Promise<FittedMaps> {
  const encoder = await compile(engine, encoderProgram(model, description), { values });
  const decoder = await compile(engine, decoderProgram(model), { values });
  const seed = 0; // nothing is drawn
  return {
    codes: async (dataset) => {
      const data = new Float64Array(dataset.length * model.latents);
      await forEachPosterior({ encoder, dataset, seed }, ({ mean }, [first]) =>
        data.set(mean.data, first * model.latents),
      );
      return { data, shape: [dataset.length, model.latents] };
    },
    decode: async (z) => (await decoder.run({ z })).mean,
    squaredError: async (dataset) => {
      const found = await reconstructionError({ encoder, decoder, dataset, seed });
      return sizeOf(dataset.shape) * (found?.rmse ?? Number.NaN) ** 2;
    },
    release: async () => {
      await encoder.release();
      await decoder.release();
    },
  };
}
