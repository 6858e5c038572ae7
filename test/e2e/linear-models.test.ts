/** A table with gaps from the command: factor analysis by EM, what it fills in, what it refuses, and a run of EM that was stopped. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { stream } from "../../src/random/stream.ts";
import { newFolder, start } from "./command.ts";
import { oneProcess } from "./one-process.ts";
import { checkpoint, expectMistake, metrics } from "./small-run.ts";

const cwd = newFolder();
const reparam = oneProcess({ cwd });
const quick = ["--threads", "1", "--evaluation-samples", "2"] as const;
const factors = ["--model", "factor-analysis", "--latents", "1", "--missing", "keep", ...quick] as const;

const ROWS = 60;
const NAMES = ["height", "weight, kg", "age", "pulse"];
/** One hidden number behind four, with every eighth or so left empty. */
const cells = ((): readonly (readonly string[])[] => {
  const from = stream(8, "gaps.csv");
  return Array.from({ length: ROWS }, () => {
    const hidden = from.normal();
    const row = [170 + 8 * hidden, 70 + 9 * hidden, 40 + 5 * hidden, 65 - 4 * hidden].map((x) => x + 3 * from.normal());
    return row.map((value) => (from.uniform() < 0.12 ? ["", "NA", "?"][from.below(3)] : value.toFixed(3)));
  });
})();
const isGap = (cell: string): boolean => Number.isNaN(Number.parseFloat(cell));

beforeAll(() => {
  const lines = [NAMES.map((name) => (name.includes(",") ? `"${name}"` : name)), ...cells];
  writeFileSync(join(cwd, "gaps.csv"), lines.map((line) => line.join(",")).join("\n"));
});

/** The numbers of a CSV file that a command wrote, without its header and the first column. */
function numbersIn(name: string): readonly (readonly number[])[] {
  const [, ...lines] = readFileSync(join(cwd, name), "utf8").trimEnd().split("\n");
  return lines.map((line) => line.split(",").slice(1).map(Number));
}

it("trains on what is there, fills in what is not, and scores rows with gaps", async () => {
  const trained = await reparam(["train", "gaps.csv", ...factors, "--out", "run"]);
  expect(trained.code, trained.stderr).toBe(0);
  const gaps = cells.flat().filter(isGap).length;
  expect(trained.stderr).toContain(`${gaps} of ${4 * ROWS} numbers are missing (`);
  expect(trained.stderr).toMatch(/^by EM, 20,000 steps at most, /m);
  const [, steps] = /^converged after ([\d,]+) steps$/m.exec(trained.stderr) ?? [];
  const rows = metrics(join(cwd, "run"));
  expect(rows.length).toBe(Math.ceil(Number(steps.replace(",", "")) / 100));
  expect(rows.at(-1)).toMatchObject({ train: { logLikelihood: expect.any(Number) }, remarks: [] });

  const evaluated = await reparam(["evaluate", "run", "gaps.csv", "--samples", "2", "--json"]);
  expect(evaluated.code, evaluated.stderr).toBe(0);

  const filled = await reparam(["reconstruct", "run", "gaps.csv", "--fill", "--out", "filled.csv"]);
  expect(filled.stdout).toBe("filled.csv  60 examples of gaps.csv, filled in\n");
  await reparam(["reconstruct", "run", "gaps.csv", "--out", "rebuilt.csv"]);
  const [full, rebuilt] = [numbersIn("filled.csv"), numbersIn("rebuilt.csv")];
  for (const [i, row] of cells.entries()) {
    for (const [j, cell] of row.entries()) {
      expect(full[i][j]).toBeCloseTo(isGap(cell) ? rebuilt[i][j] : Number(cell), 3); // as it was written, to three decimals
      expect(Math.abs(full[i][j] - [170, 70, 40, 65][j])).toBeLessThan(60);
    }
  }
});

it("tells log p(x) as exact, as the posterior is, and refuses a folder that is taken before it fits or reads", async () => {
  const evaluated = await reparam(["evaluate", "run"]);
  expect(evaluated.stdout).toMatch(/^negative log-likelihood .* exact, as q\(z\|x\) is p\(z\|x\), /m);
  expect(evaluated.stdout).not.toMatch(/importance sampling|effective samples|sampling error/);
  const kept = JSON.parse(readFileSync(join(cwd, "run", "evaluation.json"), "utf8"));
  expect(kept.exactOf).toBe("x");
  expect(kept.effectiveSamples).toBeCloseTo(kept.samples, 3); // gaps or not, each weight is p(x)
  const scored = await reparam(["score", "run"]);
  expect(scored.stdout).toMatch(/^\d+ examples of [^:]+: log p\(x\) in nats, exact$/m);
  const choose = ["train", "nothing.csv", "--model", "gaussian-mixture", "--choose", "1 2", "--out", "run"];
  expectMistake(await reparam(choose), /^run: exists: --resume run to go on/);
});

it("steps that do not suffice are told, in the end and in the report", async () => {
  const { code, stdout, stderr } = await reparam(["train", "gaps.csv", ...factors, "--steps", "3", "--out", "short"]);
  expect(code, stderr).toBe(0);
  const remark = "after 3 steps there is still something to gain: --steps takes more";
  expect(stdout).toContain(`\n${remark}\n`);
  expect(readFileSync(join(cwd, "short/report.html"), "utf8")).toContain(remark);
});

it("asked to stop in the midst of EM, it goes on to the same bits", async () => {
  // The signal comes at about step 50; it is heard between two steps, at the latest while epoch 1, 100 steps, is validated.
  const steps = ["train", "gaps.csv", ...factors, "--steps", "150", "--checkpoint-every", "10", "--out"];
  const whole = await reparam([...steps, "whole"]);
  expect(whole.code, whole.stderr).toBe(0);
  expect(metrics(join(cwd, "whole")).at(-1)).toMatchObject({ step: 150, epoch: 2 });
  const stopped = await start([...steps, "parts"], {
    cwd,
    preload: "signal-at-call",
    env: { SIGNAL_AT_CALL: "SIGINT:35" },
  }).ended;
  expect(stopped.code, stopped.stderr).toBe(130);
  expect(stopped.stderr).toMatch(/^stopped after step \d+ of 150; go on with: reparam train --resume parts$/m);
  const resumed = await reparam(["train", "--resume", "parts"]);
  expect(resumed.code, resumed.stderr).toBe(0);
  expect(resumed.stderr).toMatch(/^training parts from step \d+ of 150: /m);
  const [one, other] = ["whole", "parts"].map((name) => join(cwd, name));
  expect(checkpoint(other)).toEqual(checkpoint(one));
  expect(metrics(other)).toEqual(metrics(one));
  for (const program of ["encoder", "decoder", "likelihood", "prior", "density"]) {
    expect(readFileSync(join(other, `${program}.onnx`)).equals(readFileSync(join(one, `${program}.onnx`)))).toBe(true);
  }
});

it("what cannot take gaps says who can, in one line", async () => {
  expectMistake(
    await reparam(["train", "gaps.csv", "--missing", "keep", "--out", "no"]),
    /^--missing: changes nothing with --model vae; it is for probabilistic-pca, factor-analysis$/,
  );
  expectMistake(
    await reparam(["train", "gaps.csv", ...factors, "--latents", "4", "--out", "no"]),
    /^factor analysis: of 4 numbers an example, 1 to 3 latents can be taken, got 4$/,
  );
});
