import type { ConditionField } from "./conditions.ts";
import type { Measure } from "./dataset.ts";

/** What can lie at a path: a folder of images, one image, a table, an array. */
export const dataKinds = ["folder", "image", "table", "array"] as const;
export type DataKind = (typeof dataKinds)[number];

/** What to do where numbers are missing, for messages. */
export const missingRemedy =
  "where numbers are missing: --model probabilistic-pca or factor-analysis, with --missing keep";

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
  /**
   * What is given with each example and not modelled: "label", its class; of tables also columns, by name or by number from 1. A table
   * must have them.
   */
  readonly condition?: readonly string[];
  /** Tables: columns that are given where they are there, read as numbers or as categories. */
  readonly conditionIfThere?: readonly Pick<ConditionField, "name" | "kind">[];
  /**
   * Tables and arrays: "keep" takes what is missing as NaN. By default rows of a table that lack a number are left out, and NaN in an
   * array is an error.
   */
  readonly missing?: "keep";
  /** Folders and tables: fewer examples than this are an error; 2, as training needs, by default. */
  readonly atLeast?: number;
  /** What the numbers are, instead of what they look like. */
  readonly measure?: Measure;
  readonly signal?: AbortSignal;
  /** Told now and then how far a reading that lasts has come. */
  readonly onProgress?: (done: number, total: number) => void;
}
