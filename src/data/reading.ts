import type { Measure } from "./dataset.ts";

/** What can lie at a path: a folder of images, one image, a table, an array. */
export const dataKinds = ["folder", "image", "table", "array"] as const;
export type DataKind = (typeof dataKinds)[number];

/** How the examples in a file or folder are to be read; what does not apply to their kind is refused. */
export interface ReadingOptions {
  /** Images: [height, width] in pixels that each is scaled to cover and cropped to; of a single image, its tiles. */
  readonly size?: readonly [number, number];
  /** Images: by default grey where all are grey, else RGB. */
  readonly colour?: "grey" | "rgb";
  /** Tables: the columns that are the features, by name or by number from 1. By default all columns of numbers. */
  readonly columns?: readonly string[];
  /** Tables: the column that says each row's class, by name or by number from 1; it is not modelled. */
  readonly label?: string;
  /** As `label`, for tables that may have no such column. */
  readonly labelIfThere?: string;
  /** Folders and tables: fewer examples than this are an error; 2, as training needs, by default. */
  readonly atLeast?: number;
  /** What the numbers are, instead of what they look like. */
  readonly measure?: Measure;
  readonly signal?: AbortSignal;
  /** Told now and then how far a reading that lasts has come. */
  readonly onProgress?: (done: number, total: number) => void;
}
