/** Writes into the file RECORD, for each native library of ONNX Runtime, what ORT_DISABLE_TELEMETRY is when it is loaded. */
import { appendFileSync } from "node:fs";
import { basename } from "node:path";

const { dlopen } = process;
process.dlopen = (module, file, ...flags) => {
  if (basename(file).includes("onnxruntime")) {
    appendFileSync(process.env.RECORD, `${basename(file)} ${process.env.ORT_DISABLE_TELEMETRY}\n`);
  }
  return dlopen.call(process, module, file, ...flags);
};
