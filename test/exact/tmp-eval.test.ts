import { it } from "vitest";
import { openEngine } from "#engine";
import { openDataset } from "../../src/data/open.ts";
import { firstOf } from "../../src/data/dataset.ts";
import { annealedLogLikelihood } from "../../src/evaluation/annealed.ts";
import { openAnnealing } from "../../src/evaluation/annealed-programs.ts";
import { observed } from "../../src/models/programs.ts";
import { vae } from "../../src/models/vae.ts";
import { fitModel } from "../../src/training/fit.ts";
it("x", async () => {
  const engine = await openEngine({ engine: "native" });
  const train = firstOf(await openDataset("data/fashion-train-images-idx3-ubyte.gz"), 9000);
  const { model, description, parameters } = await fitModel((d) => vae({ latents: 16, architecture: { kind: "mlp", widths: [100] } }, d), train, { engine, epochs: 3 });
  for (const from of ["prior", "posterior"] as const) for (const temperatures of [50, 200]) {
    const annealing = await openAnnealing(engine, { model, x: observed(model, description), from, values: new Map(parameters) });
    const t = performance.now();
    const a = await annealedLogLikelihood({ annealing, dataset: firstOf(train, 30), temperatures, chains: 4, leapfrogSteps: 10, seed: 3 });
    console.log(`ais ${from} ${temperatures}`, a.logLikelihood.value, a.estimator.error, a.acceptance, performance.now() - t);
  }
}, 600000);
