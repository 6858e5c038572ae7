import type { SystemRow } from "../row.ts";
import { row02 } from "./row-02.ts";
import { row03 } from "./row-03.ts";
import { row04 } from "./row-04.ts";
import { row05 } from "./row-05.ts";
import { row06 } from "./row-06.ts";
import { row08 } from "./row-08.ts";
import { row09 } from "./row-09.ts";
import { row13 } from "./row-13.ts";
import { row14 } from "./row-14.ts";
import { row19 } from "./row-19.ts";
import { row20 } from "./row-20.ts";
import { row28 } from "./row-28.ts";
import { row29 } from "./row-29.ts";
import { row30 } from "./row-30.ts";
import { row31 } from "./row-31.ts";
import { row32 } from "./row-32.ts";

/** The systems of the project's notes; one file each as they come to work. */
export const TOTAL = 34;
export const systemRows: readonly SystemRow[] = [
  row02,
  row03,
  row04,
  row05,
  row06,
  row08,
  row09,
  row13,
  row14,
  row19,
  row20,
  row28,
  row29,
  row30,
  row31,
  row32,
];
