import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { InputError } from "../errors.ts";
import { type Engine, type EngineOptions, sessionOptions } from "./engine.ts";

/** More threads than this for each core only wait for each other. */
const OVERSUBSCRIBED = 8;

/** The engine in Node: native where its package and its binary work, else the Wasm build with a line that says so. */
export async function openEngine({ engine, threads = 1 }: EngineOptions = {}): Promise<Engine> {
  const cores = availableParallelism();
  if (threads > OVERSUBSCRIBED * cores) {
    throw new InputError(
      `--threads ${threads} is far more than the ${cores} cores here; at most ${OVERSUBSCRIBED * cores} are taken`,
    );
  }
  if (engine === "wasm") return openWasm(threads);
  try {
    return await openNative(threads);
  } catch (cause) {
    const reason = (cause instanceof Error ? cause.message : String(cause)).split(/\n| imported from /)[0];
    const remedy =
      "`npm install onnxruntime-node --onnxruntime-node-install=skip` brings the native engine, several times as fast";
    if (engine === "native") throw new InputError(`the native engine cannot be loaded (${reason}); ${remedy}`);
    return { ...(await openWasm(threads)), notice: `running on the Wasm engine: ${reason}; ${remedy}` };
  }
}

async function openNative(threads: number): Promise<Engine> {
  // Native code reads this when it loads, and would report usage otherwise: before the import, which is why that is dynamic.
  process.env.ORT_DISABLE_TELEMETRY = "1";
  const ort = await import("onnxruntime-node");
  return {
    name: "native",
    version: versionOf("onnxruntime-node"),
    threads,
    ort,
    sessionOptions: sessionOptions("cpu", threads),
    writesFetches: true,
  };
}

async function openWasm(threads: number): Promise<Engine> {
  const ort = await import("onnxruntime-web");
  ort.env.wasm.numThreads = threads;
  return {
    name: "wasm",
    version: versionOf("onnxruntime-web"),
    threads,
    ort,
    sessionOptions: sessionOptions("wasm", threads),
    writesFetches: false,
  };
}

/** The version of an installed package; its exports may not name package.json, so the file is looked for beside it. */
function versionOf(name: string): string {
  const require = createRequire(import.meta.url);
  const entry = require.resolve(name);
  const root = entry.slice(0, entry.lastIndexOf(`${name}/`) + name.length);
  const { version } = require(`${root}/package.json`) as { version: string };
  return version;
}
