import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { ShapeError } from "../../src/errors.ts";
import type { CurvePoint } from "../../src/report/curves.ts";
import { encodeGrid, type Image } from "../../src/report/grid.ts";
import { formatNumber, formatWithError } from "../../src/report/numbers.ts";
import { correlations } from "../../src/report/correlations.ts";
import { largestGap } from "../../src/report/marginals.ts";
import { histogram } from "../../src/report/bins.ts";
import { classLooks } from "../../src/report/classes.ts";
import { type ReportInput, renderReport } from "../../src/report/report.ts";
import { greyReport, photoReport, tableReport } from "./report-input.ts";

/** A picture whose bytes differ from each other and from those of its neighbours in a grid. */
const picture = (seed: number, channels: 1 | 3 = 1): Image => ({
  width: 4,
  height: 3,
  channels,
  data: Uint8Array.from({ length: 12 * channels }, (_, i) => (i * 5 + seed * 40) % 256),
});

const point = (epoch: number): CurvePoint => ({
  step: epoch * 141,
  epoch,
  train: { elbo: -300 + 10 * epoch, reconstruction: -299 + 11 * epoch, rate: 1 + epoch },
  validation: { elbo: -302 + 10 * epoch, reconstruction: -300 + 11 * epoch, rate: 2 + epoch },
  learningRate: 1e-3 / epoch,
  klWeight: 2,
});

/** A full report in which `text` stands wherever text comes from outside. */
const report = (text = "some text"): ReportInput => ({
  title: text,
  sentence: text,
  numbers: [{ name: text, value: -238.312, error: 2.41, unit: text, stamp: text }],
  curve: Array.from({ length: 20 }, (_, i) => point(i + 1)),
  pictures: [
    { title: text, caption: text, alt: text, rows: [[picture(0), picture(1)], [picture(2)]], rowLabels: [text, text] },
    { title: text, caption: text, alt: text, rows: [[picture(3, 3)]] },
  ],
  latents: [0.5, 0.001, 1.5].map((rate) => ({ rate, active: rate > 0.01 })),
  config: { [text]: [text] },
  notes: [text],
});

const count = (page: string, pattern: RegExp): number => page.match(pattern)?.length ?? 0;
const charts = (page: string): string[] => page.match(/<svg.*?<\/svg>/gs) ?? [];
const lines = (chart: string): string[] =>
  [...chart.matchAll(/mark-line role-mark[^>]*><path[^>]* d="([^"]*)"/g)].map(([, path]) => path);
/** The markup of the shapes of one kind: rect (bars) or symbol (points). */
const shapes = (chart: string, kind: string): string[] =>
  [...chart.matchAll(new RegExp(`mark-${kind} role-mark[^>]*>(.*?)</g>`, "g"))].flatMap(
    ([, group]) => group.match(/<path[^>]*>/g) ?? [],
  );

describe("the report", () => {
  it("opens with the run, the sentence and the headline number", async () => {
    const page = await renderReport({ ...report(), title: "run 7", sentence: "A model of things." });
    const order = ["<h1>run 7</h1>", "A model of things.", "−238.3 ± 2.4", "<svg", "<img", "<table", "<details>"];
    const places = order.map((part) => page.indexOf(part));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });

  it("draws every row of the curve, training and validation", async () => {
    const courses = [
      "ELBO, nats per example, by epoch: training from −290 to −100; validation from −292 to −102",
      "Reconstruction, nats per example, by epoch: training from −288 to −79; validation from −289 to −80",
      "Rate, nats per example, by epoch: training from 2 to 21; validation from 3 to 22",
      "Schedules, as shares of 0.001 and 2, by epoch: learning rate from 1 to 0.05; KL weight from 1 to 1",
    ];
    const drawn = charts(await renderReport(report()));
    for (const [index, course] of courses.entries()) {
      expect(drawn[index]).toContain(course);
      expect(lines(drawn[index]).map((path) => path.split("L").length)).toEqual([20, 20]);
    }
  });

  it("sorts the rates and marks the active dimensions", async () => {
    const page = await renderReport(report());
    const chart = charts(page)[4];
    expect(shapes(chart, "rect").map((bar) => /fill="([^"]*)"/.exec(bar)?.[1])).toEqual([
      "var(--training)",
      "var(--training)",
      "var(--muted)",
    ]);
    expect([...chart.matchAll(/>(\d)<\/text>/g)].map(([, label]) => label)).toEqual(["2", "0", "1"]);
    expect(page).toContain("2 of 3 are active");
  });

  it("shows every picture, with something on it", async () => {
    const page = await renderReport(report());
    const pictures = [...page.matchAll(/src="data:image\/png;base64,([^"]*)"/g)];
    expect(pictures).toHaveLength(2);
    for (const [, base64] of pictures) {
      const { channels } = await sharp(Buffer.from(base64, "base64")).stats();
      expect(channels[0].stdev).toBeGreaterThan(1); // grey levels of 255; a blank picture has 0
    }
  });

  it("describes every picture and chart in words", async () => {
    const page = await renderReport(report());
    expect(count(page, /<img [^>]*alt="some text"/g)).toBe(count(page, /<img /g));
    expect(count(page, /<svg [^>]*role="img" aria-label="[^"]{20,}"/g)).toBe(5);
    expect(count(page, /<svg /g)).toBe(5);
  });

  it("requests nothing", async () => {
    const page = await renderReport(report());
    expect(page).not.toMatch(/https?:|=["']?\/\//i);
    expect(page).not.toMatch(/url\(|@import|<(script|iframe|object|embed|base)\b/i);
    const references = [...page.matchAll(/\b(?:src|srcset|href|action|poster|data)="([^"]*)"/gi)];
    expect(references.map(([, target]) => target.split(",")[0])).toEqual([
      "data:",
      "data:image/png;base64",
      "data:image/png;base64",
    ]);
    expect(page).toContain("default-src 'none'");
  });

  it("follows the reader's light or dark setting, charts included", async () => {
    const page = await renderReport(report());
    expect(page).toContain("prefers-color-scheme: dark");
    const colours = charts(page).flatMap((chart) => [...chart.matchAll(/(?:fill|stroke)="([^"]*)"/g)]);
    expect(new Set(colours.map(([, colour]) => colour.replace(/^var\(--[a-z-]+\)$/, "variable")))).toEqual(
      new Set(["variable", "none"]),
    );
  });

  it("escapes every text from outside", async () => {
    const attack = `</title></style></pre><script>alert(1)</script><img src=x onerror='a()'>"' onload="a() &amp;`;
    const [harmless, attacked] = await Promise.all([renderReport(report("word")), renderReport(report(attack))]);
    // Equal markup: not one more tag, quote or attribute than with a harmless word.
    for (const character of [/</g, />/g, /"/g, /'/g]) {
      expect(count(attacked, character)).toBe(count(harmless, character));
    }
    expect(attacked).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(attacked).toContain("&amp;amp;");
  });
});

describe("a report with little to show", () => {
  it("leaves out what there is not", async () => {
    const page = await renderReport({
      ...report(),
      numbers: [],
      curve: [],
      pictures: [],
      latents: undefined,
      notes: [],
    });
    expect(page).toContain("not been evaluated");
    expect(page).not.toMatch(/<svg|<img|<table|<figure|undefined|NaN/);
  });

  it("leaves out a picture without images", async () => {
    const empty = { title: "Blank", caption: "", alt: "", rows: [[], []] };
    expect(await renderReport({ ...report(), pictures: [empty] })).not.toMatch(/<img|Blank|holds images/);
  });

  it("draws a single row as points", async () => {
    const page = await renderReport({ ...report(), curve: [point(1)] });
    expect(charts(page).map((chart) => shapes(chart, "symbol").length)).toEqual([2, 2, 2, 2, 0]);
    expect(page).not.toMatch(/NaN|Infinity/);
  });

  it("breaks the line where a value is not finite", async () => {
    const curve = Array.from({ length: 20 }, (_, i) =>
      i === 10
        ? { ...point(11), train: { elbo: Number.NaN, reconstruction: -Infinity, rate: Infinity } }
        : point(i + 1),
    );
    const page = await renderReport({ ...report(), curve });
    for (const chart of charts(page).slice(0, 3)) {
      expect(lines(chart).map((path) => path.split("M").length - 1)).toEqual([2, 1]);
    }
    expect(page).not.toMatch(/NaN|Infinity/);
  });

  it("says so where no value is finite", async () => {
    const nothing = { elbo: Number.NaN, reconstruction: Number.NaN, rate: Number.NaN };
    const curve = [{ ...point(1), train: nothing, validation: nothing }];
    const page = await renderReport({ ...report(), curve, latents: [{ rate: Number.NaN, active: false }] });
    expect(count(page, /No finite value was recorded/g)).toBe(3);
    expect(charts(page)).toHaveLength(1);
  });

  it("keeps the index of a dimension beside one that is not finite", async () => {
    const page = await renderReport({
      ...report(),
      curve: [],
      latents: [Number.NaN, 0.25, 0.5].map((rate) => ({ rate, active: true })),
    });
    expect([...charts(page)[0].matchAll(/>(\d)<\/text>/g)].map(([, label]) => label)).toEqual(["2", "1"]);
    expect(page).toContain("Left out, as not finite: 1.");
  });

  it("counts in steps where rows share an epoch", async () => {
    const curve = [1, 2, 3].map((step) => ({ ...point(1), step }));
    expect(await renderReport({ ...report(), curve })).toContain("by step:");
    expect(await renderReport(report())).toContain("by epoch:");
  });
});

describe("encodeGrid", () => {
  it.each([1, 3] as const)("keeps every pixel of %i channels and leaves the gaps transparent", async (channels) => {
    const rows = [[picture(0, channels), picture(1, channels)], [picture(2, channels)]];
    const { png, width, height } = await encodeGrid(rows);
    const { data, info } = await sharp(png)
      .toColourspace("srgb")
      .ensureAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect([width, height]).toEqual([4 + 1 + 4, 3 + 1 + 3]);
    expect([info.width, info.height, info.channels]).toEqual([width, height, 4]);

    const expected = new Uint8Array(width * height * 4);
    for (const [r, row] of rows.entries()) {
      for (const [c, image] of row.entries()) {
        for (let i = 0; i < 12; i++) {
          const at = ((r * 4 + Math.floor(i / 4)) * width + c * 5 + (i % 4)) * 4;
          for (let k = 0; k < 3; k++) expected[at + k] = image.data[channels === 1 ? i : i * 3 + k];
          expected[at + 3] = 255;
        }
      }
    }
    expect(Uint8Array.from(data)).toEqual(expected);
  });

  it("refuses images that do not fit together", async () => {
    await expect(encodeGrid([[]])).rejects.toThrow(ShapeError);
    await expect(encodeGrid([[picture(0), picture(0, 3)]])).rejects.toThrow(
      "encodeGrid: image 1 of row 0 is 4×3×3, the first is 4×3×1",
    );
    const short = { ...picture(0), data: new Uint8Array(11) };
    await expect(encodeGrid([[short]])).rejects.toThrow("expected 12 bytes for 4×3×1, got 11");
  });
});

describe("numbers", () => {
  it.each([
    [-240.812, "−240.8"],
    [12.3021, "12.3"],
    [0.00100049, "0.001"],
    [0.43853, "0.4385"],
    [12, "12"],
    [-241, "−241"],
    [12345.678, "12,346"],
    [0, "0"],
    [0.0000123, "1.2e−5"],
    [Number.NaN, "NaN"],
    [-Infinity, "−∞"],
  ])("%d is printed as %s", (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  it.each([
    [238.312, 2.41, "238.3 ± 2.4"],
    [12.3021, 0.0812, "12.302 ± 0.081"],
    [1234.5, 36, "1,235 ± 36"],
    [238.312, undefined, "238.3"],
    [0.00001, 0.031, "0.000 ± 0.031"],
    [238.312, 0, "238.3 ± 0"],
    [Number.NaN, Number.NaN, "NaN"],
  ])("%d with error %d is printed as %s", (value, error, text) => {
    expect(formatWithError(value, error)).toBe(text);
  });
});
