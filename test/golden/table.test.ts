/** Tables that pandas and NumPy wrote, in several dialects, against the values that they read back themselves. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { z } from "zod";
import { openTable } from "../../src/data/table/table.ts";

const folder = new URL("values/tables/", import.meta.url);

/** Written by scripts/tables.py. */
const golden = z
  .object({
    files: z.record(
      z.string(),
      z.object({
        label: z.string().nullable(),
        columns: z.array(z.string()),
        values: z.array(z.array(z.number())),
        lines: z.array(z.number()),
        labels: z.array(z.string()).nullable(),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(new URL("tables.json", folder), "utf8"))).files;

test("every file is listed", () => {
  const files = readdirSync(folder).filter((name) => name !== "tables.json");
  expect(files.sort()).toEqual(Object.keys(golden).sort());
});

// Both round the same text to float64 and that to float32, so the numbers are equal.
test.each(Object.entries(golden))("%s", async (name, { label, columns, values, lines, labels }) => {
  const dataset = await openTable(fileURLToPath(new URL(name, folder)), { label: label ?? undefined });
  expect(dataset.columns).toEqual(columns);
  expect(dataset.length).toBe(values.length);
  const out = new Float32Array(values.length * columns.length);
  dataset.read([...values.keys()], out);
  expect([...out]).toEqual(values.flat().map(Math.fround));
  expect(dataset.sources).toEqual(lines.map((line) => `line ${line}`));
  const found = dataset.labels && Array.from(dataset.labels, (label) => dataset.labelNames?.[label]);
  expect(found).toEqual(labels ?? undefined);
});
