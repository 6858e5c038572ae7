/** What every model that `--model` names is expected to be. A new model is one entry here: `families.test.ts` does the rest. */
import { arrayDataset, type Dataset, type Measure } from "../../src/data/dataset.ts";
import type { ModelName } from "../../src/models/names.ts";
import { stream } from "../../src/random/stream.ts";
import type { ProgramName } from "../../src/run/facts.ts";

export interface Entry {
  /** Options that make it small. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Which of its terms training betters, and whether larger ones are. */
  readonly betters: { readonly term: string; readonly larger: boolean };
  readonly programs: readonly ProgramName[];
  /** What its parameters' names begin with: the parts that it is made of. */
  readonly parts: readonly string[];
  /** How far float32 may be off, relative to numbers above 1; 1e-5 by default. */
  readonly rounding?: number;
  /** Data that it refuses. */
  readonly refuses?: readonly Measure[];
  /** Options with which it is a density of two columns whose log p(x) is exact, where it has one. */
  readonly exact?: Readonly<Record<string, unknown>>;
}

const everything = ["encoder", "decoder", "likelihood", "prior", "density"] as const;
const networks = { encoder: "mlp 8", latents: 2 };

export const entries: Readonly<Record<ModelName, Entry>> = {
  vae: {
    options: networks,
    betters: { term: "elbo", larger: true },
    programs: everything,
    parts: ["encoder", "decoder"],
  },
  autoencoder: {
    options: networks,
    betters: { term: "squaredError", larger: false },
    programs: ["encoder", "decoder"],
    parts: ["encoder", "decoder"],
    refuses: ["category"],
  },
  pca: {
    options: { latents: 2 },
    betters: { term: "squaredError", larger: false },
    programs: ["encoder", "decoder"],
    parts: ["encoder", "decoder"],
    refuses: ["category"],
  },
  "kernel-pca": {
    options: { latents: 2 },
    rounding: 3e-4, // 64 kernel values, each to 6e-8, times coefficients up to 66 and a unit of 5: about 1e-4
    betters: { term: "squaredError", larger: false },
    programs: ["encoder", "decoder"],
    parts: ["encoder", "decoder"],
    refuses: ["category"],
  },
  "probabilistic-pca": {
    options: { latents: 2, em: true },
    betters: { term: "logLikelihood", larger: true },
    programs: everything,
    parts: ["encoder", "decoder"],
    refuses: ["category"],
    exact: { latents: 1 },
  },
  "factor-analysis": {
    options: { latents: 2 },
    betters: { term: "logLikelihood", larger: true },
    programs: everything,
    parts: ["encoder", "decoder"],
    refuses: ["category"],
    exact: { latents: 1, tolerance: 1e-3 },
  },
  "gaussian-mixture": {
    options: { components: 3 },
    betters: { term: "logLikelihood", larger: true },
    programs: everything,
    parts: ["prior", "decoder"],
    refuses: ["category"],
    exact: { components: 2 },
  },
  flow: {
    options: { layers: 2, hidden: "8", bins: 4 },
    betters: { term: "logLikelihood", larger: true },
    programs: ["encoder", "decoder", "prior", "density"],
    parts: ["flow"],
    refuses: ["category"],
    exact: { layers: 2, hidden: "8", bins: 4 },
  },
  "adversarial-autoencoder": {
    options: { ...networks, discriminator: "8" },
    betters: { term: "reconstruction", larger: true },
    programs: everything,
    parts: ["encoder", "decoder", "discriminator"],
  },
  "wasserstein-autoencoder": {
    options: networks,
    betters: { term: "reconstruction", larger: true },
    programs: everything,
    parts: ["encoder", "decoder"],
  },
};

const ROWS = 64;

/** Rows of five numbers that one hidden number moves, of each measure; bytes are images 4×4. */
export function examplesOf(measure: Measure, columns = measure === "bytes" ? 16 : 5): Dataset {
  const random = stream(6, `families/${measure}`);
  const numbers: Readonly<Record<Measure, (common: number) => number>> = {
    real: (common) => 3 + 2 * common + random.normal(),
    unit: (common) => 1 / (1 + Math.exp(-common - random.normal())),
    binary: (common) => (common + random.normal() > 0 ? 1 : 0),
    bytes: (common) => Math.min(255, Math.max(0, Math.round(128 + 40 * common + 20 * random.normal()))),
    count: (common) => Math.max(0, Math.round(6 + 2 * common + random.normal())),
    category: (common) => (common > 0 ? random.below(2) : 2 + random.below(2)),
  };
  const values = Array.from({ length: ROWS }, () => {
    const common = random.normal();
    return Array.from({ length: columns }, () => numbers[measure](common));
  }).flat();
  const data = measure === "bytes" ? Uint8Array.from(values) : Float32Array.from(values);
  const shape = measure === "bytes" ? [ROWS, 1, 4, 4] : [ROWS, columns];
  return arrayDataset({ data, shape }, { name: "examples", measure });
}
