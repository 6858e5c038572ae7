import { fileURLToPath } from "node:url";
import { build, type Plugin } from "vite";

export interface Bundle {
  /** The scripts that were put out, by their names. */
  readonly scripts: ReadonlyMap<string, string>;
  /** What each source module became, by its path. */
  readonly modules: ReadonlyMap<string, string>;
}

/** Builds a page into a folder, as an app of one's own would be; with the page's own config where it has one. */
export async function bundle(page: string, folder: string, configFile: string | false = false): Promise<Bundle> {
  const scripts = new Map<string, string>();
  const modules = new Map<string, string>();
  const collect: Plugin = {
    name: "collect",
    generateBundle(_options, output) {
      for (const chunk of Object.values(output)) {
        if (chunk.type !== "chunk") continue;
        scripts.set(chunk.fileName, chunk.code);
        for (const [id, { code }] of Object.entries(chunk.modules)) modules.set(id, code ?? "");
      }
    },
  };
  await build({
    root: fileURLToPath(new URL(page, import.meta.url)),
    configFile,
    logLevel: "warn",
    build: { outDir: folder, emptyOutDir: true },
    plugins: [collect],
    worker: { format: "es", plugins: () => [collect] },
  });
  return { scripts, modules };
}
