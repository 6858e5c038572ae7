import { openEngine } from "#engine";
import { energyDistance, shiftedNormalDistance, shiftedRows } from "../../evaluation/energy-distance.ts";
import { type TwoSampleAccuracy, twoSampleAccuracy } from "../../evaluation/two-sample.ts";
import { colour } from "../../report/svg-file.ts";
import type { Engine } from "../../runtime/engine.ts";
import {
  type AggregatedCodes,
  aggregatedCodes,
  byteDigits,
  type Hold,
  type Setting,
  somePoints,
} from "../aggregated-codes.ts";
import type { Measurement, Study, SystemPicture, SystemRow } from "../row.ts";

/** How far the prior is moved that the codes must be nearer than. */
const SHIFT = 0.2;
const SHAPE = "64-128-k and back, digits 8×8";

const told = (engine: Engine, { codes, draws }: AggregatedCodes): Promise<TwoSampleAccuracy> =>
  twoSampleAccuracy(engine, codes, draws);
const toPrior = ({ codes, draws }: AggregatedCodes): number => energyDistance(codes, draws).value;

const EPOCHS = 150;
const SEED = 1;

async function measure(engine: Engine): Promise<readonly Measurement[]> {
  const images = await byteDigits(SEED);
  const eight = { epochs: EPOCHS, seed: SEED, prior: "normal", latents: 8 } as const;
  const game = await told(engine, await aggregatedCodes(engine, images, { ...eight, hold: "game" }));
  const plain = await told(engine, await aggregatedCodes(engine, images, { ...eight, hold: "nothing" }));
  const chosen = { ...eight, prior: "classes", labels: true, latents: 2, hold: "game" } as const;
  const { distance, limit } = seenOf(await aggregatedCodes(engine, images, chosen), "classes");
  const one = `one seed of ${SHAPE}`;
  return [
    below(
      `energy distance of the codes to the prior, ${models[CHOSEN].name}, k = 2, ${one}, in percent of that of the prior shifted by ${SHIFT}`,
      (100 * distance) / limit,
      100,
    ),
    atMost("an adversarial autoencoder", 100 * game.value, 55, one),
    atLeast("a plain autoencoder, a VAE without its rate", 100 * plain.value, 90),
  ];
}

const SEEDS = [1, 2, 3, 4, 5];

const priors = [
  { prior: "normal", labels: false, called: "N(0, I)", short: "N(0, I)" },
  { prior: "classes", labels: false, called: "one Gaussian a class, labels unseen", short: "a mode a class" },
  { prior: "classes", labels: true, called: "one Gaussian a class, labels choosing", short: "a mode a class, labels" },
] as const;

/** The models that are set side by side, of each prior the two. */
const models = priors.flatMap(({ called, short, ...about }) => [
  { ...about, hold: "KL", name: `variational autoencoder, ${called}`, short: `VAE, ${short}` } as const,
  { ...about, hold: "game", name: `adversarial autoencoder, ${called}`, short: `AAE, ${short}` } as const,
]);
/** Places of the adversarial ones that are held to a limit. */
const [STANDARD, CHOSEN] = [1, 5];

interface Seen {
  readonly distance: number;
  /** Of the prior from itself moved by the shift. */
  readonly limit: number;
  readonly neighbours: number;
  readonly modes?: number;
  readonly reconstruction: number;
}

function seenOf(found: AggregatedCodes, prior: Setting["prior"]): Seen {
  const { draws, neighbours, modes, reconstruction, codes } = found;
  const half = draws.shape[0] / 2;
  const part = (from: number) => ({
    data: draws.data.slice(from * draws.shape[1], (from + half) * draws.shape[1]),
    shape: [half, draws.shape[1]] as const,
  });
  const limit =
    prior === "normal"
      ? shiftedNormalDistance(codes.shape[1], SHIFT)
      : energyDistance(part(0), shiftedRows(part(half), SHIFT)).value;
  return { distance: toPrior(found), limit, neighbours: 100 * neighbours(), modes: modes?.found, reconstruction };
}

const study: Study = {
  command: "npm run systems -- 21 --full",
  run: async (say) => {
    const results: SeedResult[] = [];
    for (const seed of SEEDS) {
      results.push(await ofSeed(seed));
      say(`seed ${seed}: ${JSON.stringify(results.at(-1))}`);
    }
    return summed(results);
  },
};

interface SeedResult {
  /** Of the models, in their order. */
  readonly seen: readonly Seen[];
  /** Percent of the time that a classifier is right about codes in eight dimensions. */
  readonly game: number;
  readonly discrepancy: number;
  readonly plain: number;
}

/** All models of one seed. */
async function ofSeed(seed: number): Promise<SeedResult> {
  const engine = await openEngine({ threads: 1 });
  const images = await byteDigits(seed);
  const seen: Seen[] = [];
  for (const model of models) {
    const found = await aggregatedCodes(engine, images, { ...model, latents: 2, epochs: EPOCHS, seed });
    seen.push(seenOf(found, model.prior));
  }
  const eight = { prior: "normal", latents: 8, epochs: EPOCHS, seed } as const;
  const toldOf = async (hold: Hold): Promise<number> => {
    const { value } = await told(engine, await aggregatedCodes(engine, images, { ...eight, hold }));
    return 100 * value;
  };
  const [game, discrepancy, plain] = [await toldOf("game"), await toldOf("discrepancy"), await toldOf("nothing")];
  return { seen, game, discrepancy, plain };
}

/** What the seeds say together. */
export function summed(results: readonly SeedResult[]): readonly Measurement[] {
  const of = (i: number, pick: (one: Seen) => number | undefined): readonly number[] =>
    results.map(({ seen }) => pick(seen[i]) ?? Number.NaN);
  const toldBy = (pick: (one: SeedResult) => number): number => average(results.map(pick));
  return [
    ...[STANDARD, CHOSEN].map((i) =>
      nearer(
        models[i].name,
        of(i, distanceOf),
        of(i, (one) => one.limit),
        seeds,
      ),
    ),
    atMost(
      "an adversarial autoencoder",
      toldBy((one) => one.game),
      55,
      seeds,
    ),
    atLeast(
      "a plain autoencoder, a VAE without its rate",
      toldBy((one) => one.plain),
      90,
    ),
    {
      what: `the same, a Wasserstein autoencoder beside the adversarial one, told either way`,
      measured: toldBy((one) => one.discrepancy),
      expected: toldBy((one) => one.game),
      error: 0,
      tolerance: 0,
    },
    ...[0, 1, 2].flatMap((at) => [
      eitherWay("energy distance of the codes to the prior", at, (i) => of(i, distanceOf)),
      eitherWay("held-out digits whose class ten neighbours name, percent", at, (i) => of(i, nearOf)),
      eitherWay("reconstruction in training, last epoch, nats", at, (i) => of(i, (one) => one.reconstruction)),
    ]),
    ...[1, 2].map((at) => eitherWay("modes found of 10", at, (i) => of(i, (one) => one.modes))),
  ];
}

const distanceOf = (one: Seen): number => one.distance;
const nearOf = (one: Seen): number => one.neighbours;

function average(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}

const seeds = `mean of ${SEEDS.length} seeds of ${SHAPE}`;

/** The mean of the seeds against the limit. */
function nearer(name: string, distances: readonly number[], limits: readonly number[], over: string): Measurement {
  const [measured, expected] = [average(distances), average(limits)];
  const below = distances.filter((distance, i) => distance < limits[i]).length;
  const so = distances.length > 1 ? `; so are ${below} of the ${distances.length}` : "";
  return {
    what: `energy distance of the codes to the prior, ${name}, k = 2, ${over}, below that of the prior shifted by ${SHIFT}${so}`,
    measured,
    expected,
    error: Math.max(0, measured - expected),
    tolerance: 0,
  };
}

function atMost(name: string, measured: number, limit: number, over: string): Measurement {
  const what = `a classifier tells codes of ${name} from N(0, I), k = 8, percent of the time, ${over}`;
  return below(what, measured, limit);
}

function below(what: string, measured: number, limit: number): Measurement {
  return {
    what: `${what}: ${limit} or less`,
    measured,
    expected: limit,
    error: Math.max(0, measured - limit),
    tolerance: 0,
  };
}

function atLeast(name: string, measured: number, limit: number): Measurement {
  return {
    what: `the same of ${name}: ${limit} or more`,
    measured,
    expected: limit,
    error: Math.max(0, limit - measured),
    tolerance: 0,
  };
}

/** A comparison of the two models of a prior that has no side to be on. */
function eitherWay(what: string, at: number, of: (i: number) => readonly number[]): Measurement {
  return {
    what: `${what}, ${priors[at].called}, k = 2, ${seeds}: the adversarial autoencoder beside the variational one, told either way`,
    measured: average(of(2 * at + 1)),
    expected: average(of(2 * at)),
    error: 0,
    tolerance: 0,
  };
}

/** Of each map. */
const POINTS = 80;
const REACH = 4.5;

async function pictures(engine: Engine): Promise<readonly SystemPicture[]> {
  const images = await byteDigits(SEED);
  const values = [];
  for (const { name: _, short: model, ...about } of models) {
    const found = await aggregatedCodes(engine, images, { ...about, latents: 2, epochs: EPOCHS, seed: SEED });
    values.push(...somePoints(found, POINTS).map((point) => ({ ...point, model })));
  }
  const axis = { grid: false, values: [-4, 0, 4], title: null };
  const scale = { domain: [-REACH, REACH] };
  return [
    {
      name: "latent-maps",
      caption: `Codes of digits drawn from q(z|x), coloured by class, in one frame: with N(0, I), and with one narrow Gaussian for each class on a ring, which the labels of the training digits choose in the last row alone. No encoder sees a label.`,
      spec: {
        autosize: "pad",
        data: { values },
        facet: {
          field: "model",
          type: "nominal",
          title: null,
          sort: models.map(({ short }) => short),
          header: { labelFontSize: 12, labelColor: colour("ink") },
        },
        columns: 2,
        spacing: 10,
        spec: {
          width: 200,
          height: 200,
          mark: { type: "circle", size: 14, opacity: 0.8, clip: true },
          encoding: {
            x: { field: "x", type: "quantitative", axis, scale },
            y: { field: "y", type: "quantitative", axis, scale },
            color: {
              field: "label",
              type: "nominal",
              scale: { range: Array.from({ length: 10 }, (_, i) => colour(`class-${i}`)) },
              legend: { title: "class" },
            },
          },
        },
      },
    },
  ];
}

/** Row 21: codes held to the prior by a game instead of by a rate. */
export const row21: SystemRow = {
  row: 21,
  title: "Adversarial autoencoder against VAE",
  measure,
  pictures,
  study,
};
