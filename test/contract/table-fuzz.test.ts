/** Random texts and damaged tables: each gives a dataset or an InputError of one line, never another error, and always ends. */
import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Dataset } from "../../src/data/dataset.ts";
import type { TableOptions } from "../../src/data/table/table.ts";
import { messageOf, open, rowsOf } from "./table-file.ts";

const golden = new URL("../golden/values/tables/", import.meta.url);
const files = readdirSync(golden)
  .filter((name) => name !== "tables.json")
  .map((name) => new Uint8Array(readFileSync(new URL(name, golden))));

/** What tables are made of, sound or not. */
const pieces = [
  ",",
  ";",
  "\t",
  "|",
  " ",
  "\n",
  "\r\n",
  "\r",
  '"',
  "1",
  "-2.5",
  "1,5",
  "1e39",
  "NA",
  "inf",
  "x",
  "0",
  "é",
];
const text = fc
  .array(fc.constantFrom(...pieces), { maxLength: 60 })
  .map((parts) => new TextEncoder().encode(parts.join("")));

/** Rows of one width with few faults, so that most of the way is gone. */
const cell = fc.oneof(
  { arbitrary: fc.integer({ min: -9, max: 9 }).map(String), weight: 30 },
  { arbitrary: fc.constantFrom(...pieces), weight: 1 },
);
const nearlyEven = fc
  .tuple(fc.integer({ min: 1, max: 4 }), fc.constantFrom(",", ";", "\t", "|", " "), fc.boolean())
  .chain(([width, delimiter, header]) =>
    fc
      .array(fc.array(cell, { minLength: width, maxLength: width }), { maxLength: 8 })
      .map((rows) => (header ? [["a", "b", "c", "d"].slice(0, width), ...rows] : rows))
      .map((rows) => new TextEncoder().encode(rows.map((row) => row.join(delimiter)).join("\n"))),
  );

const fraction = fc.integer({ min: 0, max: 2 ** 16 - 1 }).map((value) => value / 2 ** 16);

/** A file of pandas with up to three bytes replaced by pieces, or cut. */
const damaged = fc
  .tuple(
    fc.constantFrom(...files),
    fc.array(fc.tuple(fraction, fc.oneof(fc.constantFrom(...pieces, ""), fc.constant(undefined))), { maxLength: 3 }),
  )
  .map(([file, changes]) =>
    changes.reduce((bytes: Uint8Array, [place, piece]) => {
      const at = Math.floor(place * bytes.length);
      const rest = piece === undefined ? new Uint8Array() : bytes.subarray(at + 1);
      return new Uint8Array(Buffer.concat([bytes.subarray(0, at), Buffer.from(piece ?? ""), rest]));
    }, file),
  );

const options: fc.Arbitrary<TableOptions> = fc.record(
  {
    columns: fc.array(fc.constantFrom("a", "1", "2", "length", "mass", "x"), { maxLength: 2 }),
    label: fc.constantFrom("kind", "b", "2"),
    labelIfThere: fc.constantFrom("kind", "2"),
  },
  { requiredKeys: [] },
);
const few = fc.oneof({ arbitrary: fc.constant({}), weight: 2 }, { arbitrary: options, weight: 1 });

test.each([
  ["text", text, 0],
  ["nearly even tables", nearlyEven, 100],
  ["damaged tables", damaged, 50],
  ["bytes", fc.uint8Array({ maxLength: 60 }), 0],
])("%s", async (_, contents, atLeast) => {
  let read = 0;
  await fc.assert(
    fc.asyncProperty(contents, few, async (content, given) => {
      let dataset: Dataset;
      try {
        dataset = await open(content, given);
      } catch (error) {
        messageOf(error);
        return;
      }
      read++;
      const { length, shape, columns, sources, labels, labelNames = [], notices = [] } = dataset;
      expect(shape).toEqual([columns?.length]);
      expect(sources).toHaveLength(length);
      expect(rowsOf(dataset).flat().every(Number.isFinite)).toBe(true);
      if (labels) expect(new Set(labels)).toEqual(new Set(labelNames.keys()));
      for (const notice of notices) expect(notice).toMatch(/^[^\p{Cc}\p{Zl}\p{Zp}]{1,500}$/u);
    }),
    { seed: 1, numRuns: 300 },
  );
  expect(read).toBeGreaterThanOrEqual(atLeast);
});
