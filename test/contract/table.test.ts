import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import type { Dataset } from "../../src/data/dataset.ts";
import { isTable, openTable, type TableOptions } from "../../src/data/table.ts";
import { InputError } from "../../src/errors.ts";

const folder = mkdtempSync(join(tmpdir(), "reparam-table-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const path = join(folder, "t.csv");

function open(content: string | Uint8Array, options: TableOptions = {}): Promise<Dataset> {
  writeFileSync(path, content);
  return openTable(path, options);
}

function rowsOf(dataset: Dataset): number[][] {
  return Array.from({ length: dataset.length }, (_, row) => {
    const out = new Float32Array(dataset.shape[0]);
    dataset.read([row], out);
    return [...out];
  });
}

/** The message, without the path that it begins with. */
async function refusal(content: string | Uint8Array, options: TableOptions = {}): Promise<string> {
  const error = await open(content, options).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof InputError)) throw new Error(`expected an InputError, got ${error}`);
  expect(error.message).not.toMatch(/[\n\r]/);
  expect(error.message.startsWith(`${path}: `)).toBe(true);
  return error.message.slice(path.length + 2);
}

const lines = (...all: readonly string[]): string => `${all.join("\n")}\n`;

describe("what separates the cells", () => {
  test.each([
    ["commas", "a,b\n1,2.5\n-3,4e1\n"],
    ["semicolons", "a;b\n1;2.5\n-3;4e1\n"],
    ["tabs", "a\tb\n1\t2.5\n-3\t4e1\n"],
    ["bars", "a|b\n1|2.5\n-3|4e1\n"],
    ["runs of blanks", "  a    b\n  1  2.5\n -3  4e1 \n"],
    ["CRLF", "a,b\r\n1,2.5\r\n-3,4e1\r\n"],
    ["CR", "a,b\r1,2.5\r-3,4e1\r"],
    ["a byte order mark", "\ufeffa,b\n1,2.5\n-3,4e1\n"],
    ["a blank after each comma", "a, b\n1, 2.5\n-3, 4e1\n"],
    ["quotes", '"a","b"\n"1","2.5"\n"-3","4e1"\n'],
    ["no end of the last line", "a,b\n1,2.5\n-3,4e1"],
    ["empty lines", "\n\na,b\n1,2.5\n\n-3,4e1\n\n"],
  ])("%s", async (_, text) => {
    const dataset = await open(text);
    expect(dataset).toMatchObject({ name: path, shape: [2], dtype: "float32", columns: ["a", "b"], notices: [] });
    expect(rowsOf(dataset)).toEqual([
      [1, 2.5],
      [-3, 40],
    ]);
  });

  test("other delimiters within texts are none", async () => {
    const text = lines("a;b;what", "1;2;x, y, z", "3;4;p, q, r");
    expect((await open(text, { label: "what" })).labelNames).toEqual(["p, q, r", "x, y, z"]);
  });

  test("one column", async () => {
    expect(rowsOf(await open(lines("x", "1", "2")))).toEqual([[1], [2]]);
    expect((await open(lines("my value", "1", "2"))).columns).toEqual(["my value"]);
  });

  test("gzip, with the checksum of what is in it", async () => {
    const text = lines("a,b", "1,2", "3,4");
    const checksum = `sha256:${createHash("sha256").update(text).digest("hex")}`;
    expect((await open(text)).checksum).toBe(checksum);
    expect((await open(gzipSync(text))).checksum).toBe(checksum);
  });
});

describe("the header", () => {
  test("is a text above numbers, or texts alone that all differ", async () => {
    expect((await open(lines("a,7,8", "1,2,3", "4,5,6"))).columns).toEqual(["a", "7", "8"]);
    expect((await open(lines("1,2,3", "4,5,7"))).columns).toEqual(["column 1", "column 2", "column 3"]);
    expect((await open(lines("x,1", "y,2"))).columns).toEqual(["column 2"]);
  });

  test("of 0, 1, 2 … as pandas writes it is told", async () => {
    const dataset = await open(lines("0,1,2", "5,6,7", "8,9,11"));
    expect(dataset).toMatchObject({ length: 2, columns: ["0", "1", "2"] });
    expect(dataset.notices).toEqual([
      "the first line counts the columns (0, 1, 2 …): it was read as their names, not as a row",
    ]);
  });

  test("may lack names", async () => {
    expect((await open(lines("a,,c", "1,2,3", "4,5,6"))).columns).toEqual(["a", "column 2", "c"]);
  });

  test("with one name twice is refused", async () => {
    expect(await refusal(lines("a,b,a", "1,2,3", "4,5,6"))).toBe(
      'header line: columns 1 and 3 are both named "a"; give each a name of its own',
    );
  });

  test("a nameless first column that numbers the rows is left out, unless it is asked for", async () => {
    const text = lines(",a,b", "7,1,2", "3,3,5");
    expect(await open(text)).toMatchObject({
      columns: ["a", "b"],
      notices: ["the first column has no name and numbers the rows: it was left out (--columns takes it)"],
    });
    expect(rowsOf(await open(text, { columns: ["1", "b"] }))).toEqual([
      [7, 2],
      [3, 5],
    ]);
  });
});

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
      'most in column "b"'
        .replace("most in", "3 rows with missing values were left out (the first in line 3);")
        .concat(" lacks 3"),
    ]);
  });

  test("those in columns that are not read do not count", async () => {
    expect((await open(lines("a,b,c", "1,2,", "3,4,NA", "5,6,7"), { columns: ["a", "b"] })).length).toBe(3);
  });

  test("no whole row is an error that names the column", async () => {
    expect(await refusal(lines("a,b", "1,", ",2", ",3"))).toBe(
      'expected rows without missing values, got none in 3: column "a" lacks 2; leave such columns out (--columns names those to take)',
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
    expect((await open(lines("a,c", "1,5", "2,5"))).notices).toEqual(['column "c" is constant (5): left out']);
    expect(await refusal(lines("a,b", "1,2", "1,2"))).toMatch(/^expected columns of numbers that differ between rows/);
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

describe("lines", () => {
  test("are those of the file: after empty ones, and line breaks within quotes", async () => {
    const text = 'a,b\r\n\r\n1,"x\r\ny\r\n"\r\n2,"p\nq"\r\n3,z\r\n';
    expect((await open(text, { label: "b" })).sources).toEqual(["line 3", "line 6", "line 8"]);
    expect(await refusal(`${text}4,"a\r\nb"\r\n5\r\n`)).toBe(
      "line 11: expected 2 cells as in the first line, got 1; correct the line, or put a cell that holds the delimiter in quotes",
    );
  });

  test("of unequal length are refused", async () => {
    expect(await refusal(lines("a;b;c", "1;2;3", "4;5"))).toMatch(
      /^line 3: expected 3 cells as in the first line, got 2;/,
    );
    expect(await refusal(lines("a", "1,2"))).toMatch(/^expected two rows/);
  });

  test("of a quote that is never closed", async () => {
    expect(await refusal(lines("a,b", "1,2", '3,"4', "5,6"))).toMatch(/^line 3: a cell here or below begins with a "/);
  });

  test("quotes within a cell are a part of it", async () => {
    expect((await open(lines("a,b", '1,5" pipe', '2,6" "pipe"'), { label: "b" })).labelNames).toEqual([
      '5" pipe',
      '6" "pipe"',
    ]);
  });
});

describe("files that are no table", () => {
  test.each([
    ["empty", "", "the file is empty"],
    ["a byte order mark alone", "\ufeff", "the file is empty"],
    ["empty lines alone", "\n\r\n\n", "the file is empty"],
    ["a header alone", "a,b\n", "expected rows below the header line, got none"],
    ["one row", "a,b\n1,2\n", "expected two rows at least, got one"],
    [
      "UTF-16",
      Buffer.from("\ufeffa,b\n1,2\n3,4\n", "utf16le"),
      'line 1: expected UTF-8, got UTF-16; save it as "CSV UTF-8"',
    ],
    [
      "Latin-1",
      Buffer.from("a,b\n1,2\n3,gr\xfcn\n", "latin1"),
      'line 3: expected UTF-8, got another encoding; save it as "CSV UTF-8"',
    ],
    ["a zero byte", "a,b\n1,2\n3,\0\n", "line 3: expected text, got a zero byte: this is no table"],
  ])("%s", async (_, content, expected) => {
    expect(await refusal(content)).toBe(expected);
  });

  test.each([
    ["no such file", join(folder, "none.csv"), "no such file"],
    ["a folder", folder, "a directory"],
  ])("%s", async (_, place, expected) => {
    await expect(openTable(place)).rejects.toThrow(InputError);
    await expect(openTable(place)).rejects.toThrow(expected);
  });
});

describe("large tables", () => {
  test("come through memory or through a file alike, over many pieces of the file", async () => {
    const rows = Array.from(
      { length: 60_000 },
      (_, i) => `${i % 1000},${(i * 7) % 13},"täxt\n${"ü".repeat(i % 50)}",${i % 3},8`,
    );
    const text = lines("a,b,note,kind,same", ...rows);
    expect(Buffer.byteLength(text)).toBeGreaterThan(3 * 2 ** 20); // pieces of a mebibyte
    const [whole, large] = [await open(text, { label: "kind" }), await open(text, { label: "kind", limit: 0 })];
    const { read: _, ...about } = whole;
    expect(large).toMatchObject(about);
    expect(whole).toMatchObject({ length: 60_000, columns: ["a", "b"], labelNames: ["0", "1", "2"] });
    expect(whole.sources?.[59_999]).toBe(`line ${2 + 2 * 59_999}`);
    const picked = [0, 59_999, 17, 30_000];
    for (const dataset of [whole, large]) {
      const out = new Float32Array(8);
      dataset.read(picked, out);
      expect([...out]).toEqual(picked.flatMap((i) => [i % 1000, (i * 7) % 13]));
    }
  });

  test("no temporary file stays behind where one is refused", async () => {
    const before = readdirSync(tmpdir()).filter((name) => name.endsWith(".rows"));
    const rows = Array.from({ length: 40_000 }, (_, i) => `${i},${i % 7}`);
    expect(await refusal(lines("a,b", ...rows, "1"), { limit: 0 })).toMatch(/^line 40002: expected 2 cells/);
    expect(readdirSync(tmpdir()).filter((name) => name.endsWith(".rows"))).toEqual(before);
  });

  test("100,000 columns", async () => {
    const row = (start: number): string => Array.from({ length: 100_000 }, (_, i) => start + i).join(",");
    const dataset = await open(lines(row(0).replaceAll(/\d+/g, "c$&"), row(1), row(5)));
    expect(dataset.shape).toEqual([100_000]);
    expect(rowsOf(dataset)[1][99_999]).toBe(100_004);
  });

  test("more than 2^20 columns are refused", async () => {
    expect(await refusal(`${"1,".repeat(2 ** 20)}1\n`)).toBe(
      "first line: expected at most 1048576 columns, got 1048577",
    );
  });

  test("progress is told, and a signal stops", async () => {
    const told: number[] = [];
    const text = lines("a,b", ...Array.from({ length: 200_000 }, (_, i) => `${i},${i % 9}`));
    await open(text, { onProgress: (done, total) => told.push(done / total) });
    expect(told.at(-1)).toBe(1);
    await expect(open(text, { signal: AbortSignal.abort(new Error("stopped")) })).rejects.toThrow("stopped");
  });
});

describe("isTable", () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

  test.each([
    ["text", bytes("a,b\n1,2\n"), true],
    ["a byte order mark", bytes("\ufeffa"), true],
    ["a cut character", bytes("a,ü").subarray(0, 3), true],
    ["UTF-16, which is told how to be saved", Uint8Array.of(0xff, 0xfe, 97, 0), true],
    ["Latin-1, likewise", Uint8Array.of(97, 44, 0xfc, 10), true],
    ["a zero byte", Uint8Array.of(97, 0, 98), false],
    ["PNG", Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10), false],
    ["JPEG", Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 16), false],
    ["SVG", bytes('<?xml version="1.0"?><svg/>'), false],
    ["IDX", Uint8Array.of(0, 0, 8, 1), false],
    ["NumPy", new Uint8Array(readFileSync(new URL("../golden/values/npy/u1.npy", import.meta.url))), false],
  ])("%s", (_, first, expected) => {
    expect(isTable(first)).toBe(expected);
  });
});
