import { load } from "reparam";
import mjs from "onnxruntime-web/ort-wasm-simd-threaded.mjs?url";
import wasm from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
const model = await load("./model/", { wasmPaths: { wasm, mjs }, needs: ["sample"] });
self.postMessage(await model.sample(8, { seed: 1 }));
