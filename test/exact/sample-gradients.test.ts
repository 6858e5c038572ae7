import { describe, expect, it } from "vitest";
import { isReparameterized, type Reparameterized } from "../../src/distributions/distribution.ts";
import { gradients } from "../../src/tensor/gradients.ts";
import { constant, data, log1p, square, sub, sum, type Tensor } from "../../src/tensor/index.ts";
import { evaluate } from "../../src/tensor/reference.ts";
import {
  type Family,
  families,
  feedsFor,
  integrals,
  overSettings,
  placed,
  quadrature,
  type Setting,
  weighted,
} from "./families/index.ts";
import { array, drawn, meanAndError, single } from "./single.ts";

/*
 * ∇ E[z], ∇ E[(z − c)²] and ∇ E[log(1 + (z − c)²)] in every parameter, c the mean held fixed: through samples, and by central
 * differences of the same expectations by quadrature.
 *
 * A two-sided 6 standard errors are 2e-9; of fewer than 200 components here a false alarm has 4e-7. There are draws enough for 6
 * standard errors to be less than 5 % of one of the gradients in each parameter, so that an error of 5 % fails; the test checks it.
 */

const DRAWS = 100_000;
const FUNCTIONS = ["z", "(z − c)²", "log(1 + (z − c)²)"] as const;

function reparameterized(family: Family, parameters: Readonly<Record<string, Tensor>>): Reparameterized {
  const distribution = family.build(parameters);
  if (isReparameterized(distribution)) return distribution;
  throw new TypeError(`${family.name} is not reparameterized`);
}

const able = families.filter((family) => isReparameterized(overSettings(family, family.settings)));
const names = ({ settings }: Family): readonly string[] => Object.keys(settings[0]);
const chosen = ({ sampled, differentiated }: Family): readonly Setting[] => differentiated ?? sampled;

/** The expectations of the three for each setting. */
function expectations(
  family: Family,
  settings: readonly Setting[],
  centres: readonly number[],
): readonly (readonly number[])[] {
  const { x: y, logWeights } = quadrature(family, settings);
  const z = placed(family, data("y", y.shape, "float"));
  const feeds = { ...feedsFor(family, settings), y };
  const [x, logs] = evaluate([z, overSettings(family, settings).logProb(z)], feeds);
  const mass = logs.data.map((log, i) => Math.exp(log + logWeights[i]));
  const of = (f: (x: number, i: number) => number): readonly number[] =>
    integrals(
      weighted(mass, (i) => f(x.data[i], i % settings.length)),
      settings.length,
    );
  const squared = (value: number, i: number): number => (value - centres[i]) ** 2;
  return [of((value) => value), of(squared), of((value, i) => Math.log1p(squared(value, i)))];
}

/** [function][parameter][setting] */
type Gradients = readonly (readonly ArrayLike<number>[])[];

function byQuadrature(family: Family, centres: readonly number[]): Gradients {
  const settings = chosen(family);
  const slopes = names(family).map((name) => {
    const step = settings.map((setting) => 1e-4 * Math.max(Math.abs(setting[name]), 0.1));
    const [up, down] = [1, -1].map((sign) => {
      const moved = settings.map((setting, i) => ({ ...setting, [name]: setting[name] + sign * step[i] }));
      return expectations(family, moved, centres);
    });
    return FUNCTIONS.map((_, f) => up[f].map((value, i) => (value - down[f][i]) / (2 * step[i])));
  });
  return FUNCTIONS.map((_, f) => slopes.map((each) => each[f]));
}

/** Every draw's own gradient: the parameters are repeated for each. */
async function bySamples(family: Family, centres: readonly number[]): Promise<Gradients> {
  const settings = chosen(family);
  const n = settings.length;
  const leaves = names(family).map((name) => data(name, [DRAWS, n, 1], "float"));
  const distribution = reparameterized(family, Object.fromEntries(leaves.map((leaf, i) => [names(family)[i], leaf])));
  const shape = [DRAWS, n, ...distribution.noise.event];
  const { sample } = distribution.rsampleWithLogProb(data("noise", shape, "float"));
  const repeat = (of: (setting: Setting) => number) =>
    array(
      Float64Array.from({ length: DRAWS * n }, (_, i) => of(settings[i % n])),
      [DRAWS, n, 1],
    );
  const feeds = {
    ...Object.fromEntries(names(family).map((name) => [name, repeat((setting) => setting[name])])),
    noise: drawn(`gradients/${family.name}`, distribution.noise.law, shape),
  };
  const squared = square(sub(sample, constant(centres, [n, 1])));
  const outputs = [sample, squared, log1p(squared)].flatMap((f) => gradients(sum(f), leaves));
  const values = await single(outputs, feeds);
  return FUNCTIONS.map((_, f) => leaves.map((_leaf, i) => values[f * leaves.length + i].data));
}

describe.each(able)("$name", (family) => {
  it("has unbiased gradients through its samples", async () => {
    const settings = chosen(family);
    const n = settings.length;
    const [centres] = expectations(
      family,
      settings,
      settings.map(() => 0),
    );
    const exact = byQuadrature(family, centres);
    const estimated = await bySamples(family, centres);
    for (const [s, setting] of settings.entries()) {
      for (const [p, name] of names(family).entries()) {
        const sharpness = FUNCTIONS.map((of, f) => {
          const { mean, error } = meanAndError(
            Float64Array.from({ length: DRAWS }, (_, i) => estimated[f][p][i * n + s]),
          );
          // The variance of a gradient has twice the moments in it.
          if (f < 2 && family.hasMoment?.(2 * (f + 1), setting) === false) return Number.POSITIVE_INFINITY;
          const truth = exact[f][p][s];
          // Where no noise is in it, the rounding of float32 is: 1e-5 of what varies in it.
          const allowed = 6 * error + 1e-5 * (Math.abs(truth) + error * Math.sqrt(DRAWS));
          const label = `∂E[${of}]/∂${name} at ${JSON.stringify(setting)}: ${mean} ± ${error}, exactly ${truth}`;
          expect(Math.abs(mean - truth), label).toBeLessThan(allowed);
          return allowed / Math.abs(truth);
        });
        const label = `of an error of 5 % in ∂/∂${name} at ${JSON.stringify(setting)}`;
        expect(Math.min(...sharpness), label).toBeLessThan(0.05);
      }
    }
  });
});
