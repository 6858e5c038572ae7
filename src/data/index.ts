/** Datasets from files, in Node: `reparam/data`. In a browser `arrayDataset` takes numbers from anywhere. */
export { type Dataset, type Measure, split, subset } from "./dataset.ts";
export { embeddedFashion } from "./fashion.ts";
export { openDataset } from "./open.ts";
