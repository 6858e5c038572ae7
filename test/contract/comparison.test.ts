/** What `reparam compare` says: which numbers stand together, what is missing and why, and that all of it is safe to show. */
import { describe, expect, it } from "vitest";
import { comparable } from "../../src/evaluation/comparison.ts";
import { latentMap, latentPlane } from "../../src/evaluation/latent-map.ts";
import { stream } from "../../src/random/stream.ts";
import { renderComparison } from "../../src/report/comparison.ts";
import type { ComparisonInput } from "../../src/report/comparison-input.ts";
import { frameOf } from "../../src/report/comparison-map.ts";
import { type ComparisonTable, comparisonTable } from "../../src/report/comparison-rows.ts";
import { inventedComparison } from "./comparison-input.ts";

const input = inventedComparison();
const table = comparisonTable(input);

/** The cells of a row by the model's name. */
function cellsOf({ rows, groups }: ComparisonTable, heading: string): ReadonlyMap<string, string> {
  const names = groups.flatMap((group) => group.names);
  const found = rows.find((row) => row.heading === heading);
  return new Map(names.map((name, i) => [name, found?.cells[i].text ?? "no such row"]));
}

function noteOf({ rows, groups, footnotes }: ComparisonTable, heading: string, name: string): string | undefined {
  const place = groups.flatMap((group) => group.names).indexOf(name);
  return footnotes[(rows.find((row) => row.heading === heading)?.cells[place].note ?? 0) - 1];
}

describe("what can be told better from worse", () => {
  it("sets only models side by side whose log p(x) are of one thing", () => {
    expect(table.groups).toEqual([
      { of: "stochastic binarisation", names: ["vae", "adversarial-autoencoder", "vae-with-mixture-prior"] },
      { of: "uniform dequantisation", names: ["flow"] },
      { names: ["pca"] },
    ]);
    expect(table.apart).toMatch(
      /^log p\(x\) of stochastic binarisation and of uniform dequantisation are of different/,
    );
    expect(comparisonTable({ ...input, models: input.models.slice(0, 3) }).apart).toBeUndefined();
  });

  it("gives the paired difference to the first of the group, with the error of the differences", () => {
    const models = [-3, -1].map((mean, i) => ({
      name: `model ${i}`,
      observation: "data as they are",
      logLikelihoods: [0, 100, 200, 300].map((hard, at) => mean + hard + (i === 1 ? [0.1, -0.1, 0.3, -0.3][at] : 0)),
    }));
    const other = { ...models[0], name: "other", observation: "given label" };
    const unknown = { ...models[0], name: "unknown", observation: undefined };
    expect(comparable([other, ...models, unknown], "").map((group) => group.models)).toEqual([models, [other]]);
    const [{ differences }] = comparable(models, "the same four");
    expect(differences[0]).toBeUndefined();
    // The examples' own spread of 129 nats cancels: s of (0.1, −0.1, 0.3, −0.3) is √(0.2/3), over √4.
    expect(differences[1]?.difference.value).toBeCloseTo(2, 10);
    expect(differences[1]?.difference.error).toBeCloseTo(Math.sqrt(0.2 / 3) / 2, 10);
    const told = cellsOf(table, "above the first, nats");
    expect(told.get("vae")).toBe("0");
    expect(told.get("adversarial-autoencoder")).toMatch(/^−13\.\d\d ± 0\.\d\d$/);
    expect(told.get("flow")).toBe("0");
    expect(told.get("pca")).toBe("–");
    expect(noteOf(table, "above the first, nats", "adversarial-autoencoder")).toMatch(
      /less that of vae, paired over 60/,
    );
  });
});

describe("what a model lacks", () => {
  it.each([
    ["log p(x), nats", "pca", "has no density p(x)"],
    ["above the first, nats", "pca", "has no density p(x)"],
    ["rate, nats", "flow", "has no posterior q(z|x), so no rate"],
    ["codes to prior", "pca", "has no prior p(z)"],
    ["codes to prior", "vae-with-mixture-prior", "fewer than 3 examples"],
    ["seconds per epoch", "vae-with-mixture-prior", "metrics.jsonl does not tell it"],
  ])("is a dash with a footnote: %s of %s", (heading, name, why) => {
    expect(cellsOf(table, heading).get(name)).toBe("–");
    expect(noteOf(table, heading, name)).toBe(why);
  });

  it("is said of data without classes", () => {
    const unlabelled = input.models.map((model) => ({ ...model, accuracy: undefined }));
    const other = comparisonTable({ ...input, models: unlabelled });
    expect(new Set(cellsOf(other, "linear probe, %").values())).toEqual(new Set(["–"]));
    expect(noteOf(other, "linear probe, %", "vae")).toBe("the data have no classes");
  });

  it("leaves every other cell with a number or words, and no footnote unused", () => {
    const dashes = table.rows.flatMap(({ cells }) =>
      cells.filter(({ text, note }) => text === "–" && note === undefined),
    );
    expect(dashes).toHaveLength(2); // pca's likelihood and estimator, which the row between them explains
    const used = new Set(table.rows.flatMap(({ cells }) => cells.flatMap(({ note }) => note ?? [])));
    expect([...used].sort((a, b) => a - b)).toEqual(table.footnotes.map((_, i) => i + 1));
  });
});

describe("the plane of codes", () => {
  it("holds the codes where the map shows them, and the middle of the prior where it is", () => {
    const random = stream(3, "plane");
    const k = 5;
    const codes = {
      data: Float64Array.from({ length: 40 * k }, (_, i) => random.normal() * (k - (i % k)) + 2),
      shape: [40, k],
    };
    const { place } = latentPlane(codes);
    expect(place(codes)).toEqual(latentMap(codes).points);
    const zero = { data: new Float64Array(k), shape: [1, k] };
    const [middle] = place(zero);
    expect(Math.hypot(middle.x, middle.y)).toBeGreaterThan(1); // the codes' mean is 2 along each axis
    // An orthonormal plane moves by the projection of what codes are moved by: distances to the middle are those in the plane.
    const doubled = place({ data: codes.data.map((value) => 2 * value), shape: codes.shape });
    for (const [i, point] of place(codes).entries()) {
      expect(doubled[i].x - middle.x).toBeCloseTo(2 * (point.x - middle.x), 10);
    }
  });

  it("has one frame for all models with a prior, whatever scale the others have", () => {
    const maps = input.models.flatMap(({ map }) => map ?? []);
    const frame = frameOf(maps);
    expect(frame).toBe(frameOf(maps.filter(({ prior }) => prior)));
    expect(frame).toBe(6); // the flow's codes reach farther: the rest is told
    expect(frameOf(maps.slice(0, 1))).toBe(3);
  });
});

describe("the page", () => {
  const hostile = `<script>alert("x")</script>&'`;

  it("shows tables, maps, reconstructions and samples, and loads nothing", async () => {
    const page = await renderComparison(input);
    for (const heading of ["Side by side", "Latent space", "The same images, reconstructed", "Samples"]) {
      expect(page).toContain(`<h2>${heading}</h2>`);
    }
    expect(page.match(/<svg viewBox[^>]*role="img"/g)).toHaveLength(5);
    expect(page.match(/<img /g)).toHaveLength(1 + 5 + 4); // the data, each reconstruction, samples of those with a prior
    expect(page).toContain("Without a prior to draw from: pca.");
    expect(page).toMatch(/pca<\/b> <span>[^<]*no prior: scaled to unit deviation<\/span>/); // and so within the frame
    expect(page).toMatch(/flow<\/b> <span>[^<]*\d+ % outside the frame/);
    expect(/<script|https?:|url\(/i.test(page)).toBe(false);
  });

  it("escapes what comes from outside", async () => {
    const unsafe: ComparisonInput = {
      ...input,
      title: hostile,
      examples: hostile,
      notices: [hostile],
      labelNames: [hostile, hostile, hostile],
      models: input.models.map((model, i) => ({
        ...model,
        name: `${hostile}${i}`,
        title: hostile,
        likelihood: model.likelihood && `${hostile}, ${hostile}`,
        observation: model.observation && hostile,
        lacks: { distance: hostile },
      })),
    };
    const page = await renderComparison(unsafe);
    expect(page.includes("<script")).toBe(false);
    expect(page).toContain("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#39;");
  });

  it("is one of numbers alone where the data are no images and have no classes", async () => {
    const models = input.models.map(({ map: _, reconstructions: __, samples: ___, accuracy: ____, ...rest }) => rest);
    const page = await renderComparison({ ...input, models, originals: undefined, labelNames: undefined });
    expect(page).not.toMatch(/<img|<svg/);
    expect(page).not.toContain("holds images from the data");
  });

  it("draws of a table each model's worst column", async () => {
    const data = [0, 1, 2, 3].map((value) => [value, 10 * value]);
    // All draws of the second column lie above the data, those of the first as they do.
    const samples = data.map(([first, second]) => [first, second + 100]);
    const models = input.models.slice(0, 2).map(({ reconstructions: _, samples: __, ...model }) => ({
      ...model,
      table: { split: "test split", columns: ["height", `${hostile} & weight`], data, samples },
    }));
    const page = await renderComparison({ ...input, models, originals: undefined });
    expect(page).toContain("<h2>Samples against the data</h2>");
    expect(page.match(/&amp; weight, 1\.00 apart; 0\.50 on average/g)).toHaveLength(2);
    expect(page.includes("<script")).toBe(false);
  });
});
