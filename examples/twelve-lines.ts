import { compile, densityProgram, estimateLikelihood, fitModel, openEngine, vae } from "reparam";
import { embeddedFashion } from "reparam/data";

const { train, test } = await embeddedFashion();
const engine = await openEngine({ threads: 2 });
const { model, description, parameters } = await fitModel((data) => vae({ latents: 16 }, data), train, {
  engine,
  epochs: 5,
  onEpoch: ({ epoch, train: { elbo } }) => console.log(`epoch ${epoch}: ELBO ${elbo.toFixed(1)} nats`),
});
const density = await compile(engine, densityProgram(model, description));
const { logLikelihood } = await estimateLikelihood({ density, parameters, dataset: test, samples: 50, seed: 0 });
console.log(`test log-likelihood: ${logLikelihood.value.toFixed(1)} ± ${logLikelihood.error.toFixed(1)} nats`);
