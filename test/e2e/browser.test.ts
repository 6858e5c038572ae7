/** The built package in a browser: an app made by a bundler trains in a module Worker and agrees with Node. */
import { mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Browser, Page } from "playwright-core";
import { openEngine } from "reparam";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { embeddedFashion } from "../../src/data/fashion.ts";
import { relativeDistance } from "../golden/arrays.ts";
import { type Bundle, bundle } from "./browser/bundle.ts";
import { leftOut, openChromium } from "./browser/chromium.ts";
import { IMAGES, STEPS, type Trained, trainTwentySteps } from "./browser/program.ts";
import { originOf, serve } from "./browser/serve.ts";

// The project's bar. The native build adds in another order (4e-6 was seen, and 0 against the same Wasm in Node), and Adam
// divides by √v, which makes small gradients' rounding large.
const CLOSE = 1e-4;

describe("the package in an app", () => {
  const folder = mkdtempSync(join(tmpdir(), "reparam-browser-"));
  let app: Bundle;
  let images: Uint8Array;
  let server: Server;
  let origin: string;
  let browser: Browser | undefined;

  beforeAll(async () => {
    app = await bundle(".", folder);
    images = await firstImages();
    server = await serve(folder, { "/images": images });
    origin = originOf(server);
    browser = await openChromium();
  });
  afterAll(async () => {
    await browser?.close();
    server.close();
    rmSync(folder, { recursive: true });
  });

  it("is the built package, without anything of Node's", () => {
    const theirs = [...app.modules].filter(([id]) => id.includes("onnxruntime-web"));
    const ours = [...app.modules].filter(([id]) => !id.includes("onnxruntime-web"));
    expect(ours.map(([id]) => id)).toContainEqual(expect.stringMatching(/dist.runtime.engine-web\.js$/));
    for (const [id, code] of ours) {
      expect(id).not.toMatch(/__vite-browser-external/); // what Vite puts in the place of Node's modules
      expect(code, id).not.toMatch(/["'`]node:/);
    }
    const weigh = (codes: readonly string[]): string => `${(gzipSync(codes.join("")).length / 1000).toFixed(1)} kB`;
    const runtime = weigh(theirs.map(([, code]) => code));
    console.log(`the app's scripts: ${weigh([...app.scripts.values()])} gzipped, ${runtime} of it ONNX Runtime's`);
  });

  it("trains in Chromium as in Node, and asks nobody but its own server for anything", async ({ skip }) => {
    if (!browser) return skip(leftOut);
    const page = await browser.newPage();
    const requests: string[] = [];
    page.on("request", (request) => requests.push(request.url()));
    const inBrowser = await trainInPage(page, origin);
    expect(inBrowser.losses).toHaveLength(STEPS);
    for (const options of [{}, { engine: "wasm" }] as const) {
      const engine = await openEngine(options);
      const inNode = await trainTwentySteps(engine, images);
      expect(relativeDistance(inBrowser.losses, inNode.losses), engine.name).toBeLessThan(CLOSE);
      expect(Object.keys(inBrowser.updates)).toEqual(Object.keys(inNode.updates));
      for (const [parameter, update] of Object.entries(inNode.updates)) {
        expect(relativeDistance(inBrowser.updates[parameter], update), `${engine.name}: ${parameter}`).toBeLessThan(
          CLOSE,
        );
      }
    }
    expect(requests).toContainEqual(expect.stringMatching(/\.wasm$/));
    for (const url of requests) expect(url.startsWith(`${origin}/`) || url.startsWith("data:"), url).toBe(true);
  }, 120_000);
});

/** Loads the page and waits for what its worker sends, or for its error. */
async function trainInPage(page: Page, origin: string): Promise<Trained> {
  const failure = new Promise<never>((_, reject) => {
    page.on("pageerror", reject);
    page.on("crash", () => reject(new Error("the page crashed")));
  });
  await page.goto(origin);
  const trained = page.waitForFunction(() => Reflect.get(window, "trained"), undefined, { timeout: 60_000 });
  return (await Promise.race([trained, failure])).jsonValue();
}

/** The first embedded training images, as their bytes. */
async function firstImages(): Promise<Uint8Array> {
  const { train } = await embeddedFashion();
  const bytes = new Uint8Array(IMAGES * 28 * 28);
  train.read(
    Uint32Array.from({ length: IMAGES }, (_, i) => i),
    bytes,
  );
  return bytes;
}
