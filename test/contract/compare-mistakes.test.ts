/** What `reparam compare` refuses before it opens or trains anything. */
import { describe, expect, it } from "vitest";
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
    ["what no option can be", [], { models: "vae,pca" }, { latents: 0 }, /^--latents: .*above 0.*, got 0$/],
  ])("%s", async (_name, paths, flags, given, message) => {
    const mistake = await compareFromFlags(paths, flags, given).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(mistake).toBeInstanceOf(InputError);
    expect(String(mistake).replace(/^InputError: /, "")).toMatch(message);
  });
});
