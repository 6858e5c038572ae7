import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import type { Dataset } from "../../src/data/dataset.ts";
import { embeddedFashion } from "../../src/data/fashion.ts";

describe("embedded Fashion-MNIST", () => {
  let train: Dataset;
  let test1000: Dataset;
  beforeAll(async () => {
    ({ train, test: test1000 } = await embeddedFashion());
  });

  test("the files are those that data/README.md lists, by checksum", () => {
    const folder = new URL("../../data/", import.meta.url);
    const rows = readFileSync(new URL("README.md", folder), "utf8").matchAll(
      /^\| `(\S+\.gz)` .* `([0-9a-f]{64})` \|$/gm,
    );
    const listed = Array.from(rows, ([, name, checksum]) => [name, checksum]);
    const names = readdirSync(folder).filter((name) => name.endsWith(".gz"));
    expect(listed.map(([name]) => name).sort()).toEqual(names.sort());
    for (const [name, checksum] of listed) {
      const content = gunzipSync(readFileSync(new URL(name, folder)));
      expect(createHash("sha256").update(content).digest("hex"), name).toBe(checksum);
    }
  });

  test("are images of bytes with the checksums of their files", () => {
    const images = { shape: [1, 28, 28], dtype: "uint8", measure: "bytes" };
    expect(train).toMatchObject({ ...images, name: "fashion/train", length: 10_000 });
    expect(train.checksum).toBe("sha256:ed2e37ed5a3a57d212141a69fe0a0de5a7126ffba14ac3f7e76f5f52cc04b1f0");
    expect(test1000).toMatchObject({ ...images, name: "fashion/test", length: 1000 });
    expect(test1000.checksum).toBe("sha256:7a6d8e07ea021ec5bc73135ebd0a5770799557ec6f8242d8749c4f32a3cf4643");
  });

  // The first classes of the published label files: `zcat train-labels-idx1-ubyte.gz | od -An -tu1 -j8 -N10`
  test("have their labels", () => {
    expect([...(train.labels ?? [])].slice(0, 10)).toEqual([9, 0, 0, 3, 0, 2, 7, 2, 5, 5]);
    expect([...(test1000.labels ?? [])].slice(0, 10)).toEqual([9, 2, 1, 1, 6, 1, 4, 6, 5, 7]);
    expect(new Set(train.labels).size).toBe(10);
  });

  test("no test image is among the training images", () => {
    const image = new Uint8Array(784);
    const imageText = (dataset: Dataset, row: number): string => {
      dataset.read([row], image);
      return String.fromCharCode(...image);
    };
    const seen = new Set(Array.from({ length: train.length }, (_, row) => imageText(train, row)));
    expect(seen.size).toBe(train.length);
    for (let row = 0; row < test1000.length; row++)
      expect(seen.has(imageText(test1000, row)), `row ${row}`).toBe(false);
  });
});
