/** Invented reports in which every section has something to show: of grey images, of photos and of a table. */
import { stream } from "../../src/random/stream.ts";
import type { CurvePoint } from "../../src/report/curves.ts";
import type { Image } from "../../src/report/grid.ts";
import type {
  GapFigure,
  RateSplitFigure,
  Reconstruction,
  ReportInput,
  ScoredImage,
} from "../../src/report/report-input.ts";

type Pixels = Pick<Image, "width" | "height" | "channels">;
type Code = readonly [number, number, number];

const random = stream(7, "report-input");
const many = <T>(count: number, make: (i: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, i) => make(i));
const code = (): Code => [random.normal(), random.normal(), random.normal()];

/** A soft ellipse whose width, height and tint are its code; `grain` is the deviation of each pixel's own noise in grey levels. */
function picture({ width, height, channels }: Pixels, [a, b, c]: Code, grain = 0): Image {
  const data = new Uint8ClampedArray(width * height * channels);
  for (let i = 0; i < data.length; i += 1) {
    const [place, channel] = [Math.floor(i / channels), i % channels];
    const [x, y] = [((place % width) + 0.5) / width - 0.5, (Math.floor(place / width) + 0.5) / height - 0.5];
    const distance = Math.hypot(x / (0.26 + 0.06 * a), y / (0.26 + 0.06 * b));
    const inside = 1 / (1 + Math.exp(12 * (distance - 1)));
    const tint = 0.75 + 0.25 * Math.sin(c + 2 * channel + 3 * x);
    const ground = channels === 1 ? 0.02 : 0.35 + 0.2 * Math.sin(channel + c + 4 * y);
    data[i] = Math.round(255 * (inside * tint + (1 - inside) * ground) + grain * (grain && random.normal()));
  }
  return { width, height, channels, data: Uint8Array.from(data) };
}

const curve = (epochs: number): readonly CurvePoint[] =>
  many(epochs, (i) => {
    const elbo = -240 - 300 * Math.exp(-i) - 25 * Math.exp(-i / 12);
    const rate = 14 - 10 * Math.exp(-i / 5);
    const term = (gap: number) => ({ elbo: elbo - gap, reconstruction: elbo - gap + rate, rate });
    return {
      step: 141 * (i + 1),
      epoch: i + 1,
      train: term(-1 - i / 10),
      validation: term(random.normal() / 2),
      learningRate: 1e-3 * (0.5 + 0.5 * Math.cos((Math.PI * i) / epochs)),
      klWeight: Math.min(1, (i + 1) / 10),
    };
  });

const normals = (count: number, mean: number, deviation: number): readonly number[] =>
  many(count, () => mean + deviation * random.normal());

const common = {
  numbers: [
    {
      name: "negative log-likelihood",
      value: 237.5876,
      error: 2.3871,
      unit: "nats",
      bitsPerDimension: 0.437,
      stamp: "importance sampling, 200 samples of q(z|x), test split, 1,000 examples",
    },
    { name: "ELBO", value: -240.4958, error: 2.39, unit: "nats", stamp: "Monte Carlo, 200 samples, test split" },
  ],
  curve: curve(60),
  pictures: [],
  notes: ["Every bound is reported at weight 1, whatever weight the loss gave the rate."],
  card: {
    data: "10,000 invented ellipses of one family, made for this page.",
    intendedUse: "To see whether every section of a report can be read.",
    limits: "Nothing was learned: the numbers are made up.",
  },
  config: { data: "a/rather/long/path/to/some/images-idx3-ubyte.gz", checksum: `sha256:${"0".repeat(64)}`, seed: 0 },
} satisfies Partial<ReportInput>;

const split = "test split";
const rates = [4.1, 3.2, 2.6, 1.9, 1.2, 0.6, 0.31, 0.08, 0.05, 0.002, 0.001, 0.0008, 0.02, 1.05, 2.2, 0.4];

/** A rate of 12.4 nats in its parts. */
const rateSplit = (codes: number): RateSplitFigure => ({
  split,
  codes,
  ceiling: Math.log(codes),
  mutualInformation: { value: 6.21, error: 0.04 },
  marginalKl: { value: 6.19, error: 0.15 },
  totalCorrelation: { value: 5.05, error: 0.11 },
  dimensionWiseKl: { value: 1.14, error: 0.06 },
});

const gapDraws = stream(8, "report-input/gaps");
const gaps = (count: number): GapFigure => ({
  split,
  by: "annealing with 500 temperatures",
  steps: 200,
  samples: 32,
  amortization: many(count, () => Math.exp(0.6 * gapDraws.normal())),
  approximation: many(count, () => 1.2 + 0.6 * gapDraws.normal()),
});

/** Every section that images have; their labels are of `classes` classes, and the latents `k`. */
function ofImages(pixels: Pixels, { classes, k, nats }: { classes: number; k: number; nats: number }): ReportInput {
  const grain = pixels.channels === 1 ? 12 : 30;
  const smooth = (z: Code) => picture(pixels, z);
  const reconstruction = (score: number): Reconstruction => {
    const z = code();
    return { original: picture(pixels, z, grain), reconstruction: smooth(z), value: nats + score };
  };
  const scored = (score: number, i: number): ScoredImage => ({
    image: picture(pixels, [4 - i / 3, -3, 2], grain),
    score: nats + score,
    source: pixels.channels === 3 ? `holiday/photo-of-summer-${i}.jpg` : undefined,
  });
  const fixed = many(10, code);
  const drawn = many(20, code);
  const [from, to] = [-3, 3];
  const steps = many(9, (i) => from + ((to - from) * i) / 8);
  const labelled = many(2000, (i) => {
    const label = i % classes;
    const angle = (2 * Math.PI * label) / classes;
    return {
      x: 2 * Math.cos(angle) + 0.45 * random.normal(),
      y: 1.4 * Math.sin(angle) + 0.35 * random.normal(),
      label,
    };
  });
  return {
    ...common,
    title: "fashion-with-a-rather-long-name-1",
    sentence:
      "A variational autoencoder with 16 latents and 968,816 parameters, trained for 8,460 steps on invented ellipses " +
      "(10,000 examples); likelihood: Bernoulli, stochastic binarisation.",
    likelihood: pixels.channels === 1 ? "Bernoulli, stochastic binarisation" : "DiscretizedLogistic, data as they are",
    history: {
      epochs: [1, 2, 4, 8, 16, 32, 60].map((epoch) => ({
        epoch,
        images: fixed.map(([a, b, c]) => smooth([a * (1 - 1 / epoch), b * (1 - 1 / epoch), c])),
      })),
    },
    reconstructions: {
      split,
      by: "log p(x|z)",
      examples: 1000,
      typical: many(10, () => reconstruction(40 * random.normal())),
      best: many(5, (i) => reconstruction(150 - 4 * i)),
      worst: many(5, (i) => reconstruction(-400 + 20 * i)),
    },
    samples: { drawn: drawn.map((z) => picture(pixels, z, 2 * grain)), means: drawn.map(smooth) },
    latentMap: {
      split,
      points: labelled,
      labelNames: many(
        classes,
        (i) => ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Bag"][i] ?? `class ${i}`,
      ),
      axes: k === 2 ? "the two latents" : "first two principal components of the posterior means",
      axisNames: k === 2 ? undefined : ["first component", "second component"],
      decodedGrid: k === 2 ? { rows: steps.map((b) => steps.map((a) => smooth([a, -b, 0]))), from, to } : undefined,
    },
    latents: rates.slice(0, k).map((rate) => ({ rate, active: rate > 0.04 })),
    trust: "Of 200 draws 38 count on average (effective samples); the weights of 97 % of the examples can be trusted.",
    inference: {
      rateSplit: rateSplit(1000),
      gaps: gaps(100),
      words: [
        "6 of 16 latents are active.",
        "Dead, with a posterior that is the prior: z₉, z₁₀. Since epoch: z₉ 12, z₁₀ 3.",
      ],
    },
    traversals: {
      around: "prior",
      from,
      to,
      latents: many(Math.min(k, 6), (latent) => ({
        latent: 3 * latent,
        images: steps.map((value) =>
          smooth([latent % 3 === 0 ? value : 0, latent % 3 === 1 ? value : 0, latent % 3 === 2 ? value : 0]),
        ),
      })),
    },
    scores: {
      split,
      by: "each by importance sampling with 200 draws",
      values: [...normals(1000, nats, 60), nats - 900, nats - 700],
      threshold: { value: nats - 140, quantile: 0.01 },
      strangest: { kind: "images", images: many(10, (i) => scored(-900 + 40 * i, i)) },
      likeliest: { kind: "images", images: many(10, (i) => scored(170 - 3 * i, 9)) },
    },
  };
}

/** Grey images of 28 × 28 pixels in ten classes, with two latents: the plane is decoded too. */
export const greyReport = (): ReportInput =>
  ofImages({ width: 28, height: 28, channels: 1 }, { classes: 10, k: 2, nats: -240 });

/** Photos of 64 × 64 pixels in five classes, with sixteen latents. */
export const photoReport = (): ReportInput =>
  ofImages({ width: 64, height: 64, channels: 3 }, { classes: 5, k: 16, nats: -38_412 });

const columns = ["alcohol", "malic acid", "ash", "alcalinity of ash", "magnesium", "phenols", "flavanoids", "hue"];

/** A table of fourteen columns, one of them whole numbers and one constant, and samples that miss a correlation. */
export function tableReport(): ReportInput {
  const all = [
    ...columns,
    "proline",
    "cylinders",
    "colour intensity",
    "OD280",
    "origin",
    "a column with a rather long name",
  ];
  const row = (link: number): readonly number[] => {
    const shared = random.normal();
    return all.map((name, j) => {
      if (name === "cylinders") return 3 + random.below(6);
      if (name === "origin") return 1;
      const own = random.normal();
      const value = j < 5 ? link * shared + Math.sqrt(1 - link ** 2) * own : own - 0.4 * shared;
      return j === 8 ? 700 * Math.exp(0.4 * value) : 10 * j + 2 * value;
    });
  };
  const scoredRow = (score: number, i: number) => ({ values: row(0), score: score + i, source: `line ${17 + 31 * i}` });
  return {
    ...common,
    title: "wine-1",
    sentence:
      "A variational autoencoder with 6 latents and 12,400 parameters, trained on wine.csv (1,797 rows); likelihood: Normal.",
    likelihood: "Normal, data as they are",
    latents: rates.slice(0, 6).map((rate) => ({ rate, active: rate > 0.04 })),
    inference: { rateSplit: { ...rateSplit(300), totalCorrelation: undefined }, gaps: gaps(8), words: [] },
    latentMap: {
      split,
      points: many(400, () => ({ x: random.normal(), y: 0.5 * random.normal() })),
      axes: "first two principal components of the posterior means",
    },
    scores: {
      split,
      by: "each by importance sampling with 100 draws",
      values: normals(300, -21, 3),
      threshold: { value: -29, quantile: 0.01 },
      strangest: { kind: "rows", columns: all, rows: many(6, (i) => scoredRow(-40, i)) },
    },
    table: { split, columns: all, data: many(1500, () => row(0.85)), samples: many(1500, () => row(0.3)) },
  };
}
