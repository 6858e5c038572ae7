import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { isTable, openTable } from "../../src/data/table/table.ts";
import { InputError } from "../../src/errors.ts";
import { folder, lines, open, path, refusal, rowsOf } from "./table-file.ts";

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
    const text = `a,b\n${Array.from({ length: 300_000 }, (_, i) => `${i},${i % 9}\n`).join("")}`;
    await open(text, { onProgress: (done, total) => told.push(done / total) });
    expect(told.length).toBeGreaterThan(1); // a piece is a mebibyte
    expect(told.at(-1)).toBe(1);
    const stop = new AbortController();
    const stopped = open(text, { signal: stop.signal, onProgress: () => stop.abort(new Error("stopped")) });
    await expect(stopped).rejects.toThrow("stopped");
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
