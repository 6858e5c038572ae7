import type { SystemRow } from "../row.ts";
import { row04 } from "./row-04.ts";
import { row09 } from "./row-09.ts";
import { row13 } from "./row-13.ts";
import { row19 } from "./row-19.ts";
import { row20 } from "./row-20.ts";

/** The systems of the project's notes; one file each as they come to work. */
export const TOTAL = 34;
export const systemRows: readonly SystemRow[] = [row04, row09, row13, row19, row20];
