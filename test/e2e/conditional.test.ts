import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parseNpy } from "../../src/data/npy.ts";
import { newFolder, reparam } from "./command.ts";
import { writePhotos, writeTable } from "./own-data.ts";
import { expectMistake, fingerprint, small } from "./small-run.ts";

const folder = newFolder();
const at = { cwd: folder };

/** The command, which must end well: what it said. */
async function done(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await reparam(args, at);
  expect(code, stderr).toBe(0);
  return stdout;
}

/** The mean of each channel of each image: [n][3] */
function colours(file: string): readonly (readonly number[])[] {
  const { data, shape } = parseNpy(readFileSync(join(folder, file)), file);
  const pixels = shape[2] * shape[3];
  const mean = (from: number): number => data.subarray(from, from + pixels).reduce((sum, x) => sum + x, 0) / pixels;
  return Array.from({ length: shape[0] }, (_, i) => [0, 1, 2].map((channel) => mean((3 * i + channel) * pixels)));
}

const columns = (file: string): readonly (readonly string[])[] => {
  const [names, ...rows] = readFileSync(join(folder, file), "utf8").trim().split(/\r?\n/);
  const cells = rows.map((row) => row.split(","));
  return names.split(",").map((name, j) => [name, ...cells.map((row) => row[j])]);
};

const train = ["train", ...small, "--validation", "0.2"] as const;

beforeAll(async () => {
  await writePhotos(folder);
  writeTable(folder);
  const photos = ["photos", "--size", "8", "--condition", "label", "--learning-rate", "0.01"];
  await Promise.all([
    done(
      ...train,
      ...photos,
      "--steps",
      "200",
      "--likelihood",
      "logistic",
      "--encoder",
      "mlp 32",
      "--out",
      "photo-run",
    ),
    done(...train, "table.csv", "--condition", "site,height", "--steps", "40", "--out", "table-run"),
  ]);
}, 60_000);

describe("a model of photos that is given their class", () => {
  it("makes what is asked for: bars are red, discs are blue", async () => {
    const told = await done("sample", "photo-run", "--class", "bars", "--count", "6", "--out", "bars.npy");
    expect(told).toBe("bars.npy  6 means of p(x|z), given label = bars, z from the prior, seed 0\n");
    await done("sample", "photo-run", "--class", "1", "--count", "6", "--out", "discs.npy");
    const each = await done("sample", "photo-run", "--count", "6", "--out", "each.npy");
    expect(each).toContain("given each label in turn, ");
    const [bars, discs, mixed] = ["bars.npy", "discs.npy", "each.npy"].map(colours);
    for (const [red, , blue] of bars) expect(red).toBeGreaterThan(blue);
    for (const [i, [red, , blue]] of discs.entries()) expect(red - blue).toBeLessThan(bars[i][0] - bars[i][2]);
    expect(mixed).toEqual(bars.map((bar, i) => (i % 2 === 0 ? bar : discs[i])));
  });

  it("decodes codes by what stands beside them, and by another class where one is named", async () => {
    await done("encode", "photo-run", "--split", "train", "--limit", "4", "--out", "codes.csv");
    expect(columns("codes.csv")[1]).toEqual(["label", "bars", "bars", "bars", "bars"]);
    await done("decode", "photo-run", "codes.csv", "--out", "own.npy");
    await done("reconstruct", "photo-run", "--split", "train", "--limit", "4", "--out", "rebuilt.npy");
    await done("decode", "photo-run", "codes.csv", "--class", "discs", "--out", "other.npy");
    const [own, rebuilt, other] = ["own.npy", "rebuilt.npy", "other.npy"].map(colours);
    // The codes went through nine digits of text.
    for (const [i, row] of own.flat().entries()) expect(Math.abs(row - rebuilt.flat()[i])).toBeLessThan(0.01);
    for (const [i, [red, , blue]] of other.entries()) expect(red - blue).toBeLessThan(own[i][0] - own[i][2]);
  });

  it("asks for the class of new photos, and takes it from their folders", async () => {
    const [bare, named, told, unknown] = await Promise.all([
      reparam(["reconstruct", "photo-run", "photos/discs", "--out", "a.npy"], at),
      reparam(["reconstruct", "photo-run", "photos/discs", "--class", "discs", "--out", "b.npy"], at),
      reparam(["score", "photo-run", "photos", "--json"], at),
      reparam(["sample", "photo-run", "--class", "disks", "--out", "c.npy"], at),
    ]);
    expectMistake(
      bare,
      /^photos\/discs: this model is given "label" \("bars", "discs"\), which is not said here; .*--given/,
    );
    expect([named.code, told.code], named.stderr + told.stderr).toEqual([0, 0]);
    expectMistake(unknown, /^label: this model knows "bars", "discs", and not "disks"; did you mean "discs"\?$/);
  });

  it("is made again to the same bits", async () => {
    await done("train", "--config", "photo-run/config.json", "--steps", "20", "--out", "short");
    await done("train", "--config", "short/config.json", "--out", "again");
    expect(fingerprint(join(folder, "again"))).toEqual(fingerprint(join(folder, "short")));
  });
});

describe("a model of a table that is given columns", () => {
  it("models the others, and writes what it gave beside its samples", async () => {
    const told = await done("sample", "table-run", "--given", "height=180", "--count", "40", "--out", "rows.csv");
    expect(told).toContain("given site drawn by its shares in training, height = 180, ");
    const [site, height, ...modelled] = columns("rows.csv");
    expect(modelled.map(([name]) => name)).toEqual(["income", "share"]);
    expect(site[0]).toBe("site");
    expect(new Set(site.slice(1))).toEqual(new Set(["north", "south"]));
    expect(new Set(height.slice(1))).toEqual(new Set(["180"]));
  });

  it("reads new tables alike, and says what they lack", async () => {
    const write = (name: string, ...lines: readonly string[]): void =>
      writeFileSync(join(folder, name), `${lines.join("\n")}\n`);
    write("whole.csv", "share,site,height,income", "0.004,south,170,50000", "0.005,south,165,40000");
    write("lacking.csv", "share,site,income", "0.004,south,50000", "0.005,south,40000");
    write("strange.csv", "share,site,height,income", "0.004,east,170,50000", "0.005,south,165,40000");
    const score = (file: string, ...more: readonly string[]) =>
      reparam(["score", "table-run", file, "--json", "--seed", "3", ...more], at);
    const [whole, lacking, told, strange] = await Promise.all([
      score("whole.csv"),
      score("lacking.csv"),
      score("lacking.csv", "--given", "height=170"),
      score("strange.csv"),
    ]);
    expectMistake(
      lacking,
      /^lacking\.csv: this model is given "height", which is not said here; .*--given height=\d+$/,
    );
    expectMistake(strange, /^strange\.csv: site: this model knows "north", "south", and not "east"/);
    const first = ({ stdout }: { readonly stdout: string }): unknown => JSON.parse(stdout).scores[0].logLikelihood;
    expect(first(told), told.stderr).toBe(first(whole)); // of the same height
  });

  it("refuses what it cannot give or is not given", async () => {
    const mistakes = await Promise.all([
      reparam(["sample", "table-run", "--class", "north", "--given", "site=south", "--out", "x.csv"], at),
      reparam(["sample", "table-run", "--given", "site", "--out", "x.csv"], at),
      reparam(["train", "table.csv", "--condition", "regio"], at),
      reparam(["train", "table.csv", "--condition", "label"], at),
      reparam(["train", "photos", "--condition", "age"], at),
    ]);
    const messages = [
      /^class north: this model is given "site", "height"; say them by name, as in site=north,height=\d+$/,
      /^--given: NAME=VALUE with commas between is expected/,
      /^table\.csv: --condition: expected a column of the table, got "regio"; did you mean "site"\?/,
      /^table\.csv: --condition: expected a column of the table, got "label"/,
      /^--condition age: columns are for a table, and photos is a folder of images; its classes are "label"$/,
    ];
    for (const [i, mistake] of mistakes.entries()) expectMistake(mistake, messages[i]);
  });
});
