import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LikelihoodEstimate } from "../../src/evaluation/likelihood.ts";
import { summarise } from "../../src/evaluation/summary.ts";
import { renderReport } from "../../src/report/report.ts";
import { leftOut, openChromium } from "./browser/chromium.ts";

const at = (value: number) => ({ value, error: 2.3871 });
const estimate: LikelihoodEstimate = {
  examples: 1000,
  samples: 200,
  elbo: at(-240.4958),
  reconstruction: at(-226.431),
  rate: at(14.065),
  logLikelihood: at(-237.5876),
  effectiveSamples: 13.48,
  rates: [2.5, 0.001],
  perExample: {
    elbo: new Float64Array(),
    reconstruction: new Float64Array(),
    rate: new Float64Array(),
    logLikelihood: new Float64Array(),
  },
};
const bound = { elbo: -240.5, reconstruction: -226.4, rate: 14.07 };
const picture = { width: 28, height: 28, channels: 1 as const, data: new Uint8Array(784).map((_, i) => i % 256) };

let browser: Browser | undefined;
let folder = "";
beforeAll(async () => {
  browser = await openChromium();
  folder = mkdtempSync(join(tmpdir(), "report-page-"));
  const page = await renderReport({
    title: "a-run-with-a-rather-long-name-1",
    sentence:
      "A variational autoencoder with 16 latents and 968,816 parameters; likelihood: Bernoulli, stochastic binarisation.",
    numbers: summarise(estimate, {
      likelihood: "Bernoulli, stochastic binarisation",
      split: "test split",
      dimensions: 784,
      latents: 16,
      active: 11,
    }),
    curve: [1, 2, 3].map((epoch) => ({
      step: epoch,
      epoch,
      train: bound,
      validation: bound,
      learningRate: 1e-3,
      klWeight: 1,
    })),
    pictures: [{ title: "Samples", caption: "Ten.", alt: "ten images", rows: [new Array(10).fill(picture)] }],
    latents: [2.5, 0.001].map((rate) => ({ rate, active: rate > 1 })),
    config: { data: "a/rather/long/path/to/some/images-idx3-ubyte.gz", checksum: `sha256:${"0".repeat(64)}` },
    notes: ["One."],
  });
  writeFileSync(join(folder, "report.html"), page);
});
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("the report in a browser", () => {
  it.for([390, 900, 1400])("fits a window %d pixels wide, and asks for nothing else", async (width, { skip }) => {
    if (!browser) return skip(leftOut);
    const page = await browser.newPage({ viewport: { width, height: 800 } });
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.goto(pathToFileURL(join(folder, "report.html")).href);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    expect(asked.slice(1).filter((url) => !url.startsWith("data:"))).toEqual([]);
    await page.close();
  });
});
