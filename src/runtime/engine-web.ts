import * as ort from "onnxruntime-web/wasm";
import { type Engine, type EngineOptions, sessionOptions } from "./engine.ts";

/** The engine in a browser: the Wasm build. Open it in a module Worker, where a run does not block the page. */
export async function openEngine({ threads = 1, wasmPaths }: EngineOptions = {}): Promise<Engine> {
  ort.env.wasm.numThreads = threads;
  if (wasmPaths) ort.env.wasm.wasmPaths = wasmPaths;
  return {
    name: "wasm",
    version: ort.env.versions.web ?? "unknown",
    threads,
    ort,
    sessionOptions: sessionOptions("wasm", threads),
    writesFetches: false,
  };
}
