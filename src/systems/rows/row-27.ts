import { openEngine } from "#engine";
import type { Dataset } from "../../data/dataset.ts";
import { codeAccuracy } from "../../evaluation/codes.ts";
import { commonDeviation } from "../../models/autoencoder.ts";
import type { DataDescription, ModelModule } from "../../models/model.ts";
import { pca } from "../../models/pca-model.ts";
import { vae } from "../../models/vae.ts";
import { encodeGrid } from "../../report/grid.ts";
import { toImages } from "../../report/image.ts";
import { colour } from "../../report/svg-file.ts";
import type { Engine } from "../../runtime/engine.ts";
import { type NdArray, sizeOf } from "../../tensor/ndarray.ts";
import { fitModel } from "../../training/fit.ts";
import { splitDigits } from "../digits.ts";
import { type FittedMaps, openMaps } from "../fitted-maps.ts";
import type { Measurement, Study, SystemPicture, SystemRow } from "../row.ts";

const SEED = 27;
const [FEW_EPOCHS, EPOCHS] = [40, 100];
const BATCH = 50;

/** p(x|z) = N(g(z), σ²I) by networks of 128 and 64. Pixels keep one unit for all, as PCA has them: those at the edges hardly vary. */
function mapping(latents: number): ModelModule {
  const architecture = { kind: "mlp" as const, widths: [128, 64] };
  return (data: DataDescription) => {
    const deviations = Array.from(data.means, () => commonDeviation(data));
    return vae({ architecture, latents, likelihood: "normal" }, { ...data, deviations });
  };
}

interface Options {
  readonly seed: number;
  readonly epochs: number;
}

async function fitted(
  engine: Engine,
  build: ModelModule,
  train: Dataset,
  { seed, epochs }: Options,
): Promise<FittedMaps> {
  const total = epochs * Math.floor(train.length / BATCH);
  const learningRate = { kind: "warmupCosine", peak: 1e-2, warmup: 50, total } as const;
  return openMaps(engine, await fitModel(build, train, { engine, seed, epochs, batchSize: BATCH, learningRate }));
}

/** What k numbers keep of digits that were held out. */
interface Kept {
  /** The share whose class is told by the ten nearest training codes. */
  readonly nearest: number;
  /** The share whose class a linear probe tells. */
  readonly linear: number;
  /** The mean of ‖x − x̂‖². */
  readonly error: number;
}

async function keptBy(engine: Engine, build: ModelModule, options: Options): Promise<Kept> {
  const { train, test } = await splitDigits(options.seed);
  const maps = await fitted(engine, build, train, options);
  const { nearest, linear } = codeAccuracy(
    { codes: await maps.codes(train), labels: train.labels ?? [] },
    { codes: await maps.codes(test), labels: test.labels ?? [] },
  );
  const error = await maps.squaredError(test);
  await maps.release();
  return { nearest: nearest.value, linear: linear.value, error };
}

interface Pair {
  readonly vae: Kept;
  readonly pca: Kept;
}

async function pairOf(engine: Engine, latents: number, options: Options): Promise<Pair> {
  return {
    vae: await keptBy(engine, mapping(latents), options),
    pca: await keptBy(engine, (data) => pca({ latents }, data), options),
  };
}

const average = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** The claims that a VAE's numbers keep more than as many of PCA's, on average over seeds. */
function better(latents: number, how: string, seeds: readonly Pair[]): readonly Measurement[] {
  const claim = (what: string, name: keyof Kept, sign: 1 | -1): Measurement => {
    const [measured, expected] = [
      average(seeds.map(({ vae: one }) => one[name])),
      average(seeds.map((one) => one.pca[name])),
    ];
    const ahead = seeds.filter((one) => sign * (one.vae[name] - one.pca[name]) > 0).length;
    return {
      what: `k = ${latents}, ${how}: ${what}, of 397 held-out digits, is ${sign > 0 ? "above" : "below"} PCA's; it is at ${ahead} of ${seeds.length}`,
      measured,
      expected,
      error: Math.max(0, sign * (expected - measured)),
      tolerance: 0,
    };
  };
  return [
    claim("share whose class the ten nearest codes tell", "nearest", 1),
    claim("share whose class a linear probe of the code tells", "linear", 1),
    claim("mean ‖x − x̂‖² of what is decoded", "error", -1),
  ];
}

async function measure(engine: Engine): Promise<readonly Measurement[]> {
  const one = await pairOf(engine, 2, { seed: SEED, epochs: FEW_EPOCHS });
  return better(2, `a VAE after ${FEW_EPOCHS} epochs, mean of 1 seed`, [one]);
}

const SEEDS = [1, 2, 3, 4, 5];

const study: Study = {
  command: "npm run systems -- 27 --full",
  run: async (say) => {
    const engine = await openEngine({ threads: 1 });
    const measurements: Measurement[] = [];
    for (const latents of [2, 4, 8]) {
      const seeds: Pair[] = [];
      for (const seed of SEEDS) {
        seeds.push(await pairOf(engine, latents, { seed, epochs: EPOCHS }));
        say(`k = ${latents}, seed ${seed}: ${JSON.stringify(seeds[seeds.length - 1])}`);
      }
      measurements.push(...better(latents, `a VAE after ${EPOCHS} epochs, mean of ${SEEDS.length} seeds`, seeds));
    }
    return measurements;
  },
};

/** The plane is shown from −REACH to REACH, its decoder at SIDE places each way. */
const REACH = 2.5;
const SIDE = 12;
/** Digits that are written into the map. */
const SHOWN = 220;

/** Places laid out as the plane is: the first row is the top, where z₁ is largest. [SIDE², 2] */
function gridPlaces(): NdArray {
  const at = (i: number): number => (2 * REACH * (i + 0.5)) / SIDE - REACH; // the middle of a tile
  const rows = Array.from({ length: SIDE }, (_, row) =>
    Array.from({ length: SIDE }, (_, column) => [at(column), at(SIDE - 1 - row)]),
  );
  return { data: Float32Array.from(rows.flat(2)), shape: [SIDE ** 2, 2] };
}

async function decodedGrid(maps: FittedMaps, shape: readonly number[]): Promise<string> {
  const { data } = await maps.decode(gridPlaces());
  const images = toImages(data, shape, { low: 1, high: 0 }); // dark on light
  if (data.length !== SIDE ** 2 * sizeOf(shape)) throw new Error("row 27: an image for each place is expected");
  const rows = Array.from({ length: SIDE }, (_, row) => images.slice(row * SIDE, (row + 1) * SIDE));
  const { png } = await encodeGrid(rows);
  return `data:image/png;base64,${Buffer.from(png).toString("base64")}`;
}

async function pictures(engine: Engine): Promise<readonly SystemPicture[]> {
  const { train, test } = await splitDigits(SEED);
  const maps = await fitted(engine, mapping(2), train, { seed: SEED, epochs: EPOCHS });
  const { data: codes } = await maps.codes(test);
  const url = await decodedGrid(maps, test.shape);
  await maps.release();
  const values = Array.from(test.labels?.subarray(0, SHOWN) ?? [], (label, i) => ({
    x: codes[2 * i],
    y: codes[2 * i + 1],
    label: String(label),
  })).filter(({ x, y }) => Math.max(Math.abs(x), Math.abs(y)) < REACH);
  const [width, height] = [270, 270];
  const scale = { domain: [-REACH, REACH], nice: false };
  const axis = { grid: false, tickCount: 5 };
  const digits = Array.from({ length: 10 }, (_, digit) => String(digit));
  return [
    {
      name: "map-and-grid",
      caption: `Digits of 8×8 pixels in two latents. Left: ${values.length} that were held out, each written at the mean of its posterior q(z|x). Right: what the decoder makes of the same plane. Neighbours look alike, and each class has its region.`,
      spec: {
        autosize: "pad",
        spacing: 24,
        hconcat: [
          {
            width,
            height,
            data: { values },
            mark: { type: "text", fontSize: 10 },
            encoding: {
              x: { field: "x", type: "quantitative", title: "z₀", scale, axis },
              y: { field: "y", type: "quantitative", title: "z₁", scale, axis },
              text: { field: "label", type: "nominal" },
              color: {
                field: "label",
                type: "nominal",
                legend: null,
                scale: { domain: digits, range: digits.map((digit) => colour(`class-${digit}`)) },
              },
            },
          },
          {
            width,
            height,
            data: { values: [{ url }] },
            mark: { type: "image", width, height, aspect: false, align: "left", baseline: "top" },
            encoding: { x: { value: 0 }, y: { value: 0 }, url: { field: "url", type: "nominal" } },
          },
        ],
      },
    },
  ];
}

/** Row 27: data mapped into few latents, looked at and used. */
export const row27: SystemRow = { row: 27, title: "Latent projection", measure, study, pictures };
