/** What `reparam evaluate` does beyond the quick numbers: annealing, gaps, comparisons, codes, rows for each example. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { stream } from "../../src/random/stream.ts";
import { newFolder, start } from "./command.ts";
import { oneProcess } from "./one-process.ts";

const cwd = newFolder();
const reparam = oneProcess({ cwd });
const at = (name: string): string => join(cwd, name);
const told = z.object({
  split: z.string(),
  numbers: z.array(
    z.object({
      name: z.string(),
      value: z.number(),
      error: z.number().optional(),
      unit: z.string(),
      stamp: z.string(),
    }),
  ),
  remarks: z.array(z.string()),
});
type Told = z.infer<typeof told>;

async function evaluate(run: string, ...flags: readonly string[]): Promise<Told & { readonly stderr: string }> {
  const { code, stdout, stderr } = await reparam(["evaluate", run, "--json", ...flags]);
  expect(code, stderr).toBe(0);
  return { ...told.parse(JSON.parse(stdout)), stderr };
}
const numberOf = ({ numbers }: Told, name: string) => numbers.find((one) => one.name === name);

/** 240 rows of five columns around three centres far apart, with the class of each: one code can tell them apart. */
function writeTable(): void {
  const random = stream(4, "table");
  const rows = Array.from({ length: 240 }, (_, i) => {
    const place = i % 3;
    const common = random.normal();
    const numbers = Array.from({ length: 5 }, (_, j) => 6 * Number(place === j) + common + 0.5 * random.normal());
    return [...numbers.map((value) => value.toFixed(4)), "abc"[place]].join(",");
  });
  writeFileSync(at("table.csv"), `${["p,q,r,s,t,kind", ...rows].join("\n")}\n`);
}

const flags = ["--label", "kind", "--encoder", "mlp 32", "--batch", "32", "--evaluation-samples", "20"];
async function train(out: string, ...more: readonly string[]): Promise<string> {
  const { code, stderr } = await reparam(["train", "table.csv", ...flags, "--out", out, ...more]);
  expect(code, stderr).toBe(0);
  return stderr;
}

beforeAll(async () => {
  writeTable();
  await train("run", "--latents", "3", "--epochs", "60");
  await train("worse", "--latents", "3", "--epochs", "2");
});

describe("the codes", () => {
  it("tell the classes, and their rate has parts that add up", async () => {
    const evaluation = await evaluate("run");
    for (const name of ["nearest neighbours", "linear probe"]) {
      expect(numberOf(evaluation, name)?.value, name).toBeGreaterThan(90); // chance is a third
      expect(numberOf(evaluation, name)?.stamp).toMatch(/guessing \d+\.\d %.* 3 classes; .*validation split$/);
    }
    const part = (name: string): number => numberOf(evaluation, name)?.value ?? Number.NaN;
    const marginal = part("total correlation") + part("dimension-wise KL");
    expect(part("marginal KL")).toBeCloseTo(marginal, 9); // the same draws, sums in float64
    const { value, error = 0 } = numberOf(evaluation, "mutual information") ?? { value: Number.NaN };
    const rate = value + part("marginal KL");
    const spread = Math.hypot(error, numberOf(evaluation, "marginal KL")?.error ?? 0);
    // 1,000 draws against the closed form, their two parts correlated: at most the sum of their errors, 5 times
    expect(Math.abs(rate - part("rate"))).toBeLessThan(5 * Math.SQRT2 * spread);
  });

  it("have a rate in parts whatever the families, by the model's own densities", async () => {
    await train("mixture", "--latents", "2", "--epochs", "5", "--posterior", "mixture", "--components", "3");
    const evaluation = await evaluate("mixture", "--samples", "200");
    const [information, marginal, rate] = ["mutual information", "marginal KL", "rate"].map((name) => {
      const { value = Number.NaN, error = 0 } = numberOf(evaluation, name) ?? {};
      return { value, error };
    });
    expect(information.value).toBeGreaterThan(0.05);
    expect(information.value).toBeLessThan(Math.log(24));
    // Both by Monte Carlo on the same 24 examples; their error by draws is far below the one between examples
    const apart = information.value + marginal.value - rate.value;
    expect(Math.abs(apart)).toBeLessThan(5 * Math.hypot(information.error, marginal.error));
    expect(numberOf(evaluation, "total correlation")).toBeUndefined();
  });

  it("are judged on a file too", async () => {
    expect(numberOf(await evaluate("run", "table.csv", "--limit", "30"), "linear probe")?.stamp).toMatch(
      /, table\.csv$/,
    );
  });
});

describe("--ais and --naive", () => {
  it("stand beside importance sampling, each with its estimator", async () => {
    const evaluation = await evaluate("run", "--ais", "60", "--naive", "3000", "--limit", "8", "--samples", "2000");
    const annealed = numberOf(evaluation, "−log p(x), annealed");
    const sampled = numberOf(evaluation, "negative log-likelihood");
    const naive = numberOf(evaluation, "−log p(x), naive");
    expect(annealed?.stamp).toMatch(
      /^annealed importance sampling from the prior, 60 temperatures, 10 chains, .*8 examples$/,
    );
    expect(naive?.stamp).toMatch(/^Monte Carlo with 3,000 draws of the prior, of which /);
    const difference = numberOf(evaluation, "annealed − sampled")?.value ?? Number.NaN;
    expect((sampled?.value ?? Number.NaN) - (annealed?.value ?? Number.NaN)).toBeCloseTo(difference, 9);
    // Three latents: all three are within some tenths of log p(x); a term left out would be nats.
    expect(Math.abs(difference)).toBeLessThan(0.5);
    expect(Math.abs((naive?.value ?? Number.NaN) - (annealed?.value ?? Number.NaN))).toBeLessThan(0.7);
  });
});

describe("--gaps", () => {
  it("are told, pictured, kept for the report, and dropped when the model is another", async () => {
    const evaluation = await evaluate("worse", "--gaps", "--limit", "12", "--picture", "gaps.png");
    expect(evaluation.stderr).toMatch(
      /^the gaps are kept in worse\/evaluation\.json; reparam report worse draws them$/m,
    );
    const gaps = ["amortization gap", "approximation gap"].map((name) => numberOf(evaluation, name));
    expect(gaps[0]?.value).toBeGreaterThan(0.1); // two epochs do not make an encoder
    // By draws of the very posterior that the ELBO is of: its error of about 0.1 nats, and not below 0 in the mean.
    expect(gaps[1]?.value).toBeGreaterThan(-0.3);
    expect(gaps[1]?.stamp).toMatch(
      /^log p\(x\) by importance sampling with 500 samples of each example's own posterior less /,
    );
    expect((await sharp(readFileSync(at("gaps.png"))).metadata()).format).toBe("png");
    const report = async (): Promise<string> => {
      expect((await reparam(["report", "worse"])).code).toBe(0);
      return readFileSync(at("worse/report.html"), "utf8");
    };
    expect(await report()).toContain("Gap of the bound");
    const kept = z.object({ gaps: z.object({ model: z.string(), amortization: z.array(z.number()).length(12) }) });
    const evaluated = kept.loose().parse(JSON.parse(readFileSync(at("worse/evaluation.json"), "utf8")));
    const changed = { ...evaluated, gaps: { ...evaluated.gaps, model: "another" } };
    writeFileSync(at("worse/evaluation.json"), JSON.stringify(changed));
    expect(await report()).not.toContain("Gap of the bound");
  });
});

describe("--against", () => {
  it("tells the better run on the same examples, the other way round with the other sign", async () => {
    const [one, other] = [await evaluate("run", "--against", "worse"), await evaluate("worse", "--against", "run")];
    const [a, b] = [one, other].map((evaluation) => numberOf(evaluation, "log p(x) above the other"));
    expect(a?.value).toBeGreaterThan(0);
    expect(b?.value).toBe(-(a?.value ?? Number.NaN));
    expect(a?.stamp).toMatch(
      /^run − worse, paired over 24 examples, 95 % by Student's t: .*; better on \d+ % of the examples/,
    );
    expect(one.stderr).toBe("");
  });

  it("says where the other may have been trained on them", async () => {
    await train("elsewhere", "--latents", "3", "--epochs", "2", "--seed", "8");
    const { stderr } = await evaluate("run", "--against", "elsewhere");
    expect(stderr).toMatch(
      /^elsewhere split the same data otherwise .*: it may have seen some of these examples in training\n$/,
    );
  });
});

it("stops in good order, at whatever it is", async () => {
  const running = start(["evaluate", "run", "--naive", "1000000000"], { cwd });
  await running.said("drawing from the prior");
  running.kill("SIGINT");
  const { code, stdout, stderr } = await running.ended;
  expect({ code, stdout }).toEqual({ code: 130, stdout: "" });
  expect(stderr).toContain("stopping in good order");
});

describe("--out", () => {
  it("has a row for each example, empty where an extra was not asked of it", async () => {
    const { code, stdout } = await reparam(
      "evaluate run --gaps --ais 5 --limit 6 --out rows.csv --samples 5".split(" "),
    );
    expect(code).toBe(0);
    expect(stdout.trimEnd().split("\n").at(-1)).toBe("rows.csv");
    const [header, ...rows] = readFileSync(at("rows.csv"), "utf8").trimEnd().split("\n");
    expect(header).toBe(
      "source,label,elbo,reconstruction,rate,logLikelihood,error,bias,effectiveSamples,paretoShape,reconstructionError,logLikelihoodAnnealed,amortizationGap,approximationGap",
    );
    expect(rows).toHaveLength(6);
    await reparam(["evaluate", "run", "--out", "rows.json"]);
    const objects = z
      .array(z.object({ source: z.string(), elbo: z.number() }))
      .parse(JSON.parse(readFileSync(at("rows.json"), "utf8")));
    expect(objects).toHaveLength(24);
  });
});

describe("remarks", () => {
  it("tell latents that died, and since when, and scales at their bound", async () => {
    await train(
      "collapsed",
      "--latents",
      "4",
      "--epochs",
      "100",
      "--kl-weight",
      "30",
      "--keep",
      "last",
      "--learning-rate",
      "0.01",
    );
    const { remarks } = await evaluate("collapsed");
    expect(remarks.join("\n")).toMatch(/Dead, with a posterior that is the prior: z/);
    expect(remarks.join("\n")).toMatch(/ Since (the first epoch that tells|epoch)/);
    const rows = readFileSync(at("collapsed/metrics.jsonl"), "utf8").trimEnd().split("\n");
    const last = z
      .object({ train: z.record(z.string(), z.number()) })
      .loose()
      .parse(JSON.parse(rows[rows.length - 1]));
    const bitten = { ...last, train: { ...last.train, scaleAtBound: 0.12 } };
    writeFileSync(at("collapsed/metrics.jsonl"), `${[...rows.slice(0, -1), JSON.stringify(bitten)].join("\n")}\n`);
    const more = await evaluate("collapsed");
    expect(more.remarks.at(-1)).toMatch(
      /^The scale of p\(x\|z\) is at its least value for 12 % of the numbers: .*; the density there is bounded, not learned\.$/,
    );
    expect((await reparam(["report", "collapsed"])).code).toBe(0);
    const page = readFileSync(at("collapsed/report.html"), "utf8");
    for (const remark of more.remarks) expect(page).toContain(`<p>${remark}</p>`);
  });

  it("are none where all latents are in use", async () => {
    expect((await evaluate("run")).remarks).toEqual([]);
  });
});
