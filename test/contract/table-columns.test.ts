import { describe, expect, test } from "vitest";
import { lines, open, refusal, rowsOf } from "./table-file.ts";

describe("missing values", () => {
  test("rows with them are left out and counted", async () => {
    const words = ["", "NA", "n/a", "nan", "NULL", "None", "?", "-"];
    const dataset = await open(lines("a,b", "1,2", ...words.map((word) => `${word},5`), ...words.map(() => "3,4")));
    expect(dataset.length).toBe(1 + words.length);
    expect(dataset.sources?.slice(0, 2)).toEqual(["line 2", "line 11"]);
    expect(dataset.notices).toEqual(["8 rows with missing values were left out (the first in line 3)"]);
  });

  test("one row is told as one, and most rows with the column that lacks most", async () => {
    expect((await open(lines("a,b", "1,2", "3,", "4,5"))).notices).toEqual([
      "1 row with missing values was left out (the first in line 3)",
    ]);
    expect((await open(lines("a,b", "1,2", "3,", "4,5", "6,", "7,"))).notices).toEqual([
      '3 rows with missing values were left out (the first in line 3); column "b" lacks 3',
    ]);
  });

  test("those in columns that are not read do not count", async () => {
    expect((await open(lines("a,b,c", "1,2,", "3,4,NA", "5,6,7"), { columns: ["a", "b"] })).length).toBe(3);
  });

  test("no whole row is an error that names the column", async () => {
    expect(await refusal(lines("a,b", "1,", ",2", ",3"))).toBe(
      'expected rows without missing values, got none in 3: column "a" lacks 2; leave such columns out (--columns names those to take), or, where numbers are missing: --model probabilistic-pca or factor-analysis, with --missing keep',
    );
  });
});

describe("decimal commas", () => {
  test("are read and told", async () => {
    const dataset = await open(lines("a;b", "1,5;2", "-,25;4e0"));
    expect(rowsOf(dataset)).toEqual([
      [1.5, 2],
      [-0.25, 4],
    ]);
    expect(dataset.notices).toEqual(['decimal commas were read as points (the first in line 2, column "a": "1,5")']);
  });

  test.each([
    [
      "with points in the same column",
      lines("a;b", "1,5;2", "1.5;3"),
      /^line 3, column "a": "1\.5": a decimal comma and a decimal point \(line 2, column "a": "1,5"\)/,
    ],
    [
      "with points elsewhere",
      lines("a;b", "1.5;2,5", "1.5;3"),
      /^line 2, column "b": "2,5": a decimal comma and a decimal point/,
    ],
    [
      "quoted between commas",
      lines("a,b", '"1,5",2', '"2,5",3'),
      /^line 2, column "a": expected a number, got "1,5": .*decimal comma/,
    ],
    [
      "between commas",
      lines("a,b", "1,5,2,5"),
      /^line 2: expected 2 cells as in the first line, got 4; if these are decimal commas/,
    ],
    [
      "that may all separate thousands",
      lines("a;b", "1,500;2", "3,250;4"),
      /^line 2, column "a": "1,500": may be a decimal comma or a separator of thousands/,
    ],
  ])("%s are refused", async (_, text, expected) => {
    expect(await refusal(text)).toMatch(expected);
  });

  test("one that cannot separate thousands says what the others are", async () => {
    expect(rowsOf(await open(lines("a;b", "1,500;2", "0,250;4")))).toEqual([
      [1.5, 2],
      [0.25, 4],
    ]);
  });
});

describe("numbers", () => {
  test.each([["1.234,5"], ["1,234.5"], ["1 234"], ["1'234.5"], ["1.234.567"]])(
    "%s has separators of thousands",
    async (cell) => {
      expect(await refusal(lines("a;b", `1;${cell}`, "2;3"))).toBe(
        `line 2, column "b": expected a number, got "${cell}"; write it without separators of thousands`,
      );
    },
  );

  test.each([["inf"], ["-Infinity"], ["+INF"]])("%s is not finite", async (cell) => {
    expect(await refusal(lines("a,b", "1,2", `2,${cell}`))).toBe(
      `line 3, column "b": expected a finite number, got "${cell}"; correct it, or leave the row out`,
    );
  });

  test.each([["1e39"], ["-3.5e38"], ["1e999"]])("%s is beyond float32", async (cell) => {
    expect(await refusal(lines("a,b", "1,2", `2,${cell}`))).toContain("expected a number within float32");
  });

  test("whole numbers that float32 rounds are told once", async () => {
    expect((await open(lines("a,b", "1,16777216", "2,16777217", "3,123456789"))).notices).toEqual([
      'whole numbers beyond 2^24 were rounded to float32 (the first in line 3, column "b": "16777217")',
    ]);
  });

  test("bytes of 0 to 255 are real numbers, 0 and 1 are binary, and a stated measure is checked", async () => {
    expect((await open(lines("a,b", "1,255", "0,7"))).measure).toBe("real");
    expect((await open(lines("a,b", "1,0", "0,1"))).measure).toBe("binary");
    expect((await open(lines("a,b", "1,0", "0,2"), { measure: "count" })).measure).toBe("count");
    expect(await refusal(lines("a,b", "1,0", "0,2"), { measure: "unit" })).toContain('of the measure "unit"');
  });
});

describe("columns", () => {
  const nine = Array.from({ length: 9 }, (_, i) => `${i},${i % 4}`);

  test("of text are left out by name", async () => {
    expect(await open(lines("a,city,b,land", "1,x,2,u", "3,y,5,v"))).toMatchObject({
      columns: ["a", "b"],
      notices: ['columns of text were left out: "city", "land"'],
    });
  });

  test("hold numbers where nine cells in ten are, and then a text is an error", async () => {
    expect(await refusal(lines("age,b", ...nine, "abc,3"))).toBe(
      'line 11, column "age": expected a number, got "abc"; correct it, or leave the column out (--columns names those to take)',
    );
    expect((await open(lines("age,b", ...nine.slice(1), "abc,3"))).columns).toEqual(["b"]);
  });

  test("a text below the first 1,000 rows is an error too", async () => {
    const many = Array.from({ length: 1500 }, (_, i) => `${i},${i % 7}`);
    expect(await refusal(lines("a,b", ...many, "x,1"))).toMatch(/^line 1502, column "a": expected a number, got "x"/);
  });

  test("without values and constant ones are left out by name", async () => {
    expect(await open(lines("a,b,c,d", "1,,5,9", "2,,5,9", "3,NA,5,9"))).toMatchObject({
      columns: ["a"],
      notices: ['columns without values were left out: "b"', '2 columns are constant: "c", "d": left out'],
    });
    const among = await open(lines("c,a,d,b", "5,1,8,2", "5,3,8,4", "5,6,8,7"));
    const out = new Float32Array(4);
    among.read([2, 0], out);
    expect([...out]).toEqual([6, 7, 1, 2]);
    expect((await open(lines("a,c", "1,5", "2,5"))).notices).toEqual(['column "c" is constant (5): left out']);
    expect(await refusal(lines("a,b", "1,2", "1,2"))).toMatch(/^expected columns of numbers that differ between rows/);
  });

  test("that count the rows are left out by name, unless they are asked for", async () => {
    const rows = Array.from({ length: 12 }, (_, i) => `${i + 1},${(7 * i) % 5},${2 * i}`);
    const table = lines("id,a,even", ...rows);
    expect(await open(table)).toMatchObject({
      columns: ["a", "even"],
      notices: ['column "id" counts the rows: left out; --columns takes it'],
    });
    expect((await open(table, { columns: ["id", "a"] })).columns).toEqual(["id", "a"]);
    expect((await open(lines("id,a", "1,5", "2,3", "3,4"))).columns).toEqual(["id", "a"]); // too few to tell
  });

  test("that count the rows are so whichever rows are kept", async () => {
    const found = async (row: (i: number) => string, options = {}): Promise<unknown> =>
      (await open(lines("id,a,class", ...Array.from({ length: 30 }, (_, i) => row(i))), options)).columns;
    const a = (i: number): string => (i % 3 === 2 ? "" : String((7 * i) % 5)); // of 1, 2, 3, 4 … 1, 2, 4, 5 … are left
    expect(await found((i) => `${i + 1},${a(i)},x`)).toEqual(["a"]);
    expect(await found((i) => `${i + 1},${a(i)},x`, { missing: "keep" })).toEqual(["a"]);
    expect(await found((i) => `${i + 1},${(7 * i) % 5},${a(i)}`, { label: "class" })).toEqual(["a"]);
    expect(await found((i) => `${i === 4 ? "" : i + 1},${(7 * i) % 5},x`)).toEqual(["a"]); // one number lost

    // Numbers that rise less or more than rows do are data.
    expect(await found((i) => `${i % 2 === 0 ? "" : (i + 1) / 2},${(7 * i) % 5},x`)).toEqual(["id", "a"]);
    expect(await found((i) => `${i + Math.floor(i / 5)},${(7 * i) % 5},x`)).toEqual(["id", "a"]);
  });

  test("are taken by name or number in the order given, constant ones too", async () => {
    const text = lines("a,b,c,d", "1,2,3,x", "4,5,3,y");
    const dataset = await open(text, { columns: ["3", "a"] });
    expect(dataset).toMatchObject({ columns: ["c", "a"], shape: [2], notices: ['column "c" is constant (3)'] });
    expect(rowsOf(dataset)).toEqual([
      [3, 1],
      [3, 4],
    ]);
  });

  test("a name goes before a number", async () => {
    expect((await open(lines("a,1", "5,6", "7,8"), { columns: ["1"] })).columns).toEqual(["1"]);
    expect(rowsOf(await open(lines("a,1", "5,6", "7,8"), { columns: ["1"] }))).toEqual([[6], [8]]);
  });

  test("in another order, and among others, give the same features", async () => {
    const trained = await open(lines("a,b,c", "1,2,3", "4,5,6"));
    const held = await open(lines("x,c,note,a,b", "0,3,p,1,2", "0,6,q,4,5"), { columns: trained.columns });
    expect(held.columns).toEqual(trained.columns);
    expect(rowsOf(held)).toEqual(rowsOf(trained));
  });

  test("one row is enough where they are given: a model is used on it", async () => {
    expect(rowsOf(await open(lines("a,b", "1,2"), { columns: ["b", "a"] }))).toEqual([[2, 1]]);
    expect(rowsOf(await open("1,2\n", { columns: ["column 1", "column 2"] }))).toEqual([[1, 2]]);
  });

  test.each([
    [
      ["agee"],
      '--columns: expected a column of the table, got "agee"; did you mean "age"? (or give a number from 1 to 3)',
    ],
    [["4"], '--columns: expected a column of the table, got "4"; did you mean '],
    [["0"], '--columns: expected a column of the table, got "0"; did you mean '],
    [["age", "1"], '--columns: column "age" is given twice; give it once'],
    [["name"], 'line 2, column "name": expected a number, got "Ann"; correct it'],
    [[], "--columns: expected one column at least, got none"],
  ])("%j is refused", async (columns, expected) => {
    const message = await refusal(lines("age,size,name", "1,2,Ann", "3,4,Bob"), { columns });
    expect(message.slice(0, expected.length)).toBe(expected);
  });

  test("of a table without a header are told by number", async () => {
    expect(await refusal(lines("1,2", "3,4"), { columns: ["age"] })).toBe(
      '--columns: expected a column of the table, got "age"; it has no header line, so give numbers from 1 to 2',
    );
  });

  test("none of numbers is an error", async () => {
    expect(await refusal(lines("a,b", "x,y", "z,w"))).toMatch(/^expected columns of numbers, got text in "a", "b"/);
    expect(await refusal(lines("a", "1", "2"), { label: "a" })).toMatch(
      /^expected columns of numbers, got none beside it/,
    );
  });

  test("what a message quotes cannot steer a terminal", async () => {
    const message = await refusal(lines("a,b", "1,2", '3,"\u001b[31m\nx\u2028\u202e\u009b"'), { columns: ["a", "b"] });
    expect(message).toContain('got "\\u001b[31m\\nx\\u2028\\u202e\\u009b"');
  });
});

describe("labels", () => {
  test("of text are sorted, and no feature", async () => {
    const dataset = await open(lines("a,kind,b", "1,oak,2", "3,ash,4", "5,oak,7"), { label: "kind" });
    expect(dataset).toMatchObject({ columns: ["a", "b"], labelNames: ["ash", "oak"], notices: [] });
    expect([...(dataset.labels ?? [])]).toEqual([1, 0, 1]);
  });

  test("of integers go by number and keep their text", async () => {
    const dataset = await open(lines("a,k", "1,10", "3,9", "5,-1", "7,09"), { label: "2" });
    expect(dataset.labelNames).toEqual(["-1", "09", "9", "10"]);
    expect([...(dataset.labels ?? [])]).toEqual([3, 2, 0, 1]);
  });

  test("that are missing leave their row out; words such as None are classes", async () => {
    const dataset = await open(lines("a,k", "1,x", "2,", "3,None"), { label: "k" });
    expect(dataset).toMatchObject({ length: 2, labelNames: ["None", "x"], sources: ["line 2", "line 4"] });
    expect(dataset.notices).toEqual(["1 row without a label was left out (the first in line 3)"]);
  });

  test("of one class are none", async () => {
    const dataset = await open(lines("a,k", "1,x", "2,x"), { label: "k" });
    expect(dataset.labels).toBeUndefined();
    expect(dataset.notices).toEqual(['column "k" has one class only ("x"), so there are no labels']);
  });

  test("of more than 1,000 classes are refused", async () => {
    const rows = (count: number): string => lines("a,k", ...Array.from({ length: count }, (_, i) => `${i},x${i}`));
    expect((await open(rows(1000), { label: "k" })).labelNames).toHaveLength(1000);
    expect(await refusal(rows(1001), { label: "k" })).toMatch(/^line 1002, column "k": expected at most 1000 classes/);
  });

  test("in a column that is not there, or is a feature, are refused", async () => {
    expect(await refusal(lines("a,kind", "1,2", "3,4"), { label: "kin" })).toMatch(
      /^--label: .*"kin"; did you mean "kind"\?/,
    );
    expect(await refusal(lines("a,b", "1,2", "3,4"), { label: "b", columns: ["a", "b"] })).toMatch(
      /^column "b" is both the label and one of --columns/,
    );
  });

  test("if they are there: no row is lost for them, and one class stays one", async () => {
    const options = { columns: ["a"], labelIfThere: "k" };
    expect((await open(lines("a", "1", "2"), options)).labels).toBeUndefined();
    const gap = await open(lines("a,k", "1,x", "2,", "3,y"), options);
    expect(gap).toMatchObject({ length: 3, notices: ['the labels in column "k" are not used: line 3 has none'] });
    expect(gap.labels).toBeUndefined();
    const one = await open(lines("a,k", "1,x", "2,x"), options);
    expect(one.labelNames).toEqual(["x"]);
    expect([...(one.labels ?? [])]).toEqual([0, 0]);
  });
});
