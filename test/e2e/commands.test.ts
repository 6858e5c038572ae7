/** The commands on a run, as a user gives them: what they write can be read by others, and fits together. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { newFolder } from "./command.ts";
import { oneProcess } from "./one-process.ts";
import {
  expectPicture,
  numbersIn,
  PIXELS,
  RANGES,
  readColumns,
  readNpy,
  SIDE,
  trainOwn,
  writePhotos,
  writeTable,
} from "./own-data.ts";
import { contents } from "./small-run.ts";

const cwd = newFolder();
const reparam = oneProcess({ cwd });
const at = (...names: readonly string[]): string => join(cwd, ...names);
const HELD_OUT = 6; // a tenth of 60 photos
const columns = Object.keys(RANGES);

/** Runs a command that must succeed; what it printed. */
async function succeed(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await reparam(args);
  expect(code, stderr).toBe(0);
  return stdout;
}

/** The side of a grid's picture of so many images, with the gap of a pixel between them. */
const gridSide = (images: number): number => images * (SIDE + 1) - 1;

/** Float32 of up to 255 computed in batches of other sizes: the bar is the project's, 1e-5, relative to the range. */
function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, range = 255): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < actual.length; i++) expect(Math.abs(actual[i] - expected[i]) / range).toBeLessThan(1e-5);
}

beforeAll(async () => {
  await writePhotos(cwd);
  writeTable(cwd);
  await trainOwn("photos", "runs/photos", reparam);
  await trainOwn("table.csv", "runs/table", reparam, "--steps", "600", "--learning-rate", "0.01", "--warmup", "0");
});

describe("sample", () => {
  it("images: a grid, a folder and numbers of the same samples", async () => {
    const said = await succeed("sample", "runs/photos", "--count", "4", "--out", "four.png");
    expect(said).toBe("four.png  4 means of p(x|z), z from the prior, seed 0\n");
    await expectPicture(at("four.png"), gridSide(2), gridSide(2));

    await succeed("sample", "runs/photos", "--count", "4", "--out", "four.npy");
    const { data, shape } = readNpy(at("four.npy"));
    expect(shape).toEqual([4, 3, SIDE, SIDE]);

    await succeed("sample", "runs/photos", "--count", "4", "--out", "four");
    expect(readdirSync(at("four"))).toEqual(["0.png", "1.png", "2.png", "3.png"]);
    await expectPicture(at("four/3.png"), SIDE, SIDE);
    const pixels = await sharp(at("four/3.png")).raw().toBuffer();
    // [h, w, c] bytes of [c, h, w] numbers.
    expect(pixels[3 * SIDE + 1]).toBe(Math.round(Number(data[3 * PIXELS + SIDE * SIDE + SIDE])));

    const names = Array.from({ length: PIXELS }, (_, j) => `x${j}`);
    await succeed("sample", "runs/photos", "--count", "4", "--out", "four.csv");
    expect(numbersIn(readColumns(at("four.csv")), names)).toEqual(data);
    await succeed("sample", "runs/photos", "--count", "4", "--out", "four.json");
    const rows: readonly Record<string, number>[] = JSON.parse(readFileSync(at("four.json"), "utf8"));
    expect(Float32Array.from(rows.flatMap((row) => names.map((name) => row[name])))).toEqual(data);
  });

  it("equal seeds give equal bytes, others others; the first of more are the same", async () => {
    for (const [out, ...flags] of [
      ["a.npy", "--seed", "5"],
      ["b.npy", "--seed", "5"],
      ["c.npy", "--seed", "6"],
      ["more.npy", "--seed", "5", "--count", "200"],
    ]) {
      await succeed("sample", "runs/photos", "--count", "8", ...flags, "--out", out);
    }
    expect(readFileSync(at("a.npy"))).toEqual(readFileSync(at("b.npy")));
    expect(readFileSync(at("a.npy"))).not.toEqual(readFileSync(at("c.npy")));
    expectClose(readNpy(at("more.npy")).data.slice(0, 8 * PIXELS), readNpy(at("a.npy")).data);
  });

  it("--draw draws from p(x|z), --mean is its mean; images are means and tables draws unless told otherwise", async () => {
    for (const flag of ["--draw", "--mean"]) {
      await succeed("sample", "runs/photos", "--count", "8", flag, "--out", `photos${flag}.npy`);
      await succeed("sample", "runs/table", "--count", "8", flag, "--out", `table${flag}.csv`);
    }
    await succeed("sample", "runs/photos", "--count", "8", "--out", "photos.npy");
    expect(await succeed("sample", "runs/table", "--count", "8", "--json")).toBe(
      '{"out":"samples.csv","count":8,"what":"8 draws from p(x|z), z from the prior, seed 0"}\n',
    );
    const isByte = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 255;
    expect(Array.from(readNpy(at("photos--draw.npy")).data).every(isByte)).toBe(true);
    expect(Array.from(readNpy(at("photos--mean.npy")).data).every(isByte)).toBe(false);
    expect(readFileSync(at("photos.npy"))).toEqual(readFileSync(at("photos--mean.npy")));
    expect(readFileSync(at("samples.csv"))).toEqual(readFileSync(at("table--draw.csv")));
    expect(readFileSync(at("samples.csv"))).not.toEqual(readFileSync(at("table--mean.csv")));
  });

  it("tables come in the data's own columns and units", async () => {
    await succeed("sample", "runs/table", "--count", "50", "--mean", "--out", "rows.csv");
    const found = readColumns(at("rows.csv"));
    expect(Object.keys(found)).toEqual(columns);
    for (const [name, [low, high]] of Object.entries(RANGES)) {
      const values = found[name].map(Number);
      const mean = values.reduce((a, b) => a + b, 0) / 50;
      expect(mean, name).toBeGreaterThan(low);
      expect(mean, name).toBeLessThan(high);
    }
    await succeed("sample", "runs/table", "--count", "50", "--mean", "--out", "rows.npy");
    expect(numbersIn(found, columns)).toEqual(readNpy(at("rows.npy")).data);
  });
});

describe("encode, decode and reconstruct", () => {
  it("codes are told by source and label, and decode to the reconstructions, whatever they are written as", async () => {
    await succeed("encode", "runs/photos", "photos", "--out", "codes.csv");
    const codes = readColumns(at("codes.csv"));
    expect(Object.keys(codes)).toEqual(["source", "label", "mean_0", "mean_1", "scale_0", "scale_1"]);
    expect(codes.source).toHaveLength(60);
    expect(codes.source[31]).toBe("discs/discs-01.png");
    expect(codes.label[31]).toBe("discs");
    expect(Math.min(...codes.scale_0.map(Number))).toBeGreaterThan(0);

    await succeed("encode", "runs/photos", "photos", "--out", "codes.npy");
    await succeed("encode", "runs/photos", "photos", "--out", "codes.json");
    expect(readNpy(at("codes.npy"))).toEqual({ data: numbersIn(codes, ["mean_0", "mean_1"]), shape: [60, 2] });

    await succeed("reconstruct", "runs/photos", "photos", "--out", "rebuilt.npy");
    const rebuilt = readNpy(at("rebuilt.npy"));
    expect(rebuilt.shape).toEqual([60, 3, SIDE, SIDE]);
    for (const kind of ["csv", "npy", "json"]) {
      await succeed("decode", "runs/photos", `codes.${kind}`, "--out", `decoded-${kind}.npy`);
      expect(readNpy(at(`decoded-${kind}.npy`))).toEqual(rebuilt);
    }
  });

  it("latents by hand: columns of any name, a constant one and a single row too", async () => {
    writeFileSync(at("hand.csv"), "a,b\n0,0.5\n0,-0.5\n");
    writeFileSync(at("single.csv"), "0,0.5\n");
    writeFileSync(at("hand.json"), "[[0, 0.5], [0, -0.5]]");
    for (const name of ["hand.csv", "hand.json", "single.csv"]) {
      await succeed("decode", "runs/photos", name, "--out", `${name}.npy`);
    }
    const { data, shape } = readNpy(at("hand.csv.npy"));
    expect(shape[0]).toBe(2);
    expect(readNpy(at("hand.json.npy")).data).toEqual(data);
    expectClose(readNpy(at("single.csv.npy")).data, data.slice(0, PIXELS));
  });

  it("a single image is an example too; a folder of images comes back under the names of its files", async () => {
    await succeed("reconstruct", "runs/photos", "photos/bars/bars-03.png", "--out", "one.npy");
    expectClose(readNpy(at("one.npy")).data, readNpy(at("rebuilt.npy")).data.slice(3 * PIXELS, 4 * PIXELS));
    await succeed("reconstruct", "runs/photos", "photos/discs", "--limit", "3", "--out", "discs");
    expect(readdirSync(at("discs"))).toEqual(["discs-00.png", "discs-01.png", "discs-02.png"]);
    await expectPicture(at("discs/discs-02.png"), SIDE, SIDE);
  });

  it("a picture shows originals above reconstructions, all of them", async () => {
    expect(await succeed("reconstruct", "runs/photos", "photos", "--limit", "13", "--out", "pairs.png")).toBe(
      "pairs.png  13 examples of photos, reconstructions below\n",
    );
    await expectPicture(at("pairs.png"), gridSide(10), gridSide(4));
    const pixels = await sharp(at("pairs.png")).flatten({ background: "white" }).raw().toBuffer();
    const grey = await sharp(at("photos/bars/bars-00.png")).resize(SIDE, SIDE, { fit: "cover" }).raw().toBuffer();
    // Its first image is the first original, scaled as it was for training; a pixel near the middle of it.
    const [y, x] = [8, 2];
    for (let c = 0; c < 3; c++) {
      expect(Math.abs(pixels[3 * (y * gridSide(10) + x) + c] - grey[3 * (y * SIDE + x) + c])).toBeLessThan(12);
    }
    await succeed("reconstruct", "runs/photos");
    await expectPicture(at("reconstructions.png"), gridSide(HELD_OUT), gridSide(2));
  });

  it("tables: rows near those that went in, by line and in their units", async () => {
    await succeed("reconstruct", "runs/table", "table.csv", "--out", "rebuilt.csv");
    const rebuilt = readColumns(at("rebuilt.csv"));
    expect(Object.keys(rebuilt)).toEqual(["source", ...columns]);
    expect(rebuilt.source[0]).toBe("line 2");
    const original = readColumns(at("table.csv"));
    for (const [name, [low, high]] of Object.entries(RANGES)) {
      const errors = rebuilt[name].map((text, row) => Math.abs(Number(text) - Number(original[name][row])));
      // Uniform numbers are a quarter of their range from their mean on average, those of two latents less.
      expect(errors.reduce((a, b) => a + b, 0) / 120 / (high - low), name).toBeLessThan(0.25);
    }
    await succeed("encode", "runs/table", "--split", "train", "--out", "train.csv");
    const codes = readColumns(at("train.csv"));
    expect(codes.source).toHaveLength(108);
    expect(new Set(codes.label)).toEqual(new Set(["short", "tall"]));
  });
});

describe("interpolate and traverse", () => {
  it("an interpolation begins and ends with the reconstructions", async () => {
    await succeed("reconstruct", "runs/photos", "--out", "held-out.npy");
    await succeed("interpolate", "runs/photos", "1", "4", "--steps", "5", "--out", "line.npy");
    const { data, shape } = readNpy(at("line.npy"));
    expect(shape).toEqual([5, 3, SIDE, SIDE]);
    const rebuilt = readNpy(at("held-out.npy")).data;
    expectClose(data.slice(0, PIXELS), rebuilt.slice(PIXELS, 2 * PIXELS));
    expectClose(data.slice(4 * PIXELS), rebuilt.slice(4 * PIXELS, 5 * PIXELS));

    const files = ["photos/bars/bars-00.png", "photos/discs/discs-00.png"];
    await succeed("interpolate", "runs/photos", ...files, "--steps", "5");
    await expectPicture(at("interpolation.png"), gridSide(5), gridSide(1));
    await succeed("interpolate", "runs/table", "0", "1", "--steps", "3");
    const rows = readColumns(at("interpolation.csv"));
    expect(Object.keys(rows)).toEqual(["_share", ...columns]); // the table has a share of its own
    expect(rows._share).toEqual(["0", "0.5", "1"]);
  });

  it("a traversal moves one latent in a row, and the middle of each row is where it started", async () => {
    writeFileSync(at("origin.json"), "[[0, 0]]");
    await succeed("decode", "runs/photos", "origin.json", "--out", "origin.npy");
    await succeed("traverse", "runs/photos", "--steps", "5", "--out", "traversal.npy");
    const { data, shape } = readNpy(at("traversal.npy"));
    expect(shape[0]).toBe(2 * 5);
    for (const row of [0, 1]) {
      const middle = (5 * row + 2) * PIXELS;
      expectClose(data.slice(middle, middle + PIXELS), readNpy(at("origin.npy")).data);
    }
    expect(data.slice(0, PIXELS)).not.toEqual(data.slice(2 * PIXELS, 3 * PIXELS));

    await succeed("traverse", "runs/photos", "photos/bars/bars-00.png", "--latents", "1", "--range", "2");
    await expectPicture(at("traversal.png"), gridSide(9), gridSide(1));
    await succeed("traverse", "runs/table", "3", "--latents", "1,0", "--steps", "3");
    const rows = readColumns(at("traversal.csv"));
    expect(Object.keys(rows)).toEqual(["latent", "value", ...columns]);
    expect(rows.latent).toEqual(["1", "1", "1", "0", "0", "0"]);
    expect(rows.value).toEqual(["-3", "0", "3", "-3", "0", "3"]);
  });
});

it("no command has changed the runs", async () => {
  const before = contents(at("runs"));
  await succeed("sample", "runs/photos", "--count", "1", "--out", "last.png");
  await succeed("evaluate", "runs/table", "--samples", "2");
  await succeed("info", "runs/photos");
  expect(contents(at("runs"))).toEqual(before);
  expect(readdirSync(at("runs/photos"))).not.toContain("lock");
});
