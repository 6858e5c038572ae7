/** Node as it is where onnxruntime-node was not installed: it does not find the package. */
import { register } from "node:module";

const hooks = `
  export async function resolve(specifier, context, next) {
    if (specifier !== "onnxruntime-node") return next(specifier, context);
    throw Object.assign(new Error("Cannot find package 'onnxruntime-node'"), { code: "ERR_MODULE_NOT_FOUND" });
  }
`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
