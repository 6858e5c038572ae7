/** The adversarial and the Wasserstein autoencoder beyond what `families.test.ts` holds every model to. */
import { beforeAll, describe, expect, it } from "vitest";
import { openEngine } from "#engine";
import { conditioned, describeConditions, givenColumns } from "../../src/data/conditions.ts";
import { arrayDataset, type Dataset } from "../../src/data/dataset.ts";
import { drawnCodes, priorDraws } from "../../src/evaluation/drawn-codes.ts";
import { estimateLikelihood } from "../../src/evaluation/likelihood.ts";
import { type AdversarialEpoch, adversarialTrouble } from "../../src/inference/adversarial.ts";
import { type AdversarialOptions, adversarialAutoencoder } from "../../src/models/adversarial-autoencoder.ts";
import { describeData, type Model } from "../../src/models/model.ts";
import { densityProgram, observed, priorProgram } from "../../src/models/programs.ts";
import { type VaeOptions, vaeSchema } from "../../src/models/vae.ts";
import { wassersteinAutoencoder } from "../../src/models/wasserstein-autoencoder.ts";
import { stream } from "../../src/random/stream.ts";
import { compile } from "../../src/runtime/compile.ts";
import type { Engine } from "../../src/runtime/engine.ts";
import { hyper, mul } from "../../src/tensor/index.ts";
import type { NdArray } from "../../src/tensor/ndarray.ts";
import { fitModel, modelTraining } from "../../src/training/fit.ts";
import { type EpochResult, train } from "../../src/training/loop.ts";
import type { Training } from "../../src/training/training.ts";

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ engine: "native", threads: 1 });
});

const ROWS = 192;
const CLASSES = 3;

/** Three clouds in R^4, with their classes as what is given. */
function clouds(): Dataset {
  const from = stream(3, "clouds");
  const labels = Int32Array.from({ length: ROWS }, (_, i) => i % CLASSES);
  const data = Float32Array.from({ length: 4 * ROWS }, (_, at) => {
    const label = labels[Math.floor(at / 4)];
    return (at % 4 === label ? 4 : 0) + from.normal();
  });
  const whole = arrayDataset({ data, shape: [ROWS, 4] }, { name: "clouds", labels });
  return conditioned(whole, describeConditions(givenColumns(whole)));
}

const options = (given: Partial<VaeOptions> = {}): VaeOptions => ({
  ...vaeSchema.parse({ architecture: { kind: "mlp", widths: [16] }, latents: 2, components: CLASSES, ...given }),
  likelihood: "normal",
});

const plain = (dataset: Dataset): Dataset => ({ ...dataset, conditions: undefined });

const training = (build: (about: ReturnType<typeof describeData>) => Model, dataset: Dataset, rate = 5e-3) => {
  const description = describeData(dataset);
  return modelTraining({
    engine,
    model: build(description),
    description,
    dataset,
    seed: 2,
    batchSize: 32,
    samples: 1,
    optimizer: { kind: "adam" },
    learningRate: { kind: "constant", value: rate },
    klWeight: { kind: "constant", value: 1 },
  });
};

const game = (given: Partial<AdversarialOptions> = {}) => {
  const settled = { vae: options(), discriminator: [16], ...given };
  return (about: ReturnType<typeof describeData>): Model => adversarialAutoencoder(settled, about);
};

const copied = (training: Training) => {
  const { step, tensors } = training.snapshot();
  return {
    step,
    tensors: new Map(
      [...tensors].map(([name, { data, shape }]): [string, NdArray] => [name, { data: data.slice(), shape }]),
    ),
  };
};

describe("a turn of the game", () => {
  it("moves encoder and decoder, then the discriminator alone, each with slots of its own", async () => {
    const one = await training(game(), plain(clouds()));
    const before = copied(one);
    const first = await one.runStep();
    const between = copied(one);
    const second = await one.runStep();
    const after = copied(one);
    await one.release();
    const moved = (a: typeof before, b: typeof before) =>
      new Set(
        [...a.tensors].flatMap(([name, { data }]) =>
          String(data) === String(b.tensors.get(name)?.data) ? [] : [name.split("/").slice(0, 2).join("/")],
        ),
      );
    expect([first.phase, second.phase]).toEqual(["autoencoder", "discriminator"]);
    expect(moved(before, between)).toEqual(new Set(["parameter/encoder", "parameter/decoder", "slot/autoencoder"]));
    expect(moved(between, after)).toEqual(new Set(["parameter/discriminator", "slot/discriminator"]));
    // The discriminator is ahead: three times the rate of the others.
    expect(second.learningRate).toBeCloseTo(3 * (first.learningRate ?? Number.NaN), 12);
  });

  it("an epoch tells the run's learning rate, not the last player's, and what any player is scheduled by", async () => {
    const weighted = (about: ReturnType<typeof describeData>): Model => {
      const model = game()(about);
      const phases: Model["phases"] = (...given) => {
        const [first, ...rest] = model.phases?.(...given) ?? [];
        return [{ ...first, loss: mul(hyper("klWeight"), first.loss) }, ...rest];
      };
      return { ...model, phases };
    };
    const told: EpochResult[] = [];
    const onEpoch = (result: EpochResult): void => void told.push(result);
    const learningRate = { kind: "linear", from: 0, to: 0.01, steps: 23 } as const;
    const klWeight = { kind: "linear", from: 0, to: 1, steps: 46 } as const;
    const shared = { engine, epochs: 2, batchSize: 32, learningRate, klWeight, onEpoch };
    await fitModel(weighted, plain(clouds()), shared);
    // 6 batches of 32, two steps each: the epochs' last steps are the 12th and the 24th, which count from 0.
    expect(told.map(({ learningRate: rate }) => rate)).toEqual(
      [(0.01 * 11) / 23, 0.01].map((x) => expect.closeTo(x, 12)),
    );
    // 2⁻²⁴ relative: the weight is rounded to float32
    expect(told.map(({ hypers }) => hypers.klWeight)).toEqual([11 / 46, 0.5].map((x) => expect.closeTo(x, 7)));
  });

  it("that was stopped in its midst goes on to the same bits", async () => {
    const whole = await training(game(), plain(clouds()));
    for (let step = 0; step < 5; step++) await whole.runStep();
    const kept = copied(whole);
    for (let step = 0; step < 6; step++) await whole.runStep();
    const resumed = await training(game(), plain(clouds()));
    resumed.restore(kept, "kept");
    for (let step = 0; step < 6; step++) await resumed.runStep();
    const [a, b] = [copied(whole), copied(resumed)];
    for (const [name, { data }] of a.tensors) expect(b.tensors.get(name)?.data, name).toEqual(data);
    await Promise.all([whole.release(), resumed.release()]);
  });
});

describe("labels that choose the prior's component", () => {
  it("lead each class to its own mode, and p(z|y) is what the bound and the draws are of", async () => {
    const dataset = clouds();
    const build = game({ vae: options({ prior: "classes" }), discriminator: [32] });
    const {
      model,
      description,
      parameters: values,
    } = await fitModel(build, dataset, { engine, epochs: 80, batchSize: 32, seed: 1 });
    const shared = { engine, values, dataset, seed: 4 };
    const codes = await drawnCodes({ ...shared, model, x: observed(model, description) });
    const prior = await compile(engine, priorProgram(model), { values });
    const { codes: draws } = await priorDraws(prior, ROWS, 4, dataset);
    await prior.release();
    // The components stand 3·√3 = 5.2 apart and are 0.5 wide: a draw lies beyond the middle of two with Φ(−5.2) < 1e-6.
    expect(inOwnMode(draws.data, dataset)).toBe(1);
    expect(inOwnMode(codes.data, dataset)).toBeGreaterThan(0.95);
    const density = await compile(engine, densityProgram(model, description), { values });
    const { rateBy, rate } = await estimateLikelihood({ density, dataset, samples: 2, seed: 0 });
    await density.release();
    expect(rateBy).toBe("closed form");
    expect(rate.value).toBeGreaterThan(0);
    // KL(N(μ, 0.01 I) ‖ N(m_y, 0.25 I)) is 2(log 5 − ½ + 0.02) = 2.26 at μ = m_y; at another class's mode (5.2/0.5)²/2 = 54 more.
    expect(rate.value).toBeLessThan(10);
  });

  function inOwnMode(codes: Float64Array, { labels }: Dataset): number {
    const place = (c: number) => [3 * Math.cos((2 * Math.PI * c) / CLASSES), 3 * Math.sin((2 * Math.PI * c) / CLASSES)];
    let right = 0;
    for (let i = 0; i < ROWS; i++) {
      const apart = [0, 1, 2].map((c) => Math.hypot(codes[2 * i] - place(c)[0], codes[2 * i + 1] - place(c)[1]));
      if (apart.indexOf(Math.min(...apart)) === labels?.[i]) right += 1;
    }
    return right / ROWS;
  }

  it("take the prior that has components", () => {
    expect(() => game()(describeData(clouds()))).toThrow(
      "--condition: the labels of an adversarial autoencoder choose the prior's component; give --prior classes too",
    );
  });
});

describe("is refused in one line:", () => {
  const about = describeData(plain(clouds()));
  it.each(["bernoulli", "mixture"] as const)("a posterior %s, whose single draws have no path", (posterior) => {
    const built = () => game({ vae: options({ posterior }) })(about);
    expect(built).toThrow(
      `--posterior ${posterior}: --model adversarial-autoencoder needs one draw of an example, with a path to it; use --posterior diagonal, or --model vae`,
    );
  });

  it.each(["mixture", "learned-normal", "vamp"] as const)("a prior %s, which only the bound trains", (prior) => {
    expect(() => wassersteinAutoencoder({ vae: options({ prior }) }, about)).toThrow(
      `--prior ${prior}: is trained by the bound, which --model wasserstein-autoencoder does not descend; use --prior normal or classes, or --model vae`,
    );
  });
});

describe("a game that goes wrong is told:", () => {
  async function played(rate: number, epochs: number): Promise<string | undefined> {
    const history: AdversarialEpoch[] = [];
    const one = await training(game({ discriminator: [32] }), plain(clouds()), rate);
    await train(one, {
      steps: epochs * one.stepsPerEpoch,
      onEpoch: ({ epoch, train: means }) => {
        const { discriminatorAccuracy: accuracy, generatorLoss: generator, codeSpread: spread } = means;
        history.push({ epoch, accuracy, generator, spread });
      },
    });
    await one.release();
    return adversarialTrouble(history);
  }

  it("with an absurd learning rate, and not with a usual one", async () => {
    expect(await played(2, 12)).toMatch(
      /^(adversarial training |the discriminator wins|the codes do not follow the prior)/,
    );
    expect(await played(2e-3, 40)).toBeUndefined();
  });
});

it("codes have a fixed width where no posterior is named", () => {
  const about = describeData(plain(clouds()));
  const widths = [game()(about), wassersteinAutoencoder({ vae: options() }, about)].map((model) => {
    const { scale } = model.encoder(observed(model, about)).parameters;
    return scale.leaf;
  });
  expect(widths.every((leaf) => leaf?.kind === "constant")).toBe(true);
});
