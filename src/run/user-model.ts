import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { createJiti } from "jiti";
import { fnv1a32 } from "../checksum.ts";
import type { Measure } from "../data/dataset.ts";
import type { Support } from "../distributions/distribution.ts";
import { InputError } from "../errors.ts";
import * as library from "../index.ts";
import type { DataDescription, Model } from "../models/model.ts";
import * as tensor from "../tensor/index.ts";

/** A checksum of the module's text, so that a run can tell when it has changed. */
export function moduleChecksum(path: string): string {
  if (!existsSync(path)) throw new InputError(`${path}: no such model module`);
  return fnv1a32(readFileSync(path));
}

/**
 * A model of the user's own: the default export of a TypeScript or JavaScript module, called with the data's description.
 * `reparam` in it is this very package, wherever the file lies. What goes wrong in its functions, now or when a program
 * is built of them, is an InputError that begins with the path.
 */
export async function loadUserModel(path: string, description: DataDescription): Promise<Model> {
  moduleChecksum(path);
  const jiti = createJiti(pathToFileURL(resolve(path)).href, {
    virtualModules: { reparam: library, "reparam/tensor": tensor },
    fsCache: false, // else transformed sources would be written to, and trusted from, a shared temporary folder
  });
  const made = await jiti.import<unknown>(resolve(path), { default: true }).catch((cause: unknown) => {
    throw mistake(`${path}: cannot be loaded`, cause);
  });
  if (typeof made !== "function") {
    throw new InputError(
      `${path}: a default export is expected that is a function from the data's description to a model`,
    );
  }
  const model: unknown = guard(path, () => Reflect.apply(made, undefined, [description]));
  if (!isModel(model)) {
    throw new InputError(
      `${path}: the model needs latents (a number), encoder and decoder (functions) and prior (a distribution)`,
    );
  }
  const guarded = guardFunctions(path, model);
  if (!model.observe) checkDensity(path, guarded, description);
  return guarded;
}

function isModel(value: unknown): value is Model {
  if (typeof value !== "object" || value === null) return false;
  const { latents, encoder, decoder, prior } = value as Partial<Model>;
  return (
    Number.isInteger(latents) &&
    Number(latents) > 0 &&
    typeof encoder === "function" &&
    typeof decoder === "function" &&
    has(prior, "sample", "logProb")
  );
}

/** The model with its functions' mistakes told as the module's. */
function guardFunctions(path: string, model: Model): Model {
  const {
    latents,
    space,
    prior,
    observation,
    unit,
    observe,
    objective,
    amortization,
    averages,
    monitors,
    shown,
    code,
  } = model;
  const returned = <T>(name: string, expected: string, value: T, ...members: readonly string[]): T => {
    if (has(value, ...members)) return value;
    throw new InputError(`${path}: ${name}: ${expected} is expected to be returned, got ${typeof value}`);
  };
  return {
    latents,
    space,
    prior,
    observation,
    unit,
    amortization: amortization && {
      ...amortization,
      network: (x) => guard(`${path}: amortization.network`, () => amortization.network(x)),
      posterior: (numbers) => guard(`${path}: amortization.posterior`, () => amortization.posterior(numbers)),
    },
    averages: averages && ((x, draws) => guard(`${path}: averages`, () => averages(x, draws))),
    monitors: monitors && ((draws) => guard(`${path}: monitors`, () => monitors(draws))),
    shown: shown && ((likelihood) => guard(`${path}: shown`, () => shown(likelihood))),
    code: code && ((posterior) => guard(`${path}: code`, () => code(posterior))),
    observe: observe && ((raw) => guard(`${path}: observe`, () => observe(raw))),
    objective:
      objective &&
      ((terms, x, draws) => {
        const loss = guard(`${path}: objective`, () => objective(terms, x, draws));
        if (returned("objective", "a tensor", loss, "shape").shape.length === 0) return loss;
        throw new InputError(`${path}: objective: one number is expected, got [${loss.shape}]; take its mean`);
      }),
    encoder: (x) => {
      const posterior = guard(`${path}: encoder`, () => model.encoder(x));
      return returned("encoder", "a distribution", posterior, "sample", "logProb");
    },
    decoder: (z) => {
      const likelihood = guard(`${path}: decoder`, () => model.decoder(z));
      return returned("decoder", "a distribution", likelihood, "logProb", "mean", "parameters");
    },
  };
}

/** The measures of data that a density with this support is one on, the first of which names it. */
const measuresOf: Readonly<Record<Support, readonly Measure[]>> = {
  real: ["real", "unit"],
  positive: ["real", "unit"],
  unit: ["unit"],
  binary: ["binary"],
  bytes: ["bytes"],
  counts: ["count", "bytes"],
  category: ["category"],
  oneHot: ["binary"],
  simplex: ["unit"],
  mixed: [],
};

/** Refuses a likelihood that is no density on the data as they are: log p would be off by the units, or infinite. */
function checkDensity(path: string, { decoder, latents }: Model, { measure }: DataDescription): void {
  const { name, support } = decoder(tensor.data("z", ["batch", latents]));
  const measures = measuresOf[support];
  if (measures.includes(measure)) return;
  throw new InputError(
    `${path}: the likelihood ${name} is a density on ${measures[0] ?? "mixed"} data and these are ${measure}; choose another, or give the model an observe that makes them what it models`,
  );
}

function has(value: unknown, ...members: readonly string[]): boolean {
  return typeof value === "object" && value !== null && members.every((member) => member in value);
}

function guard<T>(place: string, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    throw mistake(place, cause);
  }
}

/** An error as one line. The loader writes an import `f` as `(0, _module.f)`. */
function mistake(place: string, cause: unknown): InputError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const line = message.replace(/\(0 ?, ?\w+\.(\w+)\)/g, "$1").replace(/\s+/g, " ");
  return new InputError(`${place}: ${line.trim()}`, { cause });
}
