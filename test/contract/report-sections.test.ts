import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { gapsPicture } from "../../src/report/gaps.ts";
import { gradientPicture } from "../../src/report/gradient-noise.ts";
import { type ReportInput, renderReport } from "../../src/report/report.ts";
import { style } from "../../src/report/style.ts";
import { svgFile } from "../../src/report/svg-file.ts";
import { trustOf } from "../../src/report/trust.ts";
import { greyReport, photoReport, tableReport } from "./report-input.ts";
import { charts, report, shapes, text } from "./report-page.ts";

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

  describe("writes correlations so that they are read on their cells", () => {
    const values = [-1, -0.9, -0.75, -0.64, -0.62, -0.3, 0.1, 0.5, 0.62, 0.64, 0.86, 0.88];
    let drawn: readonly string[];
    beforeAll(async () => {
      drawn = await Promise.all(
        values.map(async (r) => {
          const data = correlated(r);
          const table = { split: "", columns: ["a", "b"], data, samples: data };
          const page = await renderReport({ ...report(), curve: [], latents: [], pictures: [], table });
          return charts(page).at(-1) ?? "";
        }),
      );
    });

    it.each(["light", "dark"])("in %s", (scheme) => {
      const contrasts = drawn.map((chart) => {
        const cells = shapes(chart, "rect");
        const numbers = [...chart.matchAll(/<text[^>]*fill="([^"]*)"[^>]*>[−\d.]+<\/text>/g)].map(
          ([, colour]) => colour,
        );
        expect(cells).toHaveLength(4);
        expect(numbers).toHaveLength(4);
        return Math.min(...cells.map((cell, i) => contrastOn(cell, numbers[i], coloursIn(scheme))));
      });
      expect(Math.min(...contrasts)).toBeGreaterThan(3.6); // two colours cannot give 4.5 on every blue
    });
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
