import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeCsv } from "../../src/data/csv.ts";
import { open, rowsOf } from "./table-file.ts";

describe("encodeCsv", () => {
  test("quotes as RFC 4180 does what may be taken for a delimiter, and nothing else", () => {
    const rows = [
      ["x, y", 'say "no"', "a\nb", "c\r"],
      [" é ", "", "it's", "1|2"],
    ];
    expect(encodeCsv(["a", "b,b", "c", "d"], rows)).toBe(
      'a,"b,b",c,d\n"x, y","say ""no""","a\nb","c\r"\n é ,,it\'s,"1|2"\n',
    );
  });

  test("writes a lone empty cell as a row", () => {
    expect(encodeCsv(["a"], [[""], ["x"]])).toBe('a\n""\nx\n');
  });

  test.each([
    [Math.fround(0.1), "0.1"],
    [Math.fround(1 / 3), "0.33333334"],
    [1e10, "10000000000"],
    [16000.0205078125, "16000.0205"],
    [Math.fround(1e-45), "1e-45"],
    [3.4028234663852886e38, "3.4028235e+38"],
    [-2.5, "-2.5"],
    [0.1, "0.1"], // no float32: the double in full
    [1 / 3, "0.3333333333333333"],
    [Number.NaN, "NaN"],
  ])("writes %s as %s", (value, text) => {
    expect(encodeCsv(["a"], [[value]])).toBe(`a\n${text}\n`);
  });
});

test("random tables come back through openTable as they were, to the bit but for the sign of 0", async () => {
  const float = fc.float({ noNaN: true, noDefaultInfinity: true });
  const name = fc.string({ unit: "binary", minLength: 1, maxLength: 8 }).map((text) => `n${text.trim()}`);
  const usable = name.filter((text) => text.trim() === text && !text.includes("\0") && text !== "nan");
  const table = fc.integer({ min: 1, max: 6 }).chain((columns) =>
    fc.record({
      names: fc.uniqueArray(usable, { minLength: columns, maxLength: columns }),
      rows: fc.array(fc.array(float, { minLength: columns, maxLength: columns }), { minLength: 1, maxLength: 20 }),
    }),
  );
  await fc.assert(
    fc.asyncProperty(table, async ({ names, rows }) => {
      const dataset = await open(encodeCsv(names, rows), { columns: names });
      expect(dataset.columns).toEqual(names);
      expect(rowsOf(dataset)).toEqual(rows.map((row) => row.map((value) => value + 0)));
    }),
    { seed: 1, numRuns: 200 },
  );
});
