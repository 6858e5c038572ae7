/** A user's mistakes with the commands on a run: one line that names the place, exit code 2, and nothing is written. */
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { newFolder } from "./command.ts";
import { oneProcess, refuses } from "./one-process.ts";
import { trainOwn, writePhotos, writeTable } from "./own-data.ts";
import { contents, expectMistake, train, writeData } from "./small-run.ts";

const cwd = newFolder();
const reparam = oneProcess({ cwd });
const at = (...names: readonly string[]): string => join(cwd, ...names);

/** A copy of the table with its lines changed. */
function table(name: string, edit: (line: string, number: number) => string): void {
  const lines = readFileSync(at("table.csv"), "utf8").trimEnd().split("\n");
  writeFileSync(at(name), `${lines.map((line, i) => edit(line, i + 1)).join("\n")}\n`);
}

beforeAll(async () => {
  await writePhotos(cwd);
  writeTable(cwd);
  writeData(cwd);
  await trainOwn("photos", "photos-run", reparam);
  await trainOwn("table.csv", "table-run", reparam);
  await train("bytes-run", reparam, "--steps", "5");
  for (const name of ["empty", "one-image", "corrupt"]) mkdirSync(at(name));
  cpSync(at("photos/bars/bars-00.png"), at("one-image/a.png"));
  cpSync(at("photos/bars"), at("corrupt"), { recursive: true });
  writeFileSync(at("corrupt/bars-07.png"), readFileSync(at("corrupt/bars-07.png")).subarray(0, 60));
  table("no-share.csv", (line) => line.split(",").slice(0, 4).join(","));
  table("ragged.csv", (line, number) => (number === 9 ? `${line},7` : line));
  table("words.csv", (line, number) => (number === 5 ? line.replace(/^[\d.]+/, "high") : line));
  writeFileSync(at("there.png"), "somebody's");
  writeFileSync(at("there.csv"), "somebody's");
  mkdirSync(at("thesis"));
  writeFileSync(at("thesis/chapter.tex"), "years of work");
  writeFileSync(at("latents.json"), "[[0, 0, 0]]");
  writeFileSync(at("strings.json"), '[["a", "b"]]');
  writeFileSync(at("half.json"), "[[0, 0]");
  cpSync(at("photos-run"), at("damaged-run"), { recursive: true });
  for (const name of ["encoder", "decoder", "prior", "density"]) {
    const bytes = readFileSync(at("damaged-run", `${name}.onnx`));
    bytes[Math.floor(bytes.length / 2)] ^= 4;
    writeFileSync(at("damaged-run", `${name}.onnx`), bytes);
  }
});

/** The words after `reparam`, and what is said. */
type Said = readonly [string, RegExp];

function refusesWords(mistakes: readonly Said[]): void {
  refuses(
    cwd,
    reparam,
    mistakes.map(([words, message]) => [words, words.split(" "), message]),
  );
}

describe("options", () => {
  const unknown = (words: string, option: string, meant: string): Said => [
    words,
    new RegExp(`^unknown option '${option}'; did you mean ${meant}\\?$`),
  ];
  refusesWords([
    unknown("train photos --latent 3", "--latent", "--latents"),
    unknown("evaluate photos-run --sample 3", "--sample", "--samples"),
    unknown("report photos-run --jsn", "--jsn", "--json"),
    unknown("info photos-run --jsno", "--jsno", "--json"),
    unknown("sample photos-run --cuont 3", "--cuont", "--count"),
    unknown("reconstruct photos-run --limits 3", "--limits", "--limit"),
    unknown("encode photos-run --outs a.csv", "--outs", "--out"),
    unknown("decode photos-run z.npy --forc", "--forc", "--force"),
    unknown("interpolate photos-run 0 1 --step 3", "--step", "--steps"),
    unknown("traverse photos-run --latent 0", "--latent", "--latents"),
    unknown("score photos-run --quantiles 0.1", "--quantiles", "--quantile"),
    unknown("export photos-run --onyl decode", "--onyl", "--only"),
    unknown("doctor --jon", "--jon", "--json"),
    ["smaple photos-run", /^unknown command 'smaple'; did you mean sample\?$/],
    ["sample photos-run --count 0", /^--count: an integer of 1 or more is expected, got "0"$/],
    ["sample photos-run --count 1e12", /^--count 1000000000000: takes 6,144 TB of memory and .* are free; take fewer/],
    ["sample photos-run --seed -1", /^--seed: an integer of 0 or more is expected, got "-1"$/],
    ["sample photos-run --draw --mean", /^--draw and --mean exclude each other; give one of them$/],
    ["sample photos-run --threads two", /^--threads: .*, got "two"$/],
    ["reconstruct photos-run --limit 0", /^--limit: an integer of 1 or more is expected, got "0"$/],
    ["interpolate photos-run 0 1 --steps 1", /^--steps: an integer of 2 or more is expected, got "1"$/],
    ["traverse photos-run --latents 99", /^--latents: this model has latents 0 to 1, got 99$/],
    ["traverse photos-run --latents 0,x", /^--latents: an integer of 0 or more is expected, got "x"$/],
    ["traverse photos-run --range far", /^--range: a number from 0 to 100 is expected, got "far"$/],
    ["score photos-run --quantile 1.5", /^--quantile: a number from 0 to 1 is expected, got "1\.5"$/],
    ["score photos-run photos --samples 0", /^--samples: an integer of 1 or more is expected, got "0"$/],
    [
      "encode photos-run photos --split train",
      /^--split names a part of the run's own data; leave it out beside photos$/,
    ],
    ["encode photos-run --split dev", /^--split: test, validation, train is expected, got "dev"$/],
    ["encode photos-run --split test", /^--split test: this run has no test data; /],
    ["export photos-run --only fly", /^--only: encode, decode, .* are expected, with commas, got "fly"$/],
  ]);
});

describe("the run", () => {
  const commands = ["sample RUN", "reconstruct RUN", "encode RUN", "decode RUN latents.json", "interpolate RUN 0 1"];
  const all = [...commands, "traverse RUN", "score RUN", "export RUN", "info RUN", "report RUN", "evaluate RUN"];
  refusesWords([
    ...all.map((words): Said => {
      const command = words.split(" ")[0];
      return [command, new RegExp(`^missing required argument 'run'; see \`reparam ${command} --help\`$`)];
    }),
    ...all.map((words): Said => [words.replace("RUN", "nowhere"), /^nowhere: there is no such folder; /]),
    ...all.map((words): Said => [words.replace("RUN", "photos"), /^photos: is not a run folder: /]),
    ["sample table.csv", /^table\.csv\/config\.json: could not be read: part of its path is a file, /],
    ...["sample RUN", "decode RUN latents.json", "traverse RUN", "score RUN", "encode RUN", "export RUN"].map(
      (words): Said => [words.replace("RUN", "damaged-run"), /^damaged-run\/\w+\.onnx: is damaged \(checksum /],
    ),
  ]);
});

describe("the examples", () => {
  refusesWords([
    ["score photos-run nothing", /^nothing: no such file$/],
    ["score photos-run empty", /^empty: expected at least 1 image, got none; put images there$/],
    ["score photos-run corrupt", /^corrupt\/bars-07\.png: /],
    ["reconstruct photos-run corrupt/bars-07.png", /^corrupt\/bars-07\.png: /],
    ["score photos-run table.csv", /^table\.csv: /],
    [
      "score photos-run bytes.npy",
      /^bytes\.npy: examples of \[1, 8, 8\] do not fit the training data, \[3, 16, 16\] of bytes$/,
    ],
    ["encode bytes-run real.npy", /^real\.npy: row 0, column 0 .*: expected a number of the measure "bytes", got -3$/],
    ["score table-run no-share.csv", /^no-share\.csv: .*"share"/],
    ["score table-run ragged.csv", /^ragged\.csv: line 9: /],
    ["score table-run words.csv", /^words\.csv: line 5, column "height": expected a number, got "high"/],
    ["score table-run photos", /^photos: /],
    ["interpolate photos-run 0 6", /^example 6: the validation part has examples 0 to 5$/],
    ["interpolate photos-run 0 x.png", /^x\.png: no such file$/],
    [
      "interpolate table-run 0 table.csv",
      /^table\.csv: the number \(from 0\) of one of the run's own examples is expected$/,
    ],
    ["traverse photos-run 60 --split train", /^example 60: the train part has examples 0 to 53$/],
    ["decode photos-run nothing.npy", /^nothing\.npy: no such file$/],
    ["decode photos-run nothing.json", /^nothing\.json: cannot be read as JSON /],
    ["decode photos-run latents.json", /^latents\.json: row 0 \(from 0\): 2 finite numbers are expected$/],
    ["decode photos-run strings.json", /^strings\.json: rows of 2 numbers are expected, or what encode writes$/],
    ["decode photos-run half.json", /^half\.json: cannot be read as JSON /],
    ["decode photos-run real.npy", /^real\.npy: latents of shape \[n, 2\] are expected, got examples of \[6\]$/],
    ["decode photos-run table.csv", /^table\.csv: latents of shape \[n, 2\] are expected, got examples of \[3\]$/],
    ["decode photos-run photos", /^photos: latents of shape \[n, 2\] are expected, got examples of /],
  ]);
});

describe("training on data of one's own", () => {
  refusesWords([
    ["train empty --out new", /^empty: expected at least 2 images, got none; put images there$/],
    [
      "train one-image --out new",
      /^one-image: expected at least 2 images, got 1 \(a\.png\); put more there, or give the file itself to learn its tiles$/,
    ],
    ["train corrupt --out new", /^corrupt\/bars-07\.png: /],
    ["train ragged.csv --out new", /^ragged\.csv: line 9: /],
    ["train words.csv --out new", /^words\.csv: line 5, column "height": expected a number, got "high"/],
    ["train table.csv --columns height,wide --out new", /^table\.csv: .*"wide"/],
    ["train table.csv --label grop --out new", /^table\.csv: .*"grop"/],
    [
      "train table.csv --size 8 --out new",
      /^--size: is for a folder of images and an image, and table\.csv is a table$/,
    ],
    ["train photos --columns a --out new", /^--columns: is for a table, and photos is a folder of images$/],
    ["train photos --test table.csv --out new", /^table\.csv: /],
    ["train table.csv --validation no-share.csv --out new", /^no-share\.csv: .*"share"/],
    ["train photos --validation 1 --out new", /^--validation: .*below 1 is expected, got 1$/],
  ]);
});

describe("where the result goes", () => {
  const exists = (place: string): RegExp =>
    new RegExp(`^${place}: exists; --force replaces it, or choose another name$`);
  refusesWords([
    [
      "sample photos-run --out a.jpg",
      /^--out a\.jpg: expected \.png, \.npy, \.csv, \.json, a folder \(no extension\)$/,
    ],
    ["sample table-run --out a.png", /^--out a\.png: expected \.npy, \.csv, \.json$/],
    ["encode photos-run --out a.png", /^--out a\.png: expected \.csv, \.json, \.npy$/],
    ["score photos-run --out a.npy", /^--out a\.npy: expected \.csv, \.json$/],
    ["sample photos-run --out there.png", exists("there\\.png")],
    ["interpolate photos-run 0 1 --out thesis", exists("thesis")],
    ["encode photos-run --out there.csv", exists("there\\.csv")],
    ["score photos-run --out there.csv", exists("there\\.csv")],
    [
      "sample photos-run --out thesis --force",
      /^thesis: holds more than pictures \(chapter\.tex\), so it is not replaced; /,
    ],
    ["sample photos-run --out far/away.png", /^--out far\/away\.png: there is no folder far; make it, or /],
    ["sample photos-run --out there.png/in", /^there\.png\/in: could not be written: part of its path is a file, /],
    ["export photos-run --out thesis --force", /^thesis: holds more than an exported model \(chapter\.tex\); /],
  ]);

  it("a place that may not be written is told, and nothing stays", async () => {
    mkdirSync(at("read-only"));
    chmodSync(at("read-only"), 0o555);
    const asNobody = oneProcess({ cwd, asNobody: true });
    for (const words of [
      "sample photos-run --count 2 --out read-only/a.png",
      "sample photos-run --count 2 --out read-only/a",
      "encode photos-run --out read-only/a.csv",
      "score photos-run --out read-only/a.csv",
      "export photos-run --out read-only/a",
    ]) {
      const ended = await asNobody(words.split(" "));
      expectMistake(ended, /^read-only\/a\S*: could not be written.*: no permission: .* \(EACCES\)$/);
      expect(contents(at("read-only"))).toEqual({});
    }
    rmSync(at("read-only"), { recursive: true });
  });

  it("--force replaces what an earlier command has written, and nothing of it stays", async () => {
    for (const count of ["3", "2"]) {
      const flags = ["--count", count, "--out", "samples", "--force"];
      expect((await reparam(["sample", "photos-run", ...flags])).code).toBe(0);
    }
    expect(Object.keys(contents(at("samples")))).toEqual(["0.png", "1.png"]);
  });
});
