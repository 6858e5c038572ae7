// Makes the embedded files in data/ from the full Fashion-MNIST: node scripts/embed-data.mjs [SOURCE_DIR]
// SOURCE_DIR holds the four original .gz files; by default where Debian's dataset-fashion-mnist puts them.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";

const source = process.argv[2] ?? "/usr/share/datasets/fashion-mnist";

embed("train-images-idx3-ubyte.gz", "fashion-train-images-idx3-ubyte.gz", 10_000);
embed("train-labels-idx1-ubyte.gz", "fashion-train-labels-idx1-ubyte.gz", 10_000);
embed("t10k-images-idx3-ubyte.gz", "fashion-test-images-idx3-ubyte.gz", 1_000);
embed("t10k-labels-idx1-ubyte.gz", "fashion-test-labels-idx1-ubyte.gz", 1_000);

/** Writes the first `count` entries of an IDX file of bytes as an IDX file of its own. */
function embed(from, to, count) {
  const idx = gunzipSync(readFileSync(join(source, from)));
  const header = 4 + 4 * idx[3];
  let size = 1;
  for (let at = 8; at < header; at += 4) size *= idx.readUInt32BE(at);

  const first = Buffer.from(idx.subarray(0, header + count * size));
  first.writeUInt32BE(count, 4);
  const gzip = gzipSync(first, { level: 9 }); // its time stamp is 0
  gzip[9] = 255; // "unknown" operating system: the same file from every one
  writeFileSync(new URL(`../data/${to}`, import.meta.url), gzip);
}
