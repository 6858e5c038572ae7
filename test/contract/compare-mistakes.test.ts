/** What `reparam compare` refuses before it opens or trains anything. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CompareFlags } from "../../src/cli/compare.ts";
import { compareFromFlags } from "../../src/cli/compare-action.ts";
import { InputError } from "../../src/errors.ts";

type Options = Readonly<Record<string, unknown>>;
type Mistake = readonly [string, readonly string[], CompareFlags, Options, RegExp];

describe("reparam compare refuses", () => {
  it.each<Mistake>([
    ["one run", ["a"], {}, {}, /^compare: two runs or more are expected, got 1; or --models /],
    ["a run twice", ["a", "b", "./b"], {}, {}, /^\.\/b: is named twice; name each run once$/],
    ["a run that is not there", ["no run", "b"], {}, {}, /^no run: there is no such folder; /],
    ["options of training", ["a", "b"], {}, { latents: 3 }, /^--latents: is for models that are trained here; /],
    ["a folder of runs", ["a", "b"], { runs: "runs" }, {}, /^--runs: is for models that are trained here; /],
    ["a page of another kind", ["a", "b"], { out: "page.pdf" }, {}, /^--out page\.pdf: expected \.html$/],
    ["no samples", ["a", "b"], { samples: "0" }, {}, /^--samples: an integer of 1 or more is expected, got "0"$/],
    ["runs beside models", ["a", "b"], { models: "vae" }, {}, /^--models: one DATA is expected beside it, got a, b; /],
    [
      "a name that is none",
      [],
      { models: "vae,flwo" },
      {},
      /^--models: names out of vae, .* got "flwo"; did you mean flow\?$/,
    ],
    ["a name that is empty", [], { models: "vae," }, {}, /^--models: names out of vae, .* got ""/],
    ["a name twice", [], { models: "vae,pca, vae" }, {}, /^--models: vae is named twice; name each model once$/],
    [
      "an option that none of the models has",
      [],
      { models: "pca,autoencoder" },
      { latents: 2, bins: 4 },
      /^--bins: changes nothing with pca, autoencoder; it is for .*flow/,
    ],
    [
      "what no option can be",
      [],
      { models: "vae,pca" },
      { latents: 0 },
      /^--models vae: --latents: .*above 0.*, got 0$/,
    ],
    [
      "what changes nothing in one of them",
      [],
      { models: "gaussian-mixture,vae" },
      { components: 3 },
      /^--models vae: --components: changes nothing without a mixture /,
    ],
  ])("%s", async (_name, paths, flags, given, message) => {
    expect(await mistakeOf(paths, flags, given)).toMatch(message);
  });
});

async function mistakeOf(paths: readonly string[], flags: CompareFlags, given: Options): Promise<string> {
  const mistake = await compareFromFlags(paths, flags, given).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(mistake).toBeInstanceOf(InputError);
  return String(mistake).replace(/^\w+: /, "");
}

describe("reparam compare --models trains none of them where one of them", () => {
  const folder = mkdtempSync(join(tmpdir(), "compare-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const numbers = Array.from({ length: 30 }, (_, i) => [(7 * i) % 11, (5 * i * i) % 13, (3 * i) % 7]);
  const table = (name: string, rows: readonly (readonly number[])[]): void =>
    writeFileSync(join(folder, name), ["a,b,c", ...rows.map((row) => row.join())].join("\n"));
  beforeAll(() => {
    table("t.csv", numbers);
    table(
      "gaps.csv",
      numbers.map(([a, b, c], i) => [a, b, i % 10 === 3 ? Number.NaN : c]),
    );
    table(
      "flat.csv",
      numbers.map(([a, b]) => [a, b, a + b]),
    );
  });

  it.each<readonly [string, string, string, Options, RegExp]>([
    [
      "has more latents than there are numbers",
      "vae,pca",
      "t.csv",
      { latents: 5 },
      /^--models pca: --latents: of 27 examples of 3 numbers PCA takes 1 to 3 components, got 5$/,
    ],
    [
      "has more components than there are examples",
      "flow,gaussian-mixture",
      "t.csv",
      { components: 28 },
      /^--models gaussian-mixture: mixture: .*t\.csv has 27 examples, fewer than 28 components; take at most 27$/,
    ],
    [
      "keeps rows that another leaves out",
      "probabilistic-pca,pca",
      "gaps.csv",
      { missing: "keep" },
      /^--models probabilistic-pca,pca: read other data, examples 30 and 27; --missing is for one of them alone: leave it out$/,
    ],
    [
      "has a likelihood that does not suit",
      "pca,vae",
      "t.csv",
      { likelihood: "bernoulli" },
      /^--models vae: --likelihood bernoulli is no density on real data; /,
    ],
    [
      "needs labels",
      "pca,vae",
      "t.csv",
      { prior: "classes" },
      /^--models vae: --prior classes: the data have no classes/,
    ],
    [
      "has a closed form that cannot be",
      "vae,probabilistic-pca",
      "flat.csv",
      { latents: 2 },
      /^--models probabilistic-pca: probabilistic PCA: the data lie in 2 dimensions of 3, .*; take fewer latents$/,
    ],
  ])("%s", async (_name, models, data, given, message) => {
    const runs = join(folder, "runs");
    expect(await mistakeOf([join(folder, data)], { models, runs, threads: "1" }, given)).toMatch(message);
    expect(existsSync(runs)).toBe(false);
  });
});
