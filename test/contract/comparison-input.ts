/** An invented comparison in which every part has something to show: five models of grey images, one of them of other zeros and ones. */
import { stream } from "../../src/random/stream.ts";
import type { CodeMap, ComparedModel, ComparisonInput, PriorInPlane } from "../../src/report/comparison-input.ts";
import type { Image } from "../../src/report/grid.ts";

const EXAMPLES = 60;
const CLASSES = ["ankle boot", "shirt", "bag"];

export function inventedComparison(): ComparisonInput {
  const random = stream(11, "comparison-input");
  const many = <T>(count: number, make: (i: number) => T): readonly T[] =>
    Array.from({ length: count }, (_, i) => make(i));
  const image = (tint: number): Image => ({
    width: 28,
    height: 28,
    channels: 1,
    data: Uint8Array.from({ length: 784 }, (_, i) => {
      const [x, y] = [(i % 28) - 14, Math.floor(i / 28) - 14];
      return Math.hypot(x, y) < 6 + 4 * Math.sin(tint) ? 120 + 20 * (tint % 6) : 8;
    }),
  });
  const images = (of: number): readonly Image[] => many(10, (i) => image(of + i));
  const hard = many(EXAMPLES, () => 20 * random.normal());
  const logLikelihoods = (mean: number): readonly number[] => hard.map((one) => mean + one + random.normal());
  const estimate = (value: number, error: number) => ({ value, error });
  const map = (spread: number, prior: PriorInPlane | undefined, axes = "the two latents"): CodeMap => ({
    points: many(EXAMPLES, (i) => ({
      x: spread * (random.normal() + (i % 3) - 1),
      y: spread * random.normal(),
      label: i % 3,
    })),
    axes,
    axisNames: axes === "the two latents" ? ["z₀", "z₁"] : ["first component", "second component"],
    prior,
  });
  const standard: PriorInPlane = { kind: "standard", middle: { x: 0.2, y: -0.1 } };
  const draws: PriorInPlane = {
    kind: "draws",
    points: many(100, () => ({ x: 2 * random.normal(), y: random.normal() })),
  };
  const accuracy = (nearest: number): ComparedModel["accuracy"] => ({
    nearest: estimate(nearest, 0.02),
    linear: estimate(nearest - 0.06, 0.021),
    chance: 0.34,
    classes: 3,
    trained: 5000,
    scored: EXAMPLES,
    stamp: "5,000 training codes, 60 held out, 3 classes",
  });
  const distance = (value: number): ComparedModel["distance"] => ({
    ...estimate(value, 0.003),
    between: 1.8,
    within: [1.7, 1.7],
    stamp: "energy distance, U-statistic of 60 × 60 rows, jackknife error",
  });
  const bound = (
    name: string,
    mean: number,
    distribution: string,
    observation: string,
  ): Pick<ComparedModel, "name" | "likelihood" | "observation" | "logLikelihoods" | "density" | "rate"> => ({
    name,
    likelihood: `${distribution}, ${observation}`,
    observation,
    logLikelihoods: logLikelihoods(mean),
    density: {
      mean: estimate(mean, 2.6),
      estimator: "importance sampling, 200 draws",
      stamp: `importance sampling, 200 samples of q(z|x), ${distribution}, ${observation}, test split, 60 examples`,
    },
    rate: { ...estimate(12.31, 0.04), by: "KL(q(z|x) ‖ p(z)), closed form" },
  });
  const zerosAndOnes = ["Bernoulli", "stochastic binarisation"] as const;
  const networks = { encoder: "network, x ↦ q(z|x)", decoder: "network, z ↦ p(x|z)" };
  return {
    title: "vae, adversarial-autoencoder, vae-with-mixture-prior, flow, pca",
    examples: "60 examples of the test split of fashion.npy",
    labelNames: CLASSES,
    originals: images(0),
    notices: ["The seconds per epoch do not compare: the runs were trained on other threads 1, 2."],
    models: [
      {
        ...bound("vae", -238.2, ...zerosAndOnes),
        ...networks,
        title: "variational autoencoder",
        objective: "evidence lower bound of log p(x)",
        latents: 2,
        parameters: 962_400,
        rmse: 41.3,
        distance: distance(0.004),
        accuracy: accuracy(0.81),
        secondsPerEpoch: 4.83,
        map: map(0.8, standard),
        reconstructions: images(0.3),
        samples: images(2),
      },
      {
        ...bound("adversarial-autoencoder", -251.7, ...zerosAndOnes),
        ...networks,
        title: "adversarial autoencoder",
        objective: "reconstruction, and a game that holds the codes to the prior",
        latents: 2,
        parameters: 1_018_805,
        rmse: 39.9,
        distance: distance(0.001),
        accuracy: accuracy(0.78),
        secondsPerEpoch: 11.2,
        map: map(0.9, standard),
        reconstructions: images(0.5),
        samples: images(3),
      },
      {
        ...bound("vae-with-mixture-prior", -240.6, ...zerosAndOnes),
        ...networks,
        title: "variational autoencoder",
        objective: "evidence lower bound of log p(x)",
        latents: 16,
        parameters: 970_000,
        rmse: 35.1,
        lacks: { distance: "fewer than 3 examples" },
        accuracy: accuracy(0.84),
        map: map(1.4, draws, "the first two principal components of the codes (31 % of their variance)"),
        reconstructions: images(0.6),
        samples: images(4),
      },
      {
        ...bound("flow", -3120.4, "Flow of 8 layers, coupling", "uniform dequantisation"),
        rate: undefined,
        title: "normalizing flow",
        objective: "exact log-likelihood",
        encoder: "f, x ↦ z, invertible",
        decoder: "f⁻¹, z ↦ x",
        latents: 784,
        parameters: 8_120_448,
        rmse: 0.0003,
        distance: distance(0.6),
        accuracy: accuracy(0.74),
        secondsPerEpoch: 61.4,
        map: map(3, standard, "the first two principal components of the codes (9 % of their variance)"),
        reconstructions: images(0),
        samples: images(5),
      },
      {
        name: "pca",
        title: "Principal component analysis",
        objective: "least squared error ‖x − x̂‖² of linear maps, in closed form",
        encoder: "linear, x ↦ one z",
        decoder: "linear, z ↦ one x̂",
        latents: 16,
        parameters: 13_328,
        rmse: 44.2,
        accuracy: accuracy(0.8),
        secondsPerEpoch: 1.1,
        map: map(800, undefined, "the first two principal components of the codes (68 % of their variance)"),
        reconstructions: images(0.8),
      },
    ],
  };
}
