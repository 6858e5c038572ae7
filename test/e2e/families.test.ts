/** Every model that `--model` names, by the command, on some of the embedded images: killed, gone on with, used, shown. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embeddedFashion } from "reparam/data";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { type Dataset, subset } from "../../src/data/dataset.ts";
import { encodeNpy } from "../../src/data/npy.ts";
import { type ModelName, modelNames } from "../../src/models/names.ts";
import { stream } from "../../src/random/stream.ts";
import { abilitiesIn } from "../../src/trained/able.ts";
import { load } from "../../src/trained/load.ts";
import { newFolder, start } from "./command.ts";
import { oneProcess, refuses } from "./one-process.ts";
import { fingerprint, metrics } from "./small-run.ts";

const cwd = newFolder();
const reparam = oneProcess({ cwd });
const at = (...names: readonly string[]): string => join(cwd, ...names);

/** What makes each of them a matter of a second on images of 784 numbers. */
const networks = ["--encoder", "mlp 16", "--latents", "2", "--steps", "8"];
const flags: Readonly<Record<ModelName, readonly string[]>> = {
  vae: networks,
  autoencoder: networks,
  pca: ["--latents", "2"],
  "kernel-pca": ["--latents", "2"],
  "probabilistic-pca": ["--latents", "2", "--em", "--steps", "4"],
  "factor-analysis": ["--latents", "2", "--steps", "4"],
  "gaussian-mixture": ["--components", "3", "--covariance", "diagonal", "--steps", "4"],
  flow: ["--layers", "2", "--hidden", "16", "--steps", "6"],
  "adversarial-autoencoder": [...networks, "--discriminator", "16"],
  "wasserstein-autoencoder": networks,
};

/** Figures of a report, and which models have them: of the others it is silent. */
const figures: readonly (readonly [string, (can: readonly string[]) => boolean])[] = [
  ["Latent space", () => true],
  ["Held-out numbers", () => true],
  ["Samples of the prior", (can) => can.includes("sample")],
  ["How likely each example is", (can) => can.includes("score")],
];

const common = ["--test", "test.npy", "--evaluation-samples", "2", "--threads", "1", "--checkpoint-every", "1"];

beforeAll(async () => {
  const { train, test } = await embeddedFashion();
  writeImages("train.npy", train, 80);
  writeImages("test.npy", test, 20);
});

/** The first so many images as an array. */
function writeImages(name: string, images: Dataset, count: number): void {
  const rows = Uint32Array.from({ length: count }, (_, i) => i);
  const data = new Uint8Array(count * 784);
  subset(images, rows).read(rows, data);
  writeFileSync(at(name), encodeNpy({ data, shape: [count, 28, 28] }));
}

describe.each(modelNames)("%s", (name) => {
  const args = (out: string): readonly string[] => [
    "train",
    "train.npy",
    "--model",
    name,
    ...flags[name],
    ...common,
    "--out",
    out,
  ];

  it("is trained, and killed and gone on with it is the same to the bit", async () => {
    const ending = reparam(args(`${name}-whole`));
    // In the midst of its first checkpoints; of a closed form, which has one, in the midst of writing that.
    const killed = await start(args(name), {
      cwd,
      preload: "signal-at-call",
      env: { SIGNAL_AT_CALL: "SIGKILL:12" },
    }).ended;
    expect(killed.signal, killed.stderr).toBe("SIGKILL");
    expect(existsSync(at(name, "encoder.onnx"))).toBe(false);
    const resumed = await reparam(["train", "--resume", name]);
    expect(resumed.code, resumed.stderr).toBe(0);
    const whole = await ending;
    expect(whole.code, whole.stderr).toBe(0);
    expect(fingerprint(at(name))).toEqual(fingerprint(at(`${name}-whole`)));
  });

  it("does what its files are for, and its report shows that", async () => {
    const model = await load(at(name), { engine: "native" });
    const can = abilitiesIn(model.facts);
    expect(model.facts.model.family).toBe(name);
    const images = new Uint8Array(2 * 784).map((_, i) => i % 256);
    const examples = { data: images, shape: [2, 1, 28, 28] };
    const { mean } = await model.encode(examples);
    expect(mean.shape).toEqual([2, model.facts.model.latents]);
    const made = [await model.reconstruct(examples), await model.decode(mean)];
    if (can.includes("sample")) made.push(await model.sample(2), await model.sample(2, { from: "draw" }));
    for (const { data, shape } of made) {
      expect(shape).toEqual([2, 1, 28, 28]);
      expect(data.every(Number.isFinite)).toBe(true);
    }
    if (can.includes("score")) expect((await model.score(examples)).percentile).toHaveLength(2);
    await model.release();
    const page = readFileSync(at(name, "report.html"), "utf8");
    for (const [title, has] of figures) expect(page.includes(`>${title}<`), title).toBe(has(can));
    const { numbers } = JSON.parse(readFileSync(at(name, "evaluation.json"), "utf8"));
    const names = numbers.map((number: { readonly name: string }) => number.name);
    expect(names).toContain("reconstruction error");
    expect(names.includes("negative log-likelihood")).toBe(can.includes("score"));
  });
});

describe("is refused in one line, and nothing is left behind:", () => {
  const mistakes: readonly (readonly [string, RegExp])[] = [
    ["train train.npy --model fow", /^--model: one of vae, .* is expected; did you mean flow\?, got "fow"$/],
    [
      "train train.npy --model pca --latents 785",
      /^--latents: of 72 examples of 784 numbers PCA takes 1 to 72 components, got 785$/,
    ],
    ["train train.npy --model gaussian-mixture --components 99", /^mixture: train\.npy has 72 examples, fewer than 99/],
    ["train train.npy --model gaussian-mixture --choose 1,99", /^mixture: train\.npy has 72 examples, fewer than 99/],
    [
      "train train.npy --model gaussian-mixture --choose 1,2 --validation 0.001",
      /^--choose: 2 validation examples or more are expected, got 1; raise --validation$/,
    ],
    ["sample pca", /^pca: cannot sample: pca has no prior p\(z\) to draw from; these have: --model vae, /],
    ["score autoencoder", /^autoencoder: cannot score: autoencoder has no density p\(x\); these have: --model vae, /],
    ["gradients flow", /^flow: this model has no posterior q\(z\|x\)/],
    ["evaluate factor-analysis --gaps", /^--gaps: the posterior of this model is exact/],
  ];
  const out = (words: string): readonly string[] => (words.startsWith("train") ? ["--out", "none"] : []);
  refuses(
    cwd,
    reparam,
    mistakes.map(([words, message]) => [words, [...words.split(" "), ...out(words)], message]),
  );
});

it("a finished fit that is resumed stays as it is", async () => {
  const before = fingerprint(at("pca"));
  const { code, stderr } = await reparam(["train", "--resume", "pca"]);
  expect(code, stderr).toBe(0);
  expect(fingerprint(at("pca"))).toEqual(before);
});

it("chooses the number of components by held-out examples, and the run is one of that number", async () => {
  const from = stream(2, "three.csv");
  const centres = [-9, 0, 9];
  const rows = Array.from({ length: 240 }, (_, i) => [centres[i % 3] + from.normal(), from.normal()].join(","));
  writeFileSync(at("three.csv"), ["a,b", ...rows].join("\n"));
  const given = ["--model", "gaussian-mixture", "--choose", "9 1 3", "--validation", "0.4", "--threads", "1"];
  const { code, stderr } = await reparam(["train", "three.csv", ...given, "--out", "chosen"]);
  expect(code, stderr).toBe(0);
  expect(stderr).toMatch(/^log p\(x\) of 96 examples held out, in nats each:$/m);
  expect(stderr).toMatch(/^ {2}1 component: −\d.* ± \S+, \S+ ± \S+ less than \d components$/m);
  expect(stderr).toMatch(/^chosen: 3 components, /m);
  // What it was chosen by is the run's own number, which is also that of a run of three from the start.
  const [, told] = /^ {2}3 components: (−\d\.\d+)/m.exec(stderr) ?? [];
  const { logLikelihood } = z.object({ logLikelihood: z.number() }).parse(metrics(at("chosen")).at(-1)?.validation);
  expect(logLikelihood.toFixed(told.split(".")[1].length).replace("-", "−")).toBe(told);
  const { options } = JSON.parse(readFileSync(at("chosen", "config.json"), "utf8"));
  expect(options).toMatchObject({ choose: "9 1 3", components: 3 });
  const again = await reparam(["train", "--config", "chosen/config.json", "--out", "chosen-again"]);
  expect(again.stderr).not.toContain("chosen: ");
  expect(fingerprint(at("chosen-again"))).toEqual(fingerprint(at("chosen")));
});
