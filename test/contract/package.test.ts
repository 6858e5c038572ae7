/** What `npm pack` would publish of the build that `npm test` makes: its files, their size, and nothing of this machine. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import manifest from "../../package.json" with { type: "json" };

const root = fileURLToPath(new URL("../../", import.meta.url));
const MB = 1e6;
const OWN_CODE = 2 * MB; // unpacked: JavaScript and declarations; why so much: docs/decisions/009-model-families.md
const DATA = 5 * MB;

const packed = z.tuple([z.object({ files: z.array(z.object({ path: z.string(), size: z.number() })) })]);

/** Path → bytes. Scripts are off: `prepare` would build again while other tests run the build. */
const files = new Map(
  packed
    .parse(
      JSON.parse(
        execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
          cwd: root,
          encoding: "utf8",
          stdio: ["ignore", "pipe", "ignore"],
        }),
      ),
    )[0]
    .files.map(({ path, size }) => [path, size]),
);

function sizeOf(folder: string): number {
  return [...files].reduce((sum, [path, size]) => sum + (path.startsWith(folder) ? size : 0), 0);
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).filter((file) =>
    statSync(join(root, folder, file)).isFile(),
  );
}

/** The file that an entry of `exports` or `imports` leads to, under each condition. */
function targetsOf(entry: string | Readonly<Record<string, string>>): readonly string[] {
  return typeof entry === "string" ? [entry] : Object.values(entry);
}

describe("the package", () => {
  it("holds the build of every source but the systems, the data, the licence and the README, and no more", () => {
    const sources = filesIn("src").filter(
      (file) => file.endsWith(".ts") && !/^(systems|runtime\/kernels)\//.test(file),
    );
    const built = sources.flatMap((file) => [".js", ".d.ts"].map((end) => `dist/${file.replace(/\.ts$/, end)}`));
    const data = filesIn("data").map((file) => `data/${file}`);
    const expected = ["LICENSE", "README.md", "package.json", ...data, ...built];
    const missing = expected.filter((file) => !files.has(file));
    const extra = [...files.keys()].filter((file) => !expected.includes(file));
    // A file in dist/ that no source makes any more is left by an older build: rm -r dist && npm run build.
    expect({ missing, extra }).toEqual({ missing: [], extra: [] });
  });

  it("has at most 2 MB of own code and 5 MB of data", () => {
    expect(sizeOf("dist/")).toBeGreaterThan(0.1 * OWN_CODE);
    expect(sizeOf("dist/")).toBeLessThanOrEqual(OWN_CODE);
    expect(sizeOf("data/")).toBeGreaterThan(0.5 * DATA);
    expect(sizeOf("data/")).toBeLessThanOrEqual(DATA);
  });

  it("names no path of the machine that built it", () => {
    // With what stands before them, so that a checkout in /data is not found in every "../data/".
    const places = [...new Set([root, "/home/", "/root/", "/Users/", "C:\\Users"])];
    const patterns = places.map(
      (place) => new RegExp(`(?<![\\w./])${place.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&")}`),
    );
    const texts = [...files.keys()].filter((file) => !file.endsWith(".gz"));
    const found = texts.flatMap((file) => {
      const text = readFileSync(join(root, file), "utf8");
      return patterns.flatMap((pattern) => pattern.exec(text) ?? []).map((place) => `${file}: ${place}`);
    });
    expect(found).toEqual([]);
  });

  it("holds every file that its exports, imports and command lead to, with types beside them", () => {
    const targets = [...Object.values(manifest.exports), ...Object.values(manifest.imports), manifest.bin.reparam]
      .flatMap(targetsOf)
      .map((target) => target.replace(/^\.\//, ""));
    expect(targets.length).toBeGreaterThanOrEqual(6);
    const wanted = targets.flatMap((target) => [target, target.replace(/\.js$/, ".d.ts")]);
    expect(wanted.filter((file) => !files.has(file))).toEqual([]);
  });

  it("begins its command with the line by which a shell finds Node", () => {
    expect(readFileSync(join(root, manifest.bin.reparam), "utf8").split("\n")[0]).toBe("#!/usr/bin/env node");
  });

  it("asks its users' npm to run no script of ours", () => {
    // `prepare` runs only in a checkout; what follows would run in every project that installs the package.
    const atInstall = ["preinstall", "install", "postinstall"];
    expect(Object.keys(manifest.scripts).filter((name) => atInstall.includes(name))).toEqual([]);
  });
});
