import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { extname, join } from "node:path";

const types: Readonly<Record<string, string>> = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

/** A folder, and `extra` bytes by path, on this machine only; isolated, as a page must be that shares memory between threads. */
export async function serve(folder: string, extra: Readonly<Record<string, Uint8Array>>): Promise<Server> {
  const server = createServer(async ({ url = "/" }, response) => {
    const [path] = url.replace(/^\/(?=\?|$)/, "/index.html").split("?");
    response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
    response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
    response.setHeader("Content-Type", types[extname(path)] ?? "application/octet-stream");
    const bytes = extra[path] ?? (await readFile(join(folder, path)).catch(() => undefined));
    response.statusCode = bytes ? 200 : 404;
    response.end(bytes);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return server;
}

export function originOf(server: Server): string {
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the server has no address");
  return `http://127.0.0.1:${address.port}`;
}
