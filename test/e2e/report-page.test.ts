import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { renderReport } from "../../src/report/report.ts";
import { greyReport, photoReport, tableReport } from "../contract/report-input.ts";
import { leftOut, openChromium } from "./browser/chromium.ts";

const reports = { grey: greyReport, photo: photoReport, table: tableReport };
type Name = keyof typeof reports;
const names: readonly Name[] = ["grey", "photo", "table"];

let browser: Browser | undefined;
let folder = "";
beforeAll(async () => {
  browser = await openChromium();
  folder = mkdtempSync(join(tmpdir(), "report-page-"));
  for (const name of names) writeFileSync(join(folder, `${name}.html`), await renderReport(reports[name]()));
});
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Opened {
  readonly page: Page;
  /** Every address that the page asked for. */
  readonly asked: readonly string[];
}

async function open(
  from: Browser,
  name: Name,
  width: number,
  colorScheme: "light" | "dark" = "light",
): Promise<Opened> {
  const page = await from.newPage({ viewport: { width, height: 800 }, colorScheme });
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  await page.goto(pathToFileURL(join(folder, `${name}.html`)).href);
  return { page, asked };
}

const cases = names.flatMap((name) => [390, 900, 1400].map((width) => ({ name, width })));

describe("the report in a browser", () => {
  it.for(cases)(
    "$name fits a window $width pixels wide, and asks for nothing else",
    async ({ name, width }, { skip }) => {
      if (!browser) return skip(leftOut);
      const { page, asked } = await open(browser, name, width);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
      expect(asked.slice(1).filter((url) => !url.startsWith("data:"))).toEqual([]);
      // Whatever a chart draws lies within it, and no label below an image is cut, but for names of files.
      const cut = await page.evaluate(() => {
        const beyond = [...document.querySelectorAll("svg")].flatMap((svg) => {
          const frame = svg.getBoundingClientRect();
          return [...svg.querySelectorAll("text")]
            .filter((text) => {
              const box = text.getBoundingClientRect();
              return box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1;
            })
            .map((text) => text.textContent);
        });
        const labels = [...document.querySelectorAll(".tiles img + span")];
        return [...beyond, ...labels.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.textContent)];
      });
      expect(cut).toEqual([]);
      await page.close();
    },
  );

  it.for(names)("%s shows every picture: loaded, described and not of one colour", async (name, { skip }) => {
    if (!browser) return skip(leftOut);
    const { page } = await open(browser, name, 900);
    const pictures = await page.evaluate(() =>
      [...document.images].map((image) => {
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
        const context = canvas.getContext("2d");
        context?.drawImage(image, 0, 0);
        const pixels = new Uint32Array(context?.getImageData(0, 0, canvas.width, canvas.height).data.buffer ?? []);
        return {
          loaded: image.naturalWidth > 0,
          described: image.alt.length > 10,
          varied: pixels.some((pixel) => pixel !== pixels[0]),
          shown: image.getBoundingClientRect().width >= 20,
        };
      }),
    );
    expect(pictures.length > 0).toBe(name !== "table");
    expect(pictures).toEqual(pictures.map(() => ({ loaded: true, described: true, varied: true, shown: true })));
    await page.close();
  });

  it.for(["light", "dark"] as const)("draws every chart so that it is seen, in %s", async (scheme, { skip }) => {
    if (!browser) return skip(leftOut);
    for (const name of names) {
      const { page } = await open(browser, name, 900, scheme);
      const charts = await page.evaluate(() => {
        const paper = getComputedStyle(document.body).backgroundColor;
        return [...document.querySelectorAll("svg[role=img]")].map((svg) => {
          const marks = [...svg.querySelectorAll("g[class*='role-mark'] path")].filter((mark) => {
            const { fill, stroke } = getComputedStyle(mark);
            const { width, height } = mark.getBoundingClientRect();
            return width + height > 2 && [fill, stroke].some((colour) => colour !== "none" && colour !== paper);
          });
          return { alt: svg.getAttribute("aria-label") ?? "", marks: marks.length };
        });
      });
      expect(charts.length).toBeGreaterThan(5);
      expect(charts.filter(({ alt, marks }) => alt.length < 20 || marks === 0)).toEqual([]);
      await page.close();
    }
  });
});
