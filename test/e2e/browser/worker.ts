/// <reference types="vite/client" />
/** The module Worker: opens the engine with the files that the bundler put out, trains, and sends what came of it. */
import mjs from "onnxruntime-web/ort-wasm-simd-threaded.mjs?url";
import wasm from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import { openEngine } from "reparam";
import { trainTwentySteps } from "./program.ts";

const engine = await openEngine({ threads: 2, wasmPaths: { wasm, mjs } });
const images = await fetch("/images").then((response) => response.arrayBuffer());
self.postMessage(await trainTwentySteps(engine, new Uint8Array(images)));
