import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { type ReportInput, renderReport } from "../../src/report/report.ts";
import { charts, count, lines, picture, point, report, shapes, text } from "./report-page.ts";

/** Every section, with `text` wherever text comes from outside. */
const full = (text: string): ReportInput => ({
  ...report(text),
  likelihood: text,
  trust: text,
  inference: {
    words: [text],
    gaps: { split: text, by: text, steps: 2, samples: 3, amortization: [1, 2], approximation: [0.5, -0.1] },
    rateSplit: {
      split: text,
      codes: 50,
      ceiling: Math.log(50),
      mutualInformation: { value: 3.6, error: 0.1 },
      marginalKl: { value: 0.9, error: 0.1 },
      totalCorrelation: { value: 1, error: 0.2 },
      dimensionWiseKl: { value: -0.1, error: 0.1 },
    },
  },
  reconstructions: {
    split: text,
    by: "log p(x|z)",
    examples: 3,
    typical: [{ original: picture(0), reconstruction: picture(1), value: -3 }],
    best: [],
    worst: [],
  },
  latentMap: {
    split: text,
    points: [0, 1, 2].map((x) => ({ x, y: x, label: 0 })),
    labelNames: [text],
    axes: text,
    axisNames: [text, text],
  },
  scores: {
    split: text,
    by: text,
    values: [-3, -2, -1],
    strangest: { kind: "images", images: [{ image: picture(0), score: -3, source: text }] },
    likeliest: { kind: "rows", columns: [text], rows: [{ values: [1], score: -1, source: text }] },
  },
  table: {
    split: text,
    columns: [text, text],
    data: [
      [0, 0.5],
      [1, 2],
      [3, -1],
    ],
    samples: [
      [0, 2],
      [1, 1.5],
      [2, 0],
    ],
  },
  card: { data: text, intendedUse: text, limits: text },
});

/** The page of the usual report. */
const usual = renderReport(report());

describe("the report", () => {
  it("opens with the run, the sentence and the headline number", async () => {
    const page = await renderReport({ ...report(), title: "run 7", sentence: "A model of things." });
    const order = ["<h1>run 7</h1>", "A model of things.", "−238.3 ± 2.4", "<svg", "<img", "<caption", "<details>"];
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
    const drawn = charts(await usual);
    for (const [index, course] of courses.entries()) {
      expect(drawn[index]).toContain(course);
      expect(lines(drawn[index]).map((path) => path.split("L").length)).toEqual([20, 20]);
    }
  });

  it("sorts the rates and marks the active dimensions", async () => {
    const page = await usual;
    const chart = charts(page)[4];
    expect(shapes(chart, "rect").map((bar) => /fill="([^"]*)"/.exec(bar)?.[1])).toEqual([
      "var(--training)",
      "var(--training)",
      "var(--muted)",
    ]);
    expect([...chart.matchAll(/>(\d)<\/text>/g)].map(([, label]) => label)).toEqual(["2", "0", "1"]);
    expect(page).toContain("2 of 3 are active");
  });

  it("calls a latent ignored only where its rate is small as well", async () => {
    const caption = async (rates: readonly number[]) =>
      text(await renderReport({ ...report(), latents: rates.map((rate, i) => ({ rate, active: i === 0 })) })).match(
        /above 0\.01\.[^\n]*/,
      )?.[0];
    expect(await caption([1, 0.04])).toMatch(
      /By this measure .* with rates below 0\.05 nats the model ignores them\.$/,
    );
    const some = await caption([1, 0.312, 0.001]);
    expect(some).toContain("1 of these 2 still carries a rate of 0.05 nats or more, at most 0.31.");
    expect(some).not.toContain("ignores");
    expect(await caption([1])).toBe("above 0.01.");
  });

  it("shows every picture, with something on it", async () => {
    const page = await usual;
    const pictures = [...page.matchAll(/src="data:image\/png;base64,([^"]*)"/g)];
    expect(pictures).toHaveLength(3); // two rows with labels, and a grid
    for (const [, base64] of pictures) {
      const { channels } = await sharp(Buffer.from(base64, "base64")).stats();
      expect(channels[0].stdev).toBeGreaterThan(1); // grey levels of 255; a blank picture has 0
    }
  });

  it("describes every picture and chart in words", async () => {
    const page = await usual;
    expect(count(page, /<img [^>]*alt="some text(: some text)?"/g)).toBe(count(page, /<img /g));
    expect(count(page, /<svg [^>]*role="img" aria-label="[^"]{20,}"/g)).toBe(5);
    expect(count(page, /<svg /g)).toBe(5);
  });

  it("requests nothing", async () => {
    const page = await usual;
    expect(page).not.toMatch(/https?:|=["']?\/\//i);
    expect(page).not.toMatch(/url\(|@import|<(script|iframe|object|embed|base)\b/i);
    const references = [...page.matchAll(/\b(?:src|srcset|href|action|poster|data)="([^"]*)"/gi)];
    expect(references.map(([, target]) => target.split(",")[0])).toEqual([
      "data:",
      "data:image/png;base64",
      "data:image/png;base64",
      "data:image/png;base64",
    ]);
    expect(page).toContain("default-src 'none'");
  });

  it("follows the reader's light or dark setting, charts included", async () => {
    const page = await usual;
    expect(page).toContain("prefers-color-scheme: dark");
    const colours = charts(page).flatMap((chart) => [...chart.matchAll(/(?:fill|stroke)="([^"]*)"/g)]);
    expect(new Set(colours.map(([, colour]) => colour.replace(/^var\(--[a-z-]+\)$/, "variable")))).toEqual(
      new Set(["variable", "none"]),
    );
  });

  it("escapes every text from outside", async () => {
    const attack = `</title></style></pre><script>alert(1)</script><img src=x onerror='a()'>"' onload="a() &amp;`;
    const [harmless, attacked] = await Promise.all([
      renderReport(full("w".repeat(attack.length))),
      renderReport(full(attack)),
    ]);
    // Equal markup: not one more tag, nor a quote within one, than with a harmless word of its length.
    const tags = (page: string): string => (page.match(/<[^>]*>/g) ?? []).join("");
    for (const character of [/</g, />/g, /"/g, /'/g]) {
      expect(count(tags(attacked), character), String(character)).toBe(count(tags(harmless), character));
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
    expect(await usual).toContain("by epoch:");
  });
});
