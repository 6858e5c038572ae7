/** The page of a comparison in a browser: it fits phone, tablet and screen, light and dark, and asks for nothing. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { renderComparison } from "../../src/report/comparison.ts";
import { leftOut, openChromium } from "../e2e/browser/chromium.ts";
import { inventedComparison } from "./comparison-input.ts";

let browser: Browser | undefined;
const folder = mkdtempSync(join(tmpdir(), "comparison-page-"));
beforeAll(async () => {
  browser = await openChromium();
  writeFileSync(join(folder, "page.html"), await renderComparison(inventedComparison()));
});
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

const cases = [390, 900, 1400].flatMap((width) => (["light", "dark"] as const).map((scheme) => ({ width, scheme })));

it.for(cases)("fits a window $width pixels wide, $scheme", async ({ width, scheme }, { skip }) => {
  if (!browser) return skip(leftOut);
  const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme: scheme });
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(pathToFileURL(join(folder, "page.html")).href);
  const seen = await page.evaluate(() => {
    const paper = getComputedStyle(document.body).backgroundColor;
    const boxes = [...document.querySelectorAll("main > *, figure > *, .panels > *")].filter(
      (one) => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1,
    );
    const charts = [...document.querySelectorAll("svg[role=img]")];
    const texts = charts.flatMap((svg) => {
      const frame = svg.getBoundingClientRect();
      return [...svg.querySelectorAll("text")].filter((text) => {
        const { left, right, bottom } = text.getBoundingClientRect();
        return left < frame.left - 1 || right > frame.right + 1 || bottom > frame.bottom + 1;
      });
    });
    const unseen = charts.filter((svg) => {
      const marks = [...svg.querySelectorAll("g[class*='role-mark'] path")];
      return !marks.some((mark) => ![paper, "none"].includes(getComputedStyle(mark).fill));
    });
    // Numbers of one row stand on one line, and each cell holds all of its text.
    const broken = [...document.querySelectorAll(".compared td, .compared th")].filter(
      (cell) => cell.scrollWidth > cell.clientWidth + 1,
    );
    return {
      width: document.documentElement.scrollWidth,
      beyond: boxes.map((one) => one.outerHTML.slice(0, 80)),
      cut: texts.map((text) => text.textContent),
      charts: charts.length,
      unseen: unseen.length,
      broken: broken.map((cell) => cell.textContent),
      blank: [...document.images].filter((image) => image.naturalWidth === 0).length,
    };
  });
  expect(seen).toEqual({ width, beyond: [], cut: [], charts: 5, unseen: 0, broken: [], blank: 0 });
  expect(asked.slice(1).filter((url) => !url.startsWith("data:"))).toEqual([]);
  await page.close();
});
