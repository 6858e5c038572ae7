/** `reparam` as a user runs it: the built package (`npm test` builds it), in a process and a folder of its own. */
import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";

export const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

export interface Surroundings {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A module of `preload/` that is loaded before the command. */
  readonly preload?: string;
  /** The largest file that may be written, in blocks of 512 bytes. */
  readonly fileLimit?: number;
  /** Runs as a user who may not write where others forbid it; root may write anywhere. */
  readonly asNobody?: boolean;
}

/** How the command ended: by an exit code or by a signal. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command with these arguments to its end, in surroundings that are set. */
export type Command = (args: readonly string[]) => Promise<Ended>;

export interface Running {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  kill(signal: NodeJS.Signals): void;
  /** Waits until this has been said on standard error. */
  said(what: string): Promise<void>;
}

const children = new Set<ChildProcess>();
const folders = new Set<string>();
afterAll(async () => {
  const closed = [...children].map((child) => once(child, "close"));
  for (const child of children) child.kill("SIGKILL");
  await Promise.all(closed);
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** An empty folder that is removed after the file's tests. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "reparam-e2e-"));
  chmodSync(folder, 0o755); // mkdtemp's own mode would keep "nobody" out
  folders.add(folder);
  return folder;
}

/** Starts Node on a module of `preload/` where one is named, and on a script with its arguments. */
export function launch(script: readonly string[], surroundings: Surroundings, stdio: StdioOptions): ChildProcess {
  const { cwd, env, preload, fileLimit, asNobody } = surroundings;
  const hook = preload === undefined ? [] : ["--import", new URL(`preload/${preload}.mjs`, import.meta.url).href];
  const command = [process.execPath, ...hook, ...script];
  // POSIX's shell counts in blocks of 512 bytes; exec keeps the process number.
  const limit = fileLimit === undefined ? [] : ["sh", "-c", `ulimit -f ${fileLimit} && exec "$0" "$@"`];
  const [file, ...rest] = [...limit, ...command];
  const NOBODY = 65534;
  const user = asNobody && process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  const child = spawn(file, rest, {
    cwd,
    env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined, REPARAM_DEBUG: undefined, ...env },
    stdio,
    ...user,
  });
  children.add(child);
  child.once("close", () => children.delete(child));
  return child;
}

/** What a process says on standard output and standard error, of which `launch` has made pipes. */
export function outputs({ stdout, stderr }: ChildProcess): { readonly stdout: Readable; readonly stderr: Readable } {
  if (stdout === null || stderr === null) throw new Error("both outputs are expected to be pipes");
  return { stdout, stderr };
}

/** Starts the command. */
export function start(args: readonly string[], surroundings: Surroundings): Running {
  const child = launch([main, ...args], surroundings, ["ignore", "pipe", "pipe"]);
  const { stdout: said, stderr: told } = outputs(child);
  let heard = "";
  told.on("data", (chunk: Buffer) => {
    heard += chunk;
  });
  const ended = (async (): Promise<Ended> => {
    const [stdout, stderr, [code, signal]] = await Promise.all([text(said), text(told), once(child, "close")]);
    return { code, signal, stdout, stderr };
  })();
  return {
    pid: child.pid ?? Number.NaN,
    ended,
    kill: (signal) => void child.kill(signal),
    said: async (what) => {
      while (!heard.includes(what)) {
        const isOver = await Promise.race([once(told, "data").then(() => false), ended.then(() => true)]);
        if (isOver && !heard.includes(what)) throw new Error(`ended without saying "${what}": ${heard}`);
      }
    },
  };
}

/** Runs the command to its end. */
export function reparam(args: readonly string[], surroundings: Surroundings): Promise<Ended> {
  return start(args, surroundings).ended;
}
