import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

/*
 * The house rules of docs and design, held by reading the sources: which folder may import which, what only Node has, how
 * long a file may be, and that nothing can report usage.
 */
const root = fileURLToPath(new URL("../../", import.meta.url));

/** Each imports only from itself and from those before it. */
const order = [
  "tensor",
  "random",
  "onnx",
  "runtime",
  "data",
  "linalg",
  "nn",
  "distributions",
  "flows",
  "inference",
  "models",
  "training",
  "run",
  "evaluation",
  "trained",
  "report",
  "cli",
  "systems",
];
/** Files that lie in src itself: these below everything, the index above everything. */
const foundations = ["errors.ts", "checksum.ts", "nearest.ts"];
const INDEX = "index.ts";
/** Hands the whole package to a user's own module, and so looks up; nothing else may. */
const LOADER = "run/user-model.ts";

/** Folders some of whose files are for Node alone; browser code imports the others. */
const nodeFolders = ["runtime", "data", "run", "trained", "report", "systems", "cli"];
/** What platforms do differently: a browser gets these files. */
const platforms: Readonly<Record<string, string>> = {
  "#engine": "runtime/engine-web.ts",
  "#run-files": "run/run-files-web.ts",
  "#images": "trained/images-web.ts",
};

function filesIn(folder: string, extensions: readonly string[]): readonly string[] {
  const start = join(root, folder);
  if (!existsSync(start)) return [];
  return readdirSync(start, { recursive: true, encoding: "utf8" })
    .filter((file) => !file.split("/").includes("node_modules") && extensions.some((end) => file.endsWith(end)))
    .map((file) => join(folder, file))
    .toSorted();
}

interface Import {
  readonly specifier: string;
  readonly dynamic: boolean;
  /** Erased by the compiler: nothing of it runs. */
  readonly typeOnly: boolean;
}

/** Every import and re-export of a source text, however it is written. */
function importsOf(text: string): readonly Import[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|[^:"'`])\/\/.*$/gm, "$1");
  const statements = code.matchAll(/^\s*(?:import|export)\s+(type\s+)?(?:[\w*{][^;"'`]*?\sfrom\s+)?["']([^"']+)["']/gm);
  const calls = code.matchAll(/\b(?:import|require)\s*\(\s*["'`]([^"'`]+)["'`]/g);
  return [
    ...Array.from(statements, ([, type, specifier]) => ({ specifier, dynamic: false, typeOnly: type !== undefined })),
    ...Array.from(calls, ([, specifier]) => ({ specifier, dynamic: true, typeOnly: false })),
  ];
}

const read = (file: string): string => readFileSync(join(root, file), "utf8");
const isKernel = (file: string): boolean => file.startsWith("src/runtime/kernels/"); // AssemblyScript, compiled apart
const sources = filesIn("src", [".ts"]).filter((file) => !isKernel(file));

/** Where a relative import leads, seen from src. */
const target = (file: string, specifier: string): string => relative("src", join(dirname(file), specifier));
const folderOf = (inSrc: string): string => inSrc.split("/")[0];
const inSrc = (file: string): string => relative("src", file);

/** What is wrong with one import, if anything. */
function misdirected(file: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  const to = target(file, specifier);
  if (to.startsWith("..")) return `${file} imports ${specifier}, outside src`;
  if (!to.endsWith(".ts")) return `${file} imports ${specifier} without .ts`;
  const from = inSrc(file);
  if (from === INDEX || foundations.includes(to)) return undefined;
  if (foundations.includes(from)) return `${file} imports ${specifier}; it is below everything`;
  if (to === INDEX && from === LOADER) return undefined;
  if (to === INDEX) return `${file} imports the index, which is above it`;
  const [importer, imported] = [folderOf(from), folderOf(to)];
  if (importer === imported) return undefined;
  if (!order.includes(imported)) return `${file} imports ${specifier}, which is in no folder of the house`;
  return order.indexOf(imported) < order.indexOf(importer)
    ? undefined
    : `${file} imports ${specifier}, which is above it`;
}

describe("reading imports", () => {
  it.each([
    ['import { a } from "./a.ts";', "./a.ts", false, false],
    ["import a, { b } from './a.ts'", "./a.ts", false, false],
    ['import * as a from "./a.ts";', "./a.ts", false, false],
    ['import {\n  a,\n  type B,\n} from "./a.ts";', "./a.ts", false, false],
    ['import type { A } from "./a.ts";', "./a.ts", false, true],
    ['import "./a.ts";', "./a.ts", false, false],
    ['export { a } from "./a.ts";', "./a.ts", false, false],
    ['export * from "./a.ts";', "./a.ts", false, false],
    ['const a = await import("./a.ts");', "./a.ts", true, false],
    ['const a = require("./a.ts");', "./a.ts", true, false],
    ['import a from "./a.json" with { type: "json" };', "./a.json", false, false],
  ])("%s", (text, specifier, dynamic, typeOnly) => {
    expect(importsOf(text)).toEqual([{ specifier, dynamic, typeOnly }]);
  });

  it("sees none in comments, nor in what is exported from the file itself", () => {
    expect(
      importsOf('// import "./a.ts";\n/* import "./b.ts"; */\nexport const a = "from";\nexport type B = "c";'),
    ).toEqual([]);
  });

  it("finds them in this repository", () => {
    expect(sources.length).toBeGreaterThan(40);
    const found = sources.flatMap((file) => importsOf(read(file)));
    expect(found.length).toBeGreaterThan(sources.length);
  });
});

describe("folders import downwards", () => {
  it.each([
    ["src/tensor/op.ts", "../nn/layers.ts", "above"],
    ["src/nn/layers.ts", "../index.ts", "above"],
    ["src/errors.ts", "./tensor/op.ts", "below everything"],
    ["src/nn/layers.ts", "../tensor/op", "without .ts"],
    ["src/nn/layers.ts", "../../test/a.ts", "outside src"],
    ["src/nn/layers.ts", "../odd/a.ts", "no folder of the house"],
  ])("refuses %s → %s", (file, specifier, reason) => {
    expect(misdirected(file, specifier)).toContain(reason);
  });

  it.each([
    ["src/nn/layers.ts", "../tensor/op.ts"],
    ["src/tensor/ops/reduce.ts", "../op.ts"],
    ["src/run/files.ts", "../errors.ts"],
    ["src/index.ts", "./training/training.ts"],
  ])("allows %s → %s", (file, specifier) => {
    expect(misdirected(file, specifier)).toBeUndefined();
  });

  it("everywhere", () => {
    const wrong = sources.flatMap((file) => importsOf(read(file)).map(({ specifier }) => misdirected(file, specifier)));
    expect(wrong.filter((each) => each !== undefined)).toEqual([]);
  });

  it("and every file lies in a folder of the house", () => {
    const known = [...order, ...foundations, INDEX];
    expect(sources.filter((file) => !known.includes(folderOf(inSrc(file))))).toEqual([]);
  });

  it("and the studio imports the public index alone", () => {
    const inside = filesIn("studio", [".ts", ".tsx"]).flatMap((file) =>
      importsOf(read(file))
        .filter(({ specifier }) => /(^|\/)(src|dist)\//.test(specifier))
        .map(({ specifier }) => `${file} imports ${specifier}`),
    );
    expect(inside).toEqual([]);
  });
});

/** All files that run when one is imported: erased imports are not followed, `import()` is. */
function reached(from: string, done = new Set<string>()): ReadonlySet<string> {
  if (done.has(from)) return done;
  done.add(from);
  for (const { specifier, typeOnly } of importsOf(read(from))) {
    const web = platforms[specifier];
    const to = web ?? (specifier.startsWith(".") && specifier.endsWith(".ts") ? target(from, specifier) : undefined);
    if (to !== undefined && !typeOnly) reached(join("src", to), done);
  }
  return done;
}

const forNode = (file: string): readonly string[] =>
  importsOf(read(file))
    .filter(
      ({ specifier, typeOnly }) => !typeOnly && (specifier.startsWith("node:") || specifier === "onnxruntime-node"),
    )
    .map(({ specifier }) => `${file} imports ${specifier}`);

describe("what only Node has", () => {
  it("is imported in the folders where platforms differ", () => {
    const elsewhere = sources.filter((file) => !nodeFolders.includes(folderOf(inSrc(file)))).flatMap(forNode);
    expect(elsewhere).toEqual([]);
  });

  it("is reached from no other folder, the web engine or the public index", () => {
    const shared = sources.filter((file) => !nodeFolders.includes(folderOf(inSrc(file))));
    const starts = [...shared, "src/runtime/engine-web.ts", "src/data/dataset.ts", "src/trained/load.ts"];
    const needed = new Set(starts.flatMap((start) => Array.from(reached(start))));
    expect(Array.from(needed).flatMap(forNode)).toEqual([]);
  });

  it("is named node:", () => {
    const bare =
      /^(fs|path|os|url|util|zlib|crypto|module|child_process|worker_threads|process|stream|events|buffer)(\/|$)/;
    const unnamed = sources.filter((file) => importsOf(read(file)).some(({ specifier }) => bare.test(specifier)));
    expect(unnamed).toEqual([]);
  });
});

describe("nothing reports usage", () => {
  const everything = ["src", "test", "bench", "examples", "scripts", "studio"].flatMap((folder) =>
    filesIn(folder, [".ts", ".tsx", ".js", ".mjs"]),
  );
  const importers = everything.filter((file) => {
    return importsOf(read(file)).some(({ specifier }) => specifier === "onnxruntime-node");
  });

  it("onnxruntime-node is imported statically nowhere", () => {
    const hoisted = importers.filter((file) =>
      importsOf(read(file)).some(({ specifier, dynamic, typeOnly }) => {
        return specifier === "onnxruntime-node" && !dynamic && !typeOnly;
      }),
    );
    expect(hoisted).toEqual([]);
  });

  it("telemetry is off before the import, which is one place in src", () => {
    expect(importers.filter((file) => file.startsWith("src/"))).toEqual(["src/runtime/engine-node.ts"]);
    for (const file of importers) {
      const text = read(file);
      const off = text.indexOf('process.env.ORT_DISABLE_TELEMETRY = "1"');
      expect(off, file).toBeGreaterThan(-1);
      expect(off, file).toBeLessThan(text.indexOf('import("onnxruntime-node")'));
    }
  });
});

describe("files", () => {
  const LIMIT = 400;
  const long = sources.filter((file) => !file.endsWith(".generated.ts") && read(file).split("\n").length - 1 > LIMIT);

  it(`have at most ${LIMIT} lines`, () => expect(long).toEqual([]));

  it("have names that say what they are for", () => {
    const vague = /^(utils?|helpers?|common|misc|shared|lib|stuff)(\.|$)/i;
    const folders = ["src", "test", "bench", "examples", "scripts", "studio"];
    const all = folders.flatMap((folder) => filesIn(folder, [""]));
    expect(all.filter((file) => file.split("/").some((part) => vague.test(part)))).toEqual([]);
  });
});
