/** The program that the README opens with: there as in `examples/`, and run from the built package in a folder of its own. */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { newFolder } from "./command.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const example = join(root, "examples/twelve-lines.ts");
const program = readFileSync(example, "utf8");

it("is what the README shows, in twelve lines", () => {
  const [, block] = readFileSync(join(root, "README.md"), "utf8").match(/^```ts\n([\s\S]*?)^```$/m) ?? [];
  expect(block).toBe(program);
  expect(program.split("\n").filter((line) => line !== "")).toHaveLength(12);
});

it("trains and scores", () => {
  const folder = newFolder();
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(root, join(folder, "node_modules/reparam"), "junction");
  copyFileSync(example, join(folder, "program.mjs")); // it has no types, so it is JavaScript too
  const { status, stdout, stderr } = spawnSync(process.execPath, ["program.mjs"], { cwd: folder, encoding: "utf8" });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  const lines = stdout.trimEnd().split("\n");
  const bounds = lines.slice(0, -1).map((line, i) => {
    const [, epoch, elbo] = line.match(/^epoch (\d): ELBO (-\d+\.\d) nats$/) ?? [];
    expect(Number(epoch), line).toBe(i + 1);
    return Number(elbo);
  });
  expect(bounds).toHaveLength(5);
  expect(bounds.toSorted((a, b) => a - b)).toEqual(bounds);
  const [, score, error] = lines[5].match(/^test log-likelihood: (-\d+\.\d) ± (\d\.\d) nats$/) ?? [];
  // −255.6 ± 2.4 was seen, ± being the spread between images; other seeds differ by about a nat. Independent pixels reach −384.
  expect(Number(score)).toBeGreaterThan(-265);
  expect(Number(score)).toBeLessThan(-240);
  expect(Number(error)).toBeLessThan(5);
});
