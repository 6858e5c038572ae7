import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { ShapeError } from "../../src/errors.ts";
import { histogram } from "../../src/report/bins.ts";
import { classLooks } from "../../src/report/classes.ts";
import { correlations } from "../../src/report/correlations.ts";
import type { CurvePoint } from "../../src/report/curves.ts";
import { gapsPicture } from "../../src/report/gaps.ts";
import { sentence } from "../../src/report/gather.ts";
import { gradientPicture } from "../../src/report/gradient-noise.ts";
import { encodeGrid, type Image } from "../../src/report/grid.ts";
import { largestGap } from "../../src/report/marginals.ts";
import { modelCard } from "../../src/report/model-card.ts";
import { formatNumber, formatWithError } from "../../src/report/numbers.ts";
import { type ReportInput, renderReport } from "../../src/report/report.ts";
import { style } from "../../src/report/style.ts";
import { svgFile } from "../../src/report/svg-file.ts";
import { trustOf } from "../../src/report/trust.ts";
import type { RunConfig } from "../../src/run/config.ts";
import { parseOptions } from "../../src/run/options.ts";
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
    const page = await renderReport(report());
    const pictures = [...page.matchAll(/src="data:image\/png;base64,([^"]*)"/g)];
    expect(pictures).toHaveLength(3); // two rows with labels, and a grid
    for (const [, base64] of pictures) {
      const { channels } = await sharp(Buffer.from(base64, "base64")).stats();
      expect(channels[0].stdev).toBeGreaterThan(1); // grey levels of 255; a blank picture has 0
    }
  });

  it("describes every picture and chart in words", async () => {
    const page = await renderReport(report());
    expect(count(page, /<img [^>]*alt="some text(: some text)?"/g)).toBe(count(page, /<img /g));
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

/** Rows of two columns whose correlation is r. */
const correlated = (r: number): readonly (readonly number[])[] =>
  [
    [1, 1],
    [1, -1],
    [-1, 1],
    [-1, -1],
  ].map(([a, b]) => [a, r * a + Math.sqrt(1 - r * r) * b]);

/** The page's variables in a scheme, as sRGB shares. */
function coloursIn(scheme: string): ReadonlyMap<string, readonly number[]> {
  const at = style.indexOf("@media (prefers-color-scheme: dark)");
  const end = style.indexOf("* {");
  const variables = [...style.slice(0, scheme === "dark" ? end : at).matchAll(/--([a-z-]+): #([0-9a-f]{6})/g)];
  return new Map(
    variables.map(([, name, hex]) => [`var(--${name})`, [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255)]),
  );
}

/** WCAG 2's contrast of a text on a cell that lies on the paper. */
function contrastOn(cell: string, ink: string, colours: ReadonlyMap<string, readonly number[]>): number {
  const colour = (name: string): readonly number[] => colours.get(name) ?? [];
  const [fill, opacity] = [/fill="([^"]*)"/.exec(cell)?.[1] ?? "", Number(/opacity="([^"]*)"/.exec(cell)?.[1] ?? 1)];
  const paper = colour("var(--paper)");
  const ground = colour(fill).map((share, i) => opacity * share + (1 - opacity) * paper[i]);
  const [low, high] = [ground, colour(ink)]
    .map((shares) => shares.map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)))
    .map(([red, green, blue]) => 0.2126 * red + 0.7152 * green + 0.0722 * blue)
    .sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

const text = (page: string): string => page.replace(/<(style|svg).*?<\/\1>/gs, "").replace(/<[^>]*>/g, "");

describe("the sections of a report", () => {
  const headings = (page: string): string[] => [...page.matchAll(/<h2>([^<]*)/g)].map(([, heading]) => heading);

  it("shows all that images have, in the order of a paper", async () => {
    const page = await renderReport(greyReport());
    expect(headings(page)).toEqual([
      "Learning curves",
      "Samples as training went on",
      "Reconstructions",
      "Samples of the prior",
      "Latent space",
      "Rate by latent dimension",
      "Inference",
      "Traversals",
      "How likely each example is",
      "Held-out numbers",
      "Notes",
      "Model card",
    ]);
    const figures = [...page.matchAll(/<b>Figure (\d+)\./g)].map(([, number]) => Number(number));
    expect(figures).toEqual(figures.map((_, i) => i + 1));
    expect(figures).toHaveLength(12);
    expect(text(page)).toContain(
      "Means of p(x|z) for the same 10 latents z ~ p(z), a column each, decoded after epochs 1, 2",
    );
    expect(text(page)).toContain("Best and worst reconstructions of 1,000 examples of the test split");
    expect(text(page)).toContain("holds images from the data");
  });

  it("compares a table with samples, in pictures and in words", async () => {
    const page = await renderReport(tableReport());
    expect(headings(page)).toContain("Data against samples");
    expect(text(page)).toContain("Drawn are the first 12 of 14 columns.");
    // The data link the first five columns (r = 0.85² = 0.72), the samples hardly (0.3² = 0.09).
    expect(text(page)).toMatch(/They differ most between .*: 0\.7\d in the data, 0\.[01]\d in the samples/);
    expect(text(page)).toContain("holds rows from the data");
  });

  it("explains blur by the likelihood", async () => {
    const explained = async (likelihood?: string) => text(await renderReport({ ...greyReport(), likelihood }));
    expect(await explained("Bernoulli, stochastic binarisation")).toContain("probability of each pixel to be 1");
    expect(await explained("Normal, data as they are")).toContain("least-squares");
    expect(await explained("DiscretizedLogistic, data as they are")).toContain("one peak");
    expect(await explained("Mine")).toContain("as far as the likelihood takes its pixels to be independent");
  });

  it("keeps within its size: photos of 64 × 64 pixels in less than 3 MB, a grid in 300 kB", async () => {
    const page = await renderReport(photoReport());
    expect(page.length).toBeLessThan(3_000_000);
    const images = [...page.matchAll(/src="(data:image[^"]*)"/g)].map(([, source]) => source.length);
    expect(Math.max(...images)).toBeGreaterThan(30_000); // the noise of draws does not compress
    expect(Math.max(...images)).toBeLessThanOrEqual(300_000);
  });

  it("cuts what would flatten the curves, and says so", async () => {
    const page = await renderReport(greyReport());
    expect(text(page)).toContain("extreme points lie outside the axes: ELBO, 8 points as far as −564.9");
    expect(charts(page)[0]).not.toContain(">−560<");
    expect(text(await renderReport(report()))).not.toContain("outside the axes"); // straight lines have no extremes
  });

  it("marks the threshold, and tells what is below it", async () => {
    const page = await renderReport(greyReport());
    expect(charts(page).filter((chart) => chart.includes(">threshold<"))).toHaveLength(1);
    expect(text(page)).toMatch(/1\u00a0% of the validation examples lie below it\. Here \d+ do \(1\.\d\u00a0%\)/);
    expect(text(page)).toContain("2 examples beyond the axis are not drawn.");
  });

  it("says where too few validation examples resolve the threshold", async () => {
    const caption = async (examples: number) => {
      const scores = greyReport().scores;
      if (!scores?.threshold) throw new Error("the grey report has a threshold");
      return text(
        await renderReport({ ...report(), scores: { ...scores, threshold: { ...scores.threshold, examples } } }),
      );
    };
    const few = "53 validation examples cannot resolve 1\u00a0%, so it lies between the two lowest of them.";
    expect(await caption(53)).toContain(few);
    expect(await caption(53)).not.toContain("of the validation examples lie below it");
    expect(await caption(1)).toContain("1 validation example cannot resolve 1\u00a0%, so it is that of the only one.");
    expect(await caption(100)).toContain("1\u00a0% of the validation examples lie below it.");
  });

  it("keeps all bars of the scores below the threshold's name", async () => {
    const page = await renderReport({ ...report(), curve: [], latents: [], scores: greyReport().scores });
    const [chart] = charts(page);
    const tops = shapes(chart, "rect").map((bar) => {
      const [, y, height] = /M[^,]*,([-\d.]+)h[-\d.]+v([-\d.]+)/.exec(bar)?.map(Number) ?? [];
      return Math.min(y, y + height);
    });
    expect(Math.min(...tops)).toBeGreaterThan(14); // the name is 11 pixels high, from 0
  });

  it.each(["light", "dark"])("writes correlations so that they are read on their cells, in %s", async (scheme) => {
    const values = [-1, -0.9, -0.75, -0.64, -0.62, -0.3, 0.1, 0.5, 0.62, 0.64, 0.86, 0.88];
    const contrasts = await Promise.all(
      values.map(async (r) => {
        const data = correlated(r);
        const table = { split: "", columns: ["a", "b"], data, samples: data };
        const chart = charts(await renderReport({ ...report(), curve: [], latents: [], table })).at(-1) ?? "";
        const cells = shapes(chart, "rect");
        const numbers = [...chart.matchAll(/<text[^>]*fill="([^"]*)"[^>]*>[−\d.]+<\/text>/g)].map(
          ([, colour]) => colour,
        );
        expect(cells).toHaveLength(4);
        expect(numbers).toHaveLength(4);
        return Math.min(...cells.map((cell, i) => contrastOn(cell, numbers[i], coloursIn(scheme))));
      }),
    );
    expect(Math.min(...contrasts)).toBeGreaterThan(3.6); // two colours cannot give 4.5 on every blue
  });

  it("leaves out sections whose lists are empty", async () => {
    const strangest = { kind: "images" as const, images: [] };
    const page = await renderReport({
      ...report(),
      curve: [],
      latents: [],
      pictures: [],
      history: { epochs: [{ epoch: 1, images: [] }] },
      reconstructions: { split: "", by: "squared error", examples: 0, typical: [], best: [], worst: [] },
      samples: { drawn: [], means: [] },
      latentMap: { split: "", points: [{ x: Number.NaN, y: 0 }], axes: "" },
      traversals: { around: "codes", latents: [], from: -3, to: 3 },
      scores: { split: "", values: [Number.NaN], by: "exact", strangest },
      table: { split: "", columns: [], data: [], samples: [] },
    });
    expect(page).not.toMatch(/<figure|<svg|<img|Figure|NaN/);
  });

  it("draws what is constant, alone or not finite", async () => {
    const page = await renderReport({
      ...report(),
      latentMap: { split: "", points: [{ x: 1, y: 1 }], axes: "" },
      scores: {
        split: "",
        values: [-5, -5, Number.NaN, -Infinity],
        by: "exact",
        strangest: { kind: "images", images: [] },
      },
      table: { split: "", columns: ["a", "b"], data: [[1, 2]], samples: [[1, Number.NaN]] },
    });
    expect(text(page)).toContain("Left out, as not finite: 2.");
    expect(page.replace(/Infinity/, "")).not.toMatch(/undefined|Infinity/);
    for (const chart of charts(page)) expect(chart.replace(/aria-label="[^"]*"/, "")).not.toContain("NaN");
  });
});

describe("what is told of inference", () => {
  const gaps = {
    split: "test split",
    by: "annealing",
    steps: 200,
    samples: 32,
    amortization: [1, 4, 2],
    approximation: [0.5, -0.2, 3],
  };
  const part = (value: number, error = 0.1) => ({ value, error });
  const rateSplit = {
    split: "test split",
    codes: 1000,
    ceiling: Math.log(1000),
    mutualInformation: part(6),
    marginalKl: part(4),
    totalCorrelation: part(3),
    dimensionWiseKl: part(1),
  };
  const drawn = async (inference: ReportInput["inference"]) =>
    renderReport({ ...report(), curve: [], latents: [], pictures: [], inference });
  /** Left, width and fill of each bar. */
  const bars = (chart: string) =>
    shapes(chart, "rect").map((bar) => {
      const [, x, y, width, height] = /M([-\d.]+),([-\d.]+)h([-\d.]+)v([-\d.]+)/.exec(bar)?.map(Number) ?? [];
      return { x, y, width, height, fill: /fill="([^"]*)"/.exec(bar)?.[1] };
    });

  it("draws the gaps of each example, the largest first, and none where noise made it negative", async () => {
    const [chart] = charts(await drawn({ gaps, words: [] }));
    const lengths = bars(chart).map(({ height, fill }) => ({ height: Math.abs(height), fill }));
    const unit = lengths[1].height / 2; // the largest is 3 + 2: approximation below, amortization above
    expect(lengths.map(({ height }) => Number((height / unit).toFixed(2)))).toEqual([3, 2, 0, 4, 0.5, 1]);
    expect(new Set(lengths.map(({ fill }) => fill))).toEqual(new Set(["var(--training)", "var(--validation)"]));
    const told = text(await drawn({ gaps, words: [] }));
    expect(told).toContain("3 examples of the test split");
    expect(told).toContain("2.33 ± 0.88 nats of amortization"); // s = 1.53 over √3
    expect(told).toContain("1 part below 0, down to −0.2, is noise of the draws and not drawn.");
  });

  it("draws the rate as one bar of its parts, and says where their number holds the first down", async () => {
    const page = await drawn({ rateSplit, words: [] });
    const widths = bars(charts(page)[0]).map(({ width }) => width);
    expect(widths.map((width) => Number(((10 * width) / widths.reduce((a, b) => a + b, 0)).toFixed(2)))).toEqual([
      6, 3, 1,
    ]);
    expect(text(page)).toContain("at most log 1,000 = 6.91 nats.");
    const near = text(await drawn({ rateSplit: { ...rateSplit, mutualInformation: part(6.5) }, words: [] }));
    expect(near).toContain("6.91 nats, which holds it down here");
  });

  it("has a section for words alone, and none for nothing", async () => {
    expect(await drawn({ words: ["3 of 16 latents are dead."] })).toMatch(
      /<h2>Inference<\/h2>\s*<p>3 of 16 latents are dead\.<\/p>/,
    );
    expect(await drawn({ words: [] })).not.toContain("Inference");
    expect(await drawn({ gaps: { ...gaps, amortization: [], approximation: [] }, words: [] })).not.toContain(
      "Inference",
    );
  });

  it("says below the headline what it rests on", async () => {
    const page = await renderReport({ ...report(), trust: "Of 200 draws 5 count." });
    expect(page.indexOf("Of 200 draws 5 count.")).toBeGreaterThan(page.indexOf('class="headline"'));
    expect(page.indexOf("Of 200 draws 5 count.")).toBeLessThan(page.indexOf("</header>"));
    const estimate = (samples: number, untrusted: number) => ({
      ...{ samples, effectiveSamples: 38.21 },
      estimator: { error: 0.0123, bias: 0, interval: [0, 0] as const, untrusted },
    });
    expect(trustOf(estimate(1, 0))).toBeUndefined();
    expect(trustOf(estimate(200, 0.03))).toMatch(/^Of 200 draws 38\.21 count .* 97 % of the examples .* ±0\.012 nats/);
    expect(trustOf(estimate(200, 0.5))).toMatch(/50 % of the examples .*, too few for an error of the estimate/);
    expect(trustOf(estimate(5, Number.NaN))).toMatch(/so few do not tell/);
  });
});

describe("a picture in a file of its own", () => {
  it("has its size, fixed colours and a title, and asks for nothing", async () => {
    const svg = await svgFile(
      gapsPicture({ split: "s", by: "b", steps: 1, samples: 1, amortization: [1], approximation: [2] }),
    );
    expect(svg).toMatch(
      /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="[-\d. ]+" width="\d+" height="\d+" role="img"><title>Stacked bars/,
    );
    expect(svg).not.toMatch(/var\(|NaN|href/);
    const { channels } = await sharp(Buffer.from(svg)).stats();
    expect(channels[0].stdev).toBeGreaterThan(10); // grey levels of 255
  });

  it("shows an estimator whose mean is not told from 0 in words", async () => {
    const noise = (name: string, signalToNoise: number, wrong = false) => ({
      ...{ name, bound: "ELBO" as const, wrong, signalToNoise, meanLength: 1, byParameter: [] },
      variance: { value: 3, error: 0.1 },
    });
    const study = { parameters: 10, examples: 4, samples: 2, draws: 50, leftOut: [] };
    const svg = await svgFile(
      gradientPicture({ ...study, noise: [noise("pathwise", 2), noise("dropped path", 0, true)] }),
    );
    expect(svg).toContain("not to be told from 0");
    expect(svg).toContain("wrong, for teaching");
    expect(svg).toContain("4 examples, 2 samples each, 50 draws, 10 parameters");
  });
});

describe("what the figures compute", () => {
  it("counts each value once, the last edge included", () => {
    const counts = histogram([0, 0.5, 1, 1.9, 2, 3, Number.NaN, -1], { from: 0, width: 1, count: 2 });
    expect(counts.map(({ count }) => count)).toEqual([2, 3]);
  });

  it("correlates as Pearson does", () => {
    const rows = [
      [1, 2, 5],
      [2, 1, 5],
      [3, 4, 5],
      [4, 3, 5],
    ];
    const [[self, r, constant]] = correlations(rows, 3);
    expect(self).toBeCloseTo(1, 12);
    expect(r).toBeCloseTo(0.6, 12); // Σ(x−x̄)(y−ȳ) = 3, of √(5·5)
    expect(constant).toBeNaN();
  });

  it("finds the largest gap of two distributions, ties included", () => {
    expect(largestGap([1, 2, 3, 4], [3, 4, 5, 6])).toBe(0.5);
    expect(largestGap([1, 1, 1], [1, 1, 1])).toBe(0);
    expect(largestGap([0, 1], [5])).toBe(1);
    expect(largestGap([], [1])).toBeNaN();
  });

  it.each([1, 8, 9, 24])("gives each of %i classes a look of its own", (classes) => {
    const { looks } = classLooks(Array.from({ length: classes }, (_, i) => i));
    expect(new Set(looks.map(({ colour, shape }) => colour + shape)).size).toBe(classes);
    expect(new Set(looks.map(({ shape }) => shape)).size > 1).toBe(classes > 8);
  });

  it("joins the rarest classes beyond 24", () => {
    const labels = Array.from({ length: 30 }, (_, i) => i).flatMap((i) => new Array<number>(i + 1).fill(i));
    const { looks, lookOf } = classLooks(labels);
    expect(looks.map(({ name }) => name).at(-1)).toBe("others");
    expect(looks).toHaveLength(24);
    expect([lookOf(0).name, lookOf(29).name]).toEqual(["others", "29"]);
  });
});

describe("what is said of a run", () => {
  const table: RunConfig = {
    options: parseOptions({ data: "people.csv" }, String),
    data: {
      checksum: "sha256:0",
      examples: 1499,
      shape: [5],
      measure: "real",
      kind: "table",
      range: [0, 1],
      labelNames: ["Bern", "Oslo", "Rome"],
    },
    model: { latents: 3, likelihood: "Normal, data as they are", parameters: 35_724, unit: 1 },
    environment: {},
  };

  it.each([
    ["Normal, data as they are", ", with a Normal likelihood."],
    ["DiscretizedLogistic, data as they are", ", with a discretised logistic likelihood on 8-bit values."],
    ["Bernoulli, stochastic binarisation", ", with a Bernoulli likelihood, stochastic binarisation."],
    ["Mine, halved", ", with the likelihood Mine, halved."],
  ])("puts %s in words", (likelihood, words) => {
    const said = sentence({ ...table, model: { ...table.model, likelihood } }, 2580);
    expect(said.slice(-words.length)).toBe(words);
  });

  it("names in the card only what the data have", () => {
    const ofTable = modelCard(table, "validation");
    expect(ofTable.data).toContain("3 classes, whose labels training did not use");
    expect(ofTable.intendedUse).toContain("column by column");
    expect(ofTable.intendedUse + ofTable.limits).not.toMatch(/reconstructions|images/);
    const ofImages = modelCard({ ...table, data: { ...table.data, shape: [1, 28, 28] } }, "test");
    expect(ofImages.intendedUse).toContain("the worst reconstructions above");
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
