import { continuousFamilies } from "./continuous.ts";
import { discreteFamilies } from "./discrete.ts";
import type { Family } from "./family.ts";

/** Every family over one number. */
export const families: readonly Family[] = [...continuousFamilies, ...discreteFamilies];

export * from "./family.ts";
