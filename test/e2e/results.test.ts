/** What a run tells of itself and hands on: scores, an exported model, facts, the report; and runs with held-out files. */
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { load } from "../../src/trained/load.ts";
import { newFolder, start } from "./command.ts";
import { oneProcess } from "./one-process.ts";
import { PIXELS, readColumns, readNpy, SIDE, trainOwn, writeNoise, writePhotos, writeTable } from "./own-data.ts";
import { contents, expectMistake, fingerprint, small, writeData } from "./small-run.ts";

const cwd = newFolder();
const reparam = oneProcess({ cwd });
const at = (...names: readonly string[]): string => join(cwd, ...names);

async function succeed(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await reparam(args);
  expect(code, stderr).toBe(0);
  return stdout;
}

const scored = z.strictObject({
  split: z.string(),
  quantile: z.number(),
  threshold: z.number(),
  samples: z.number(),
  by: z.string(),
  validationExamples: z.number(),
  examples: z.number(),
  strange: z.number(),
  scores: z.array(
    z.strictObject({
      source: z.union([z.string(), z.number()]),
      label: z.string().optional(),
      logLikelihood: z.number(),
      bitsPerDimension: z.number(),
      elbo: z.number(),
      reconstruction: z.number(),
      rate: z.number(),
      percentile: z.number(),
      typicality: z.number(),
      strange: z.number(),
    }),
  ),
});
const reference = (run: string): { samples: number; logLikelihood: readonly number[] } =>
  JSON.parse(readFileSync(at(run, "scores.json"), "utf8"));

async function score(...args: readonly string[]): Promise<z.infer<typeof scored>> {
  return scored.parse(JSON.parse(await succeed("score", ...args, "--json")));
}

beforeAll(async () => {
  await writePhotos(cwd);
  writeTable(cwd);
  writeData(cwd);
  await trainOwn("photos", "runs/photos", cwd, "--steps", "300", "--learning-rate", "0.01", "--warmup", "0");
  await trainOwn("table.csv", "runs/table", reparam);
});

describe("score", () => {
  it("the validation examples have the scores that the run keeps of them", async () => {
    const { samples, logLikelihood } = reference("runs/table");
    const told = await score("runs/table", "--split", "validation");
    expect(told).toMatchObject({
      split: "validation",
      samples,
      by: "16 importance samples",
      validationExamples: 12,
      examples: 12,
    });
    expect(told.scores.map((row) => row.logLikelihood).sort((a, b) => a - b)).toEqual(logLikelihood);
    for (const row of told.scores) {
      const rank = logLikelihood.indexOf(row.logLikelihood);
      expect(row.percentile).toBe(rank / 12);
      expect(row.bitsPerDimension).toBeCloseTo(-row.logLikelihood / (3 * Math.LN2), 12);
      expect(row.elbo).toBeCloseTo(row.reconstruction - row.rate, 9);
    }
    // Of 12 numbers, the median lies between the sixth and the seventh, and 10 % at place 1.1.
    const half = await score("runs/table", "--quantile", "0.5");
    expect(half.threshold).toBeCloseTo((logLikelihood[5] + logLikelihood[6]) / 2, 9);
    expect(half.strange).toBe(6);
    const tenth = await score("runs/table", "--quantile", "0.1");
    expect(tenth.threshold).toBeCloseTo(0.9 * logLikelihood[1] + 0.1 * logLikelihood[2], 9);
  });

  it("writes a row for each example, with where it is from and what it is", async () => {
    await succeed("score", "runs/photos", "photos", "--out", "scores.csv");
    const found = readColumns(at("scores.csv"));
    expect(Object.keys(found)).toEqual([
      ...["source", "label", "logLikelihood", "bitsPerDimension", "elbo", "reconstruction", "rate"],
      ...["percentile", "typicality", "strange"],
    ]);
    expect(found.source).toHaveLength(60);
    expect([found.source[0], found.label[0]]).toEqual(["bars/bars-00.png", "bars"]);
    await succeed("score", "runs/photos", "photos", "--out", "scores.json");
    const rows: readonly Record<string, unknown>[] = JSON.parse(readFileSync(at("scores.json"), "utf8"));
    expect(rows.map((row) => String(row.logLikelihood))).toEqual(found.logLikelihood);
    expect(await succeed("score", "runs/table", "table.csv", "--limit", "5", "--seed", "3")).toMatch(
      /^5 examples of table\.csv: log p\(x\) in nats by 16 importance samples\nthreshold −\d/,
    );
  });

  it("an image of noise is strange, beside images like those that were trained on", async () => {
    mkdirSync(at("new"));
    copyFileSync(at("photos/discs/discs-03.png"), at("new/a-disc.png"));
    await writeNoise(at("new/noise.png"));
    const { scores, threshold } = await score("runs/photos", "new");
    const [disc, noise] = scores;
    expect([disc.source, noise.source]).toEqual(["a-disc.png", "noise.png"]);
    expect(noise).toMatchObject({ percentile: 0, typicality: 0, strange: 1 });
    expect(noise.logLikelihood).toBeLessThan(threshold);
    expect(disc.logLikelihood).toBeGreaterThan(noise.logLikelihood + 100);
    expect(await succeed("score", "runs/photos", "new")).toMatch(
      /^threshold \S+: 1\.0 % of 6 validation examples lie below\nthe threshold is rough: .*\nstrange {3}[12] of 2 .*\n\n.*source\n.* {2}0\.0 % +0\.0 % {2}noise\.png\n/m,
    );
  });

  it("Ctrl-C: 130, and no file", async () => {
    const run = start(["score", "runs/photos", "photos", "--samples", "1000000", "--out", "stopped.csv"], { cwd });
    await run.said("labels: 2 classes"); // the data are read, what follows lasts for minutes
    run.kill("SIGINT");
    const { code, stdout, stderr } = await run.ended;
    expect({ code, stdout }, stderr).toEqual({ code: 130, stdout: "" });
    expect(stderr).toContain("stopping in good order; press Ctrl-C again to stop at once\n");
    expect(readdirSync(cwd).filter((name) => name.includes("stopped"))).toEqual([]);
  });
});

describe("export", () => {
  it("a folder that works by itself, with neither data nor paths in it", async () => {
    await trainOwn("photos", "runs/gone", reparam);
    await succeed("sample", "runs/gone", "--count", "3", "--out", "of-run.npy");
    const told = JSON.parse(await succeed("export", "runs/gone", "--out", "model", "--json"));
    rmSync(at("runs/gone"), { recursive: true });
    expect([...told.files].sort()).toEqual(readdirSync(at("model")).sort());
    expect(readdirSync(at("model")).sort()).toEqual([
      ...["README.md", "config.json", "decoder.onnx", "density.onnx", "encoder.onnx", "likelihood.onnx"],
      ...["prior.onnx", "scores.json"],
    ]);
    for (const name of readdirSync(at("model"))) {
      const text = readFileSync(at("model", name), "latin1");
      for (const private_ of [cwd, "photos", "bars-0"])
        expect(text.includes(private_), `${name}: ${private_}`).toBe(false);
    }
    await succeed("sample", "model", "--count", "3", "--out", "of-model.npy");
    expect(readFileSync(at("of-model.npy"))).toEqual(readFileSync(at("of-run.npy")));
    await succeed("score", "model", "photos", "--limit", "2");

    const model = await load(at("model"));
    const { data, shape } = await model.sample(3);
    await model.release();
    expect({ data, shape }).toEqual(readNpy(at("of-model.npy")));
    expect(shape).toEqual([3, 3, SIDE, SIDE]);
    expect(data).toHaveLength(3 * PIXELS);
  });

  it("is replaced only when asked, in part where only a part is wanted, and is no run", async () => {
    const again = ["export", "runs/table", "--out", "model"];
    const before = contents(at("model"));
    expectMistake(await reparam(again), /^model: exists; --force replaces it, or choose another folder$/);
    expect(contents(at("model"))).toEqual(before);
    await succeed(...again, "--force", "--only", "decode, sample");
    expect(readdirSync(at("model")).sort()).toEqual([
      ...["README.md", "config.json", "decoder.onnx", "likelihood.onnx", "prior.onnx"],
    ]);
    expectMistake(
      await reparam(["encode", "model", "table.csv", "--out", "none.csv"]),
      /^model: cannot encode, as it has no encoder\.onnx; it can do \{ needs: \["decode", "sample"\] \}/,
    );
    expectMistake(await reparam(["train", "--resume", "model"]), /^model: is an exported model: /);
    await succeed(...again, "--force");
    for (const args of [
      ["score", "model"],
      ["traverse", "model", "3"],
      ["report", "model"],
      ["evaluate", "model"],
    ]) {
      expectMistake(await reparam(args), /^model: is an exported model, without its data: name examples, /);
    }
    expect(await succeed("info", "model")).toMatch(/^ {2}trained +an exported model, /m);
  });

  it("does not replace what is no export", async () => {
    for (const [out, message] of [
      ["photos", /^photos: holds more than an exported model \(bars\); choose another folder$/],
      ["table.csv", /^table\.csv: is a file; choose another name for the folder$/],
    ] as const) {
      const before = contents(cwd);
      expectMistake(await reparam(["export", "runs/table", "--out", out, "--force"]), message);
      expect(contents(cwd)).toEqual(before);
    }
  });
});

describe("info", () => {
  it("tells programs what the run is", async () => {
    const told = JSON.parse(await succeed("info", "runs/table", "--json"));
    expect(told).toMatchObject({
      run: "runs/table",
      step: 60,
      epoch: 20,
      abilities: ["encode", "decode", "sample", "reconstruct", "score"],
      data: { examples: 120, shape: [3], measure: "real", kind: "table", labelNames: ["short", "tall"] },
      model: { latents: 2, likelihood: "Normal, data as they are", encoder: "mlp 16" },
      options: { data: "table.csv", label: "group", steps: 60 },
      evaluation: { split: "validation", numbers: expect.any(Array) },
    });
    expect(told.data.columns).toEqual(["height", "income", "share"]);
    expect(told.files.map(({ name }: { name: string }) => name).sort()).toEqual(readdirSync(at("runs/table")).sort());
  });

  it("and people", async () => {
    const said = await succeed("info", "runs/photos");
    expect(said).toMatch(/^runs\/photos\n {2}data +60 examples of \[3, 16, 16\], bytes, photos\n/);
    expect(said).toMatch(/^ {2}trained +300 steps, 300 epochs$/m);
    expect(said).toMatch(/^ {2}ELBO +−[\d.,]+ ± \S+ nats$/m);
  });
});

describe("report", () => {
  it.each(["photos", "table"])("made anew it has the same bytes, and so have the numbers: %s", async (name) => {
    const run = at("runs", name);
    const before = contents(run);
    for (const file of ["report.html", "evaluation.json", "scores.json"]) rmSync(join(run, file));
    expect(await succeed("report", `runs/${name}`)).toBe(`runs/${name}/report.html\n`);
    expect(contents(run)).toEqual(before);
  });
});

describe("held-out files", () => {
  it("--validation FILE and --test FOLDER are what is validated and tested on, and all of DATA is trained on", async () => {
    cpSync(at("photos/discs"), at("test-photos"), { recursive: true });
    cpSync(at("photos"), at("validation-photos"), { recursive: true });
    const held = ["--validation", "validation-photos", "--test", "test-photos"];
    const { stderr } = await trainOwn("photos", "runs/held", reparam, ...held);
    expect(stderr).toContain("training runs/held: 60 examples of 3×16×16, 8-bit, 60 held out for validation\n");
    const told = JSON.parse(await succeed("evaluate", "runs/held", "--samples", "2", "--json"));
    expect(told.split).toBe("test");
    expect(told.numbers[0].stamp).toMatch(/, test split, 30 examples$/);
    expect(reference("runs/held").logLikelihood).toHaveLength(60);
  });

  it("a table's have the same columns, in any order, and the training part's classes", async () => {
    const [head, ...lines] = readFileSync(at("table.csv"), "utf8").trimEnd().split("\n");
    const turned = [head, ...lines.slice(0, 20)].map((line) => line.split(",").reverse().join(","));
    writeFileSync(at("turned.csv"), `${turned.join("\n")}\n`);
    await trainOwn("table.csv", "runs/turned", reparam, "--validation", "turned.csv");
    await succeed("encode", "runs/turned", "table.csv", "--limit", "20", "--out", "straight-codes.csv");
    await succeed("encode", "runs/turned", "--split", "validation", "--out", "turned-codes.csv");
    expect(readFileSync(at("turned-codes.csv"), "utf8")).toBe(readFileSync(at("straight-codes.csv"), "utf8"));
  });
});

describe("a run that was stopped in training", () => {
  it("is refused with the remedy, which mends it", async () => {
    const stopped = await start(["train", "bytes.npy", ...small, "--steps", "60", "--out", "stopped"], {
      cwd,
      preload: "signal-at-call",
      env: { SIGNAL_AT_CALL: "SIGINT:65" },
    }).ended;
    expect(stopped.code, stopped.stderr).toBe(130);
    const commands = [["sample"], ["encode"], ["score"], ["export"], ["interpolate", "0", "1"], ["report"]];
    const before = contents(cwd);
    for (const [command, ...rest] of commands) {
      expectMistake(
        await reparam([command, "stopped", ...rest]),
        /^stopped.* (finish the run with: )?reparam train --resume /,
      );
    }
    expect(await succeed("info", "stopped")).toMatch(
      /^ {2}can +nothing yet; finish it with: reparam train --resume stopped$/m,
    );
    expect(contents(cwd)).toEqual(before);
    await succeed("train", "--resume", "stopped");
    await succeed("sample", "stopped", "--count", "2", "--out", "mended.png");
    renameSync(at("stopped"), at("resumed"));
    await succeed("train", "bytes.npy", ...small, "--steps", "60", "--out", "stopped");
    expect(fingerprint(at("resumed"))).toEqual(fingerprint(at("stopped")));
  });
});
