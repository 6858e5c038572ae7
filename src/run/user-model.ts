import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { createJiti } from "jiti";
import { fnv1a32 } from "../checksum.ts";
import type { Measure } from "../data/dataset.ts";
import type { Support } from "../distributions/distribution.ts";
import { InputError } from "../errors.ts";
import * as library from "../index.ts";
import type { AnyModel, DataDescription, Model, PointModel } from "../models/model.ts";
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
export async function loadUserModel(path: string, description: DataDescription): Promise<AnyModel> {
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
  if (isPoint(model)) return guardPoint(path, model, description);
  if (!isModel(model)) {
    throw new InputError(
      `${path}: the model needs latents (a number), and either encoder and decoder (functions) and prior (a distribution), or encode, decode and terms (functions) and gauge ({ term, better })`,
    );
  }
  const guarded = guardModel(path, model);
  if (!model.observe) checkDensity(path, guarded, description);
  return guarded;
}

function isModel(value: unknown): value is Model {
  if (typeof value !== "object" || value === null) return false;
  const { latents, encoder, decoder, prior } = value as Partial<Model>;
  return isCount(latents) && areFunctions(encoder, decoder) && has(prior, "sample", "logProb");
}

function isPoint(value: unknown): value is PointModel {
  if (typeof value !== "object" || value === null) return false;
  const { latents, encode, decode, terms, gauge } = value as Partial<PointModel>;
  return isCount(latents) && areFunctions(encode, decode, terms) && has(gauge, "term", "better");
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) > 0;
}

function areFunctions(...values: readonly unknown[]): boolean {
  return values.every((value) => typeof value === "function");
}

/** Runs a module's function: what it throws, and a result without these members, is told with the place. */
function checked<T>(place: string, expected: string, members: readonly string[], call: () => T): T {
  const value = guard(place, call);
  if (has(value, ...members)) return value;
  throw new InputError(`${place}: ${expected} is expected to be returned, got ${typeof value}`);
}

const tensorOf = <T>(place: string, call: () => T): T => checked(place, "a tensor", ["shape", "dtype"], call);

/** What every model has, with its functions' mistakes told as the module's. */
function guardCommon(
  path: string,
  { latents, space, observe, observation, unit, rule, missing, leastBatch }: AnyModel,
): Pick<AnyModel, "latents" | "space" | "observe" | "observation" | "unit" | "rule" | "missing" | "leastBatch"> {
  return {
    latents,
    space,
    observation,
    unit,
    missing,
    leastBatch,
    rule,
    observe: observe && ((raw, samples) => tensorOf(`${path}: observe`, () => observe(raw, samples))),
  };
}

/** The model with its functions' mistakes told as the module's. */
function guardModel(path: string, model: Model): Model {
  const { prior, objective, amortization, averages, monitors, shown, drawn, code, phases, deployed } = model;
  return {
    ...guardCommon(path, model),
    prior,
    deployed: deployed && guardModel(path, deployed),
    amortization: amortization && {
      ...amortization,
      network: (x) => guard(`${path}: amortization.network`, () => amortization.network(x)),
      posterior: (numbers) => guard(`${path}: amortization.posterior`, () => amortization.posterior(numbers)),
    },
    averages: averages && ((x, draws) => guard(`${path}: averages`, () => averages(x, draws))),
    monitors: monitors && ((draws) => guard(`${path}: monitors`, () => monitors(draws))),
    shown: shown && ((likelihood) => guard(`${path}: shown`, () => shown(likelihood))),
    drawn: drawn && ((x) => guard(`${path}: drawn`, () => drawn(x))),
    code: code && ((posterior) => guard(`${path}: code`, () => code(posterior))),
    phases: phases && ((terms, x, draws) => guard(`${path}: phases`, () => phases(terms, x, draws))),
    objective:
      objective &&
      ((terms, x, draws) => {
        const loss = checked(`${path}: objective`, "a tensor", ["shape"], () => objective(terms, x, draws));
        if (loss.shape.length === 0) return loss;
        throw new InputError(`${path}: objective: one number is expected, got [${loss.shape}]; take its mean`);
      }),
    encoder: (x) => checked(`${path}: encoder`, "a distribution", ["sample", "logProb"], () => model.encoder(x)),
    decoder: (z) =>
      checked(`${path}: decoder`, "a distribution", ["logProb", "mean", "parameters"], () => model.decoder(z)),
  };
}

/** The same of a model of two maps, whose shapes are looked at too. */
function guardPoint(path: string, model: PointModel, { shape }: DataDescription): PointModel {
  const { prior, density, gauge, terms, logProb, initialised, encode, decode, latents } = model;
  const { better } = gauge;
  if (better !== "larger" && better !== "smaller") {
    throw new InputError(`${path}: gauge.better: "larger" or "smaller" is expected, got ${JSON.stringify(better)}`);
  }
  if (logProb && !prior) {
    throw new InputError(`${path}: logProb: a model with a density needs a prior too, which its samples are drawn by`);
  }
  return {
    ...guardCommon(path, model),
    prior,
    density: density ?? (logProb && "Density"),
    gauge,
    encode: (x) => {
      const z = tensorOf(`${path}: encode`, () => encode(x));
      if (z.shape.at(-1) === latents) return z;
      throw new InputError(
        `${path}: encode: [batch, ${latents}] is expected, as latents is ${latents}, got [${z.shape}]`,
      );
    },
    decode: (z) => {
      const x = tensorOf(`${path}: decode`, () => decode(z));
      if (x.shape.slice(1).join() === shape.join()) return x;
      throw new InputError(
        `${path}: decode: [batch, ${shape.join(", ")}] is expected, as the data are, got [${x.shape}]`,
      );
    },
    logProb: logProb && ((x) => tensorOf(`${path}: logProb`, () => logProb(x))),
    initialised: initialised && ((x) => guard(`${path}: initialised`, () => initialised(x))),
    terms: (x) => {
      const told = guard(`${path}: terms`, () => terms(x));
      if (has(told, gauge.term)) return told;
      const names = typeof told === "object" && told !== null ? Object.keys(told).join(", ") : typeof told;
      throw new InputError(`${path}: terms: ${gauge.term}, which gauge names, is expected, got ${names}`);
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
