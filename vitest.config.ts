import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (path: string): string => fileURLToPath(new URL(`./src/${path}`, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: "#engine", replacement: source("runtime/engine-node.ts") },
      { find: "#run-files", replacement: source("run/run-files-node.ts") },
      { find: "#images", replacement: source("trained/images-node.ts") },
      { find: /^reparam$/, replacement: source("index.ts") },
      { find: /^reparam\/tensor$/, replacement: source("tensor/index.ts") },
    ],
  },
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks", // a native abort costs one file, not the run
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
