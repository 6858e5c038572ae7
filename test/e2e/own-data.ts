/** Data as they lie on a user's disk: a folder of images in two sub-folders, and a table of mixed scales. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { expect } from "vitest";
import { parseNpy } from "../../src/data/npy.ts";
import { stream } from "../../src/random/stream.ts";
import type { NdArray } from "../../src/tensor/ndarray.ts";
import { type Command, type Ended, reparam } from "./command.ts";
import { small } from "./small-run.ts";

const PER_CLASS = 30;
const ROWS = 120;
/** How wide the photos are made by `trainOwn`. */
export const SIDE = 16;
export const PIXELS = 3 * SIDE * SIDE;
/** The table's columns of numbers, and within what they lie. */
export const RANGES = { height: [150, 200], income: [20_000, 90_000], share: [0.001, 0.02] } as const;
const TRAINING = [...small, "--steps", "60"] as const;

/** Writes photos/bars and photos/discs, 30 images each of sizes around 20×20. */
export async function writePhotos(folder: string): Promise<void> {
  for (const kind of ["bars", "discs"]) {
    mkdirSync(join(folder, "photos", kind), { recursive: true });
    for (let i = 0; i < PER_CLASS; i++) {
      const [width, height] = [18 + (i % 5), 18 + (i % 7)];
      const shape =
        kind === "bars"
          ? `<rect x="${(3 * i) % 12}" width="6" height="100%" fill="rgb(${200 - i},${60 + 3 * i},40)"/>`
          : `<circle cx="${6 + (i % 6)}" cy="9" r="${4 + (i % 4)}" fill="rgb(40,${60 + 3 * i},${200 - i})"/>`;
      const ground = `<rect width="100%" height="100%" fill="rgb(230,230,${200 + i})"/>`;
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${ground}${shape}</svg>`;
      await sharp(Buffer.from(svg))
        .flatten()
        .png()
        .toFile(join(folder, "photos", kind, `${kind}-${String(i).padStart(2, "0")}.png`));
    }
  }
}

/** An image file of pixels that nothing but chance decides. */
export async function writeNoise(file: string, side = 20): Promise<void> {
  const uniforms = new Float32Array(3 * side * side);
  stream(7, "noise image").fillUniform(uniforms, 0, uniforms.length);
  const pixels = Uint8Array.from(uniforms, (u) => 256 * u);
  await sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toFile(file);
}

/** Writes table.csv: three columns of numbers of different scales, a column of text and one of labels. */
export function writeTable(folder: string): void {
  const uniforms = new Float32Array(4 * ROWS);
  stream(7, "table").fillUniform(uniforms, 0, uniforms.length);
  const rows = Array.from({ length: ROWS }, (_, i) => {
    const [a, b, c, d] = uniforms.subarray(4 * i, 4 * i + 4);
    const group = d < 0.5 ? "short" : "tall";
    const height = 155 + 20 * a + (group === "tall" ? 20 : 0);
    const income = 20_000 + 40_000 * a + 30_000 * b;
    return [height.toFixed(1), group, ["north", "south"][i % 2], income.toFixed(0), (0.002 + 0.015 * c).toFixed(5)];
  });
  const lines = [["height", "group", "site", "income", "share"], ...rows].map((row) => row.join(","));
  writeFileSync(join(folder, "table.csv"), `${lines.join("\n")}\n`);
}

/** Trains a small model on photos or table.csv, by a command or in a folder. */
export async function trainOwn(
  data: "photos" | "table.csv",
  out: string,
  by: Command | string,
  ...more: readonly string[]
): Promise<Ended> {
  const reading = data === "photos" ? ["--size", String(SIDE)] : ["--label", "group"];
  const args = ["train", data, ...TRAINING, ...reading, "--out", out, ...more];
  const ended = await (typeof by === "function" ? by(args) : reparam(args, { cwd: by }));
  expect(ended.code, ended.stderr).toBe(0);
  return ended;
}

export function readNpy(file: string): NdArray {
  return parseNpy(readFileSync(file), file);
}

/** A CSV file of ours, without quotes, as columns of text by name. */
export function readColumns(file: string): Readonly<Record<string, readonly string[]>> {
  const [names, ...rows] = readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => line.split(","));
  return Object.fromEntries(names.map((name, j) => [name, rows.map((row) => row[j])]));
}

/** The columns as rows of float32 numbers, one row after another. */
export function numbersIn(
  columns: Readonly<Record<string, readonly unknown[]>>,
  names: readonly string[],
): Float32Array {
  const length = columns[names[0]].length;
  return Float32Array.from({ length: length * names.length }, (_, i) =>
    Number(columns[names[i % names.length]][Math.floor(i / names.length)]),
  );
}

/** That a picture is no single colour: how far its pixels are from their mean. */
export async function expectPicture(file: string, width: number, height: number): Promise<void> {
  const found = await sharp(file).metadata();
  expect([found.format, found.width, found.height], file).toEqual(["png", width, height]);
  const { channels } = await sharp(file).flatten({ background: "white" }).stats();
  expect(Math.max(...channels.map(({ stdev }) => stdev)), file).toBeGreaterThan(1);
}
