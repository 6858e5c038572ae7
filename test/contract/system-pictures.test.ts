import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { colour, svgFile } from "../../src/report/svg-file.ts";
import { systemRows } from "../../src/systems/rows/index.ts";

/* The pictures of docs/systems.md as they are committed, and how one is made. */
const docs = new URL("../../docs/", import.meta.url);
const folder = new URL("pictures/systems/", docs);
const files = readdirSync(folder).toSorted();
const page = readFileSync(new URL("systems.md", docs), "utf8");

/** What a picture may weigh: a page has several. */
const MOST = 60_000;

describe.each(files)("%s", (file) => {
  const svg = readFileSync(new URL(file, folder), "utf8");

  it("belongs to a row that draws, and is shown on the page", () => {
    const row = systemRows.find(({ row }) => file.startsWith(`row-${String(row).padStart(2, "0")}-`));
    expect(row?.pictures).toBeDefined();
    expect(page).toContain(`](pictures/systems/${file})`);
  });

  it("is small, and stands by itself", () => {
    expect(svg.length).toBeLessThan(MOST);
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" viewBox="[-\d. ]+" width="\d+" height="\d+"/);
    expect(svg.match(/https?:\/\/[^"]+/g)).toEqual(["http://www.w3.org/2000/svg"]);
    expect(svg).toMatch(/<title>[^<]{40,}<\/title>/);
  });

  it("has a light ground of its own and fixed colours, so that a dark page does not swallow it", () => {
    expect(svg).toContain(`fill="${colour("paper")}"`);
    expect(svg).not.toContain("var(");
    expect(svg).not.toContain("undefined");
    expect(svg).not.toContain("NaN");
  });
});

it("every row that draws has its pictures in the folder", () => {
  for (const { row, pictures } of systemRows) {
    const its = files.filter((file) => file.startsWith(`row-${String(row).padStart(2, "0")}-`));
    expect(its.length > 0, `row ${row}`).toBe(pictures !== undefined);
  }
});

it("a picture is an SVG of its drawing's size, its caption as the title, escaped", async () => {
  const spec = {
    width: 100,
    height: 50,
    data: { values: [{ a: 1 }, { a: 2 }] },
    mark: "point" as const,
    encoding: { x: { field: "a", type: "quantitative" as const } },
  };
  const svg = await svgFile({ caption: "two points, 1 < 2", spec });
  expect(svg).toContain("<title>two points, 1 &lt; 2</title>");
  expect(svg).not.toContain("var(");
  expect(svg.endsWith("</g></svg>\n")).toBe(true);
});

it("a colour that the report does not have is refused", () => {
  expect(() => colour("mauve")).toThrow("no colour mauve");
});
