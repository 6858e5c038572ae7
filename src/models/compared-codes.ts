import { isReparameterized, isStratified } from "../distributions/distribution.ts";
import { InputError } from "../errors.ts";
import { namedLeaves } from "../onnx/lower.ts";
import { data } from "../tensor/index.ts";
import type { DataDescription, Model } from "./model.ts";
import { priorFamilies } from "./priors.ts";
import { type VaeOptions, vae } from "./vae.ts";

/** The deviation of q(z|x), where no posterior is named: a tenth of that of N(0, I). */
const DEVIATION = 0.1;

/**
 * A VAE for a loss that has no rate and compares draws of all codes with draws of the prior instead. Where no posterior is named it is
 * N(μ(x), s²I) of a fixed s: nothing would keep a trained one from going to 0, and the rate from growing without end
 * (Rubenstein, Schölkopf & Tolstikhin 2018, §3).
 * @throws InputError where single draws have no path, or the prior is trained, which such a loss does not do.
 */
export function comparedCodes(name: string, given: VaeOptions, about: DataDescription): Model {
  const { posterior, prior = "normal" } = given;
  const open = posterior === undefined && priorFamilies[prior].space === "real";
  const options: VaeOptions = open ? { ...given, posterior: "fixed", posteriorScale: DEVIATION } : given;
  const model = vae(options, about);
  const codes = model.encoder(data("x", ["batch", ...about.shape]));
  if (!isReparameterized(codes) || isStratified(codes)) {
    throw new InputError(
      `--posterior ${posterior ?? codes.name}: --model ${name} needs one draw of an example, with a path to it; use --posterior diagonal, or --model vae`,
    );
  }
  const density = model.prior.logProb(data("z", ["batch", model.latents]));
  if (namedLeaves([density]).some(({ leaf }) => leaf.kind === "parameter")) {
    throw new InputError(
      `--prior ${prior}: is trained by the bound, which --model ${name} does not descend; use --prior normal or classes, or --model vae`,
    );
  }
  return { ...model, leastBatch: 2 }; // one code has no spread
}
