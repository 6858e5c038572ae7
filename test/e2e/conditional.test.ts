import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parseNpy } from "../../src/data/npy.ts";
import { load } from "../../src/trained/load.ts";
import { newFolder } from "./command.ts";
import { oneProcess } from "./one-process.ts";
import { writePhotos, writeTable } from "./own-data.ts";
import { expectMistake, fingerprint, small } from "./small-run.ts";

const folder = newFolder();
const reparam = oneProcess({ cwd: folder });

/** The command, which must end well: what it said. */
async function done(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await reparam(args);
  expect(code, stderr).toBe(0);
  return stdout;
}

/** The mean of each channel of each image: [n][3] */
function colours(file: string): readonly (readonly number[])[] {
  const { data, shape } = parseNpy(readFileSync(join(folder, file)), file);
  const pixels = shape[2] * shape[3];
  const mean = (from: number): number =>
    Array.from(data.subarray(from, from + pixels)).reduce((a, b) => a + b) / pixels;
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
      "150",
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

  it("asks for the class of new photos", async () => {
    const [bare, named] = await Promise.all([
      reparam(["reconstruct", "photo-run", "photos/discs/discs-00.png", "--out", "a.npy"]),
      reparam(["reconstruct", "photo-run", "photos/discs/discs-00.png", "--class", "discs", "--out", "b.npy"]),
    ]);
    expectMistake(
      bare,
      /: this model is given "label" \("bars", "discs"\), which is not said here; .*--given label=bars$/,
    );
    expect(named.code, named.stderr).toBe(0);
  });

  it("takes in code what the command takes", async () => {
    const model = await load(join(folder, "photo-run"));
    const { data: bars } = await model.sample(2, { class: "bars" });
    expect(await model.sample(2, { condition: { label: ["bars", 1] } })).not.toEqual({
      data: bars,
      shape: [2, 3, 8, 8],
    });
    const examples = { data: Uint8Array.from(bars), shape: [2, 3, 8, 8] };
    const codes = await model.encode(examples, { condition: { label: ["bars", "discs"] } });
    expect(codes.mean.shape).toEqual([2, 2]);
    const missing = /^the examples: this model is given "label" .*, which is not said here/;
    await expect(model.encode(examples)).rejects.toThrow(missing);
    await expect(model.decode([[0, 0]])).rejects.toThrow(/^the latents: this model is given "label" /);
    const own = await model.score(examples, { class: 0, seed: 1 });
    expect(Array.from(own.logLikelihood).every(Number.isFinite)).toBe(true);
    await model.release();
  });

  it("is made again to the same bits", async () => {
    await done("train", "--config", "photo-run/config.json", "--out", "again");
    expect(fingerprint(join(folder, "again"))).toEqual(fingerprint(join(folder, "photo-run")));
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
    const score = (file: string, ...more: readonly string[]) =>
      reparam(["score", "table-run", file, "--json", "--seed", "3", ...more]);
    const [whole, lacking, told] = await Promise.all([
      score("whole.csv"),
      score("lacking.csv"),
      score("lacking.csv", "--given", "height=170"),
    ]);
    expectMistake(
      lacking,
      /^lacking\.csv: this model is given "height", which is not said here; .*--given height=\d+$/,
    );
    const first = ({ stdout }: { readonly stdout: string }): unknown => JSON.parse(stdout).scores[0].logLikelihood;
    expect(first(told), told.stderr).toBe(first(whole)); // of the same height
  });
});

it("a condition that the data do not have is refused before anything is written", async () => {
  expectMistake(
    await reparam(["train", "photos", "--condition", "age"]),
    /^--condition age: columns are for a table, and photos is a folder of images; its classes are "label"$/,
  );
});
