import * as fs from "node:fs";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { createRun, openRun, RUN_SCHEMA, type Run } from "../../src/run/folder.ts";
import { filled, stepOf } from "./run/checkpoint.ts";
import { messageOf, newFolder } from "./run/folder.ts";

const config = { model: { name: "vae", latents: 16 }, seed: 0, data: null };

let folder: string;
beforeEach(() => {
  folder = newFolder();
});

function names(): string[] {
  return fs.readdirSync(folder).sort();
}

function save(run: Run, step: number): void {
  run.writeCheckpoint(filled(step, 10), { step: `${step}` });
}

/** A run with these checkpoints, closed. */
function runWith(...steps: readonly number[]): void {
  const run = createRun(folder, config);
  for (const step of steps) save(run, step);
  run.close();
}

function flipBit(name: string): void {
  const bytes = fs.readFileSync(join(folder, name));
  bytes[bytes.length - 1] ^= 4;
  fs.writeFileSync(join(folder, name), bytes);
}

describe("a new run", () => {
  it("keeps its config, and its lock while it is open", () => {
    const run = createRun(folder, { ...config, schema: 99 });
    expect(run.config).toEqual(config);
    expect(names()).toEqual(["config.json", "lock"]);
    run.close();
    expect(names()).toEqual(["config.json"]);
    expect(JSON.parse(fs.readFileSync(join(folder, "config.json"), "utf8"))).toEqual({ schema: RUN_SCHEMA, ...config });
    expect(openRun(folder, { write: false }).config).toEqual(config);
  });

  it("does not replace a run unless forced, and then only a run's own files", () => {
    runWith(1, 2);
    fs.writeFileSync(join(folder, "notes.txt"), "mine");
    const before = names();
    expect(messageOf(() => createRun(folder, {}))).toBe(
      `${folder}: exists: --resume ${folder} to go on, --force to replace it`,
    );
    expect(names()).toEqual(before);
    createRun(folder, { seed: 1 }, { force: true }).close();
    expect(names()).toEqual(["config.json", "notes.txt"]);
    expect(openRun(folder, { write: false }).config).toEqual({ seed: 1 });
  });

  it.each([
    [
      "no config",
      "thesis.tex",
      "\\documentclass",
      /: is not a run folder: it has no config.json; choose another folder$/,
    ],
    ["a foreign config", "config.json", '{"port": 80}', /config.json: is not the config of a run: /],
    ["a torn config", "config.json", '{"schema": 1, ', /config.json: is not the config of a run: /],
    ["a config that is no object", "config.json", "[1]", /config.json: is not the config of a run: /],
    ["another version", "config.json", '{"schema": 2}', /config.json: has schema 2, this version of reparam reads 1: /],
  ])("refuses a folder with %s, even when forced", (_, name, content, message) => {
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(join(folder, name), content);
    expect(messageOf(() => createRun(folder, {}))).toMatch(message);
    expect(messageOf(() => createRun(folder, {}, { force: true }))).toMatch(message);
    expect(messageOf(() => openRun(folder, { write: true }))).toMatch(message);
    expect(messageOf(() => openRun(folder, { write: false }))).toMatch(message);
    expect(names()).toEqual([name]);
    expect(fs.readFileSync(join(folder, name), "utf8")).toBe(content);
  });

  it("says so where a file is in the way", () => {
    fs.mkdirSync(dirname(dirname(folder)), { recursive: true });
    fs.writeFileSync(dirname(folder), "");
    expect(messageOf(() => createRun(folder, {}))).toContain("part of its path is a file");
    expect(messageOf(() => createRun(dirname(folder), {}))).toContain("part of its path is a file");
  });
});

describe("opening a run", () => {
  it("refuses a folder that is not there", () => {
    expect(messageOf(() => openRun(folder, { write: false }))).toContain(`${folder}: there is no such folder`);
    expect(fs.existsSync(folder)).toBe(false);
  });

  it("to read, changes nothing and needs no lock", () => {
    const writer = createRun(folder, config);
    save(writer, 1);
    const before = names();
    const reader = openRun(folder, { write: false });
    expect(stepOf(reader.readCheckpoint())).toBe(1);
    expect(() => save(reader, 2)).toThrow("the run is not open for writing");
    reader.close();
    expect(names()).toEqual(before);
    writer.close();
    expect(() => save(writer, 2)).toThrow("the run is not open for writing");
  });

  it("to write, is for one at a time and clears away what a kill left", () => {
    runWith(1);
    fs.writeFileSync(join(folder, "best.safetensors.0.reparam-tmp"), "half");
    fs.writeFileSync(join(folder, "metrics.jsonl"), '{"step":1}\n{"step":2,"el');
    const run = openRun(folder, { write: true });
    expect(messageOf(() => openRun(folder, { write: true }))).toContain(`in use by process ${process.pid} since 20`);
    run.appendMetrics({ step: 3 });
    expect(run.readMetrics()).toEqual([{ step: 1 }, { step: 3 }]);
    run.close();
    expect(names()).toEqual(["checkpoint.safetensors", "config.json", "metrics.jsonl"]);
  });
});

describe("checkpoints", () => {
  it("are none at first, then the last two, and the best apart", () => {
    const run = createRun(folder, config);
    expect(run.readCheckpoint()).toBeUndefined();
    expect(run.readBest()).toBeUndefined();
    for (const step of [1, 2, 3]) save(run, step);
    run.writeBest(filled(2, 10), { step: "2" });
    expect(stepOf(run.readCheckpoint())).toBe(3);
    expect(run.readCheckpoint()).not.toHaveProperty("warning");
    expect(stepOf(run.readBest())).toBe(2);
    fs.rmSync(join(folder, "checkpoint.safetensors"));
    expect(stepOf(run.readCheckpoint())).toBe(2);
    run.close();
  });

  it.each(["corrupted", "missing"])("fall back on the one before, with a warning, where the latest is %s", (fault) => {
    runWith(1, 2);
    if (fault === "missing") fs.rmSync(join(folder, "checkpoint.safetensors"));
    else flipBit("checkpoint.safetensors");
    const run = openRun(folder, { write: true });
    const checkpoint = run.readCheckpoint();
    expect(stepOf(checkpoint)).toBe(1);
    expect(checkpoint?.warning).toMatch(
      new RegExp(`checkpoint.safetensors: is ${fault}.*; going on from checkpoint.previous.safetensors$`),
    );
    save(run, 2);
    expect(run.readCheckpoint()).not.toHaveProperty("warning");
    flipBit("checkpoint.safetensors");
    expect(stepOf(run.readCheckpoint()), "the corrupted one did not take the good one's place").toBe(1);
    run.close();
  });

  it("that are all corrupted are an error naming them", () => {
    runWith(1, 2);
    flipBit("checkpoint.previous.safetensors");
    flipBit("checkpoint.safetensors");
    const run = openRun(folder, { write: false });
    expect(messageOf(() => run.readCheckpoint())).toMatch(
      /checkpoint.safetensors: is corrupted.*checkpoint.previous.safetensors: is corrupted.*; no checkpoint is left: /,
    );
    fs.rmSync(join(folder, "checkpoint.previous.safetensors"));
    expect(messageOf(() => run.readCheckpoint())).toContain("no checkpoint is left");
    fs.writeFileSync(join(folder, "best.safetensors"), "");
    expect(messageOf(() => run.readBest())).toContain("best.safetensors: is no valid safetensors file");
  });
});

describe("metrics", () => {
  it("are read as appended, without a torn last line, and cut back to a step", () => {
    const run = createRun(folder, config);
    expect(run.readMetrics()).toEqual([]);
    run.cutMetrics(5);
    const rows = [
      { step: 1, elbo: -240.8, "12": "a key that objects put first" },
      { step: 2, elbo: Number.NaN },
      { step: 2, name: "a\nb" },
      { step: 3 },
    ];
    for (const row of rows) run.appendMetrics(row);
    rows[1].elbo = Number(null);
    expect(run.readMetrics()).toEqual([rows[0], { step: 2, elbo: null }, rows[2], rows[3]]);
    fs.appendFileSync(join(folder, "metrics.jsonl"), '{"step": 4}'); // whole but for its line break
    expect(run.readMetrics()).toHaveLength(4);
    run.cutMetrics(2);
    expect(run.readMetrics()).toEqual([rows[0], { step: 2, elbo: null }, rows[2]]);
    run.cutMetrics(0);
    expect(run.readMetrics()).toEqual([]);
    run.close();
  });

  it.each(["not JSON", '{"elbo": 1}', '{"step": 1.5}', "null", ""])("name a line that is no row: %s", (line) => {
    runWith();
    fs.writeFileSync(join(folder, "metrics.jsonl"), `{"step":1}\n${line}\n{"step":3}\n`);
    expect(messageOf(() => openRun(folder, { write: false }).readMetrics())).toContain(
      `metrics.jsonl:2: expected a JSON object with an integer "step", got `,
    );
  });
});

describe("artifacts", () => {
  it("are replaced whole, and undefined where there are none", () => {
    const run = createRun(folder, config);
    expect(run.readArtifact("encoder.onnx")).toBeUndefined();
    run.writeArtifact("encoder.onnx", new Uint8Array([8, 9]));
    run.writeArtifact("report.html", "<p>longer");
    run.writeArtifact("report.html", "<p>µ");
    expect([...(run.readArtifact("encoder.onnx") ?? [])]).toEqual([8, 9]);
    expect(new TextDecoder().decode(run.readArtifact("report.html"))).toBe("<p>µ");
    run.close();
  });
});
