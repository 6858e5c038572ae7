/** Settings that cannot be meant, of training and evaluation: one line and exit code 2, or a line of warning. */
import { beforeAll, describe, expect, it } from "vitest";
import { newFolder } from "./command.ts";
import { oneProcess, refuses } from "./one-process.ts";
import { small, train, writeData } from "./small-run.ts";

const cwd = newFolder();
const reparam = oneProcess({ cwd });
beforeAll(async () => {
  writeData(cwd);
  await train("run", reparam, "--steps", "5", "--likelihood", "bernoulli");
  await train("levels", reparam, "--steps", "5");
  const real = ["train", "real.npy", ...small, "--steps", "5"];
  await reparam([...real, "--out", "table"]);
  await reparam([...real, "--posterior", "bernoulli", "--out", "coins"]);
  await reparam(["export", "run", "--out", "exported"]);
});

/** What is wrong, the command, and what is said. */
type Said = readonly [string, string, RegExp];

function refusesWords(mistakes: readonly Said[]): void {
  refuses(
    cwd,
    reparam,
    mistakes.map(([name, words, message]) => [name, words.split(" "), message]),
  );
}

describe("reparam evaluate", () => {
  const count = (flag: string, least: number, got: string): RegExp =>
    new RegExp(`^--${flag}: an integer of ${least} or more is expected, got "${got}"$`);
  refusesWords([
    [
      "DATA and --data",
      "evaluate run bytes.npy --data real.npy",
      /^--data real\.npy: names the examples a second time, after bytes\.npy; leave/,
    ],
    [
      "DATA and --split",
      "evaluate run bytes.npy --split test",
      /^--split names a part of the run's own data; leave it out beside bytes\.npy$/,
    ],
    [
      "examples of another kind",
      "evaluate run real.npy",
      /^real\.npy: row 0, column 0 \(from 0\): expected a number of the measure "bytes", got -3$/,
    ],
    ["--samples 0", "evaluate run --samples 0", count("samples", 1, "0")],
    ["one temperature", "evaluate run --ais 1", count("ais", 2, "1")],
    ["a file where steps stand", "evaluate run --ais bytes.npy", count("ais", 2, "bytes.npy")],
    ["no draws of the prior", "evaluate run --naive 0", count("naive", 1, "0")],
    ["a picture of nothing", "evaluate run --picture gaps.png", /^--picture: is of the gaps; give --gaps too$/],
    [
      "a picture of another kind",
      "evaluate run --gaps --picture gaps.jpg",
      /^--picture gaps\.jpg: expected \.svg, \.png$/,
    ],
    ["rows of another kind", "evaluate run --out rows.png", /^--out rows\.png: expected \.csv, \.json$/],
    [
      "a run that is none",
      "evaluate run --against nothing",
      /^nothing: there is no such folder; give one that reparam train made$/,
    ],
    [
      "a run of another shape",
      "evaluate run --against table",
      /^--against table: examples of the shape of run are expected, \[1, 8, 8\], got \[6\]; /,
    ],
    [
      "a run of other zeros and ones",
      "evaluate run --against levels",
      /^--against levels: data of run are expected, "stochastic binarisation", got "data as they are"; /,
    ],
    [
      "annealing of an exported model",
      "evaluate exported bytes.npy --ais",
      /^exported: is an exported model, without its data: /,
    ],
    [
      "annealing of coins",
      "evaluate coins --ais 3",
      /^annealed importance sampling: latents that are real numbers are expected, got Bernoulli on binary ones; use/,
    ],
    [
      "gaps of coins",
      "evaluate coins --gaps",
      /^--gaps: an example's own posterior is found by gradients through its draws, and those of Bernoulli have no path; use/,
    ],
  ]);
});

describe("reparam train", () => {
  const on = (data: string, flags: string): string => `train ${data} --out new ${flags}`;
  refusesWords([
    ["no latents", on("real.npy", "--latents 0"), /^--latents: .*above 0.*, got 0$/],
    ["no samples", on("real.npy", "--bound importance --samples 0"), /^--samples: .*above 0.*, got 0$/],
    [
      "one sample of the importance-weighted bound",
      on("real.npy", "--bound importance"),
      /^--bound: importance needs --samples 2 or more/,
    ],
    [
      "a Gaussian posterior on a uniform prior",
      on("real.npy", "--posterior diagonal --prior uniform"),
      /^--posterior diagonal with --prior uniform: .*the rate is infinite; use --posterior uniform$/,
    ],
    [
      "counts that are none",
      on("real.npy", "--likelihood poisson"),
      /^--likelihood poisson is no density on real data; say what the numbers are, with --measure count, or /,
    ],
    [
      "a scale that the likelihood has not",
      on("bytes.npy", "--scale full"),
      /^--scale full: the likelihood logistic has --scale shared, network only$/,
    ],
    [
      "sticking the landing with a rate that has no noise",
      on("real.npy", "--gradient sticking-the-landing"),
      /^--gradient sticking-the-landing: .*it needs --kl sampled$/,
    ],
  ]);

  it("warns of a schedule that is longer than the run", async () => {
    const args = ["train", "real.npy", ...small, "--steps", "5", "--kl-warmup", "50", "--out", "slow"];
    const { code, stderr } = await reparam(args);
    expect(code).toBe(0);
    expect(stderr.split("\n").filter((line) => /the KL weight never reaches its height/.test(line))).toHaveLength(1);
  });
});
