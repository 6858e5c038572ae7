// AssemblyScript, not TypeScript: built by scripts/build-kernels.mjs, called through src/runtime/kernels.ts.
// Pointers are bytes, counts are float32 elements. No alignment is needed and ranges must not overlap.

export { adam } from "./adam";
export { sgd } from "./sgd";
export { sumSquares } from "./squares";
export { fillUniform } from "./uniform";
