import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { Contestant } from "./turns.ts";

export interface Peer extends Contestant {
  /** "2.15.0, MKL 2024.2" */
  readonly version: string;
}

/** Why a peer takes no part. */
export interface Absent {
  readonly absent: string;
}

const python = process.env.PYTHON ?? "python3";
const failed = z.object({ ready: z.literal(false), error: z.string() });
const started = z.object({ ready: z.literal(true), version: z.string() });
const greeting = z.discriminatedUnion("ready", [started, failed]);
const answer = z.object({ ms: z.array(z.number()) });

/**
 * Starts a script of `peers/` in a process of its own, ready and warm, or tells why there is none. It greets with one line of JSON,
 * {"ready": true, "version": …} or {"ready": false, "error": …}, and answers `run N` with {"ms": [N numbers]}.
 */
export async function openPython(
  file: string,
  { name, threads, options }: { readonly name: string; readonly threads: number; readonly options: readonly string[] },
): Promise<Peer | Absent> {
  const script = fileURLToPath(new URL(`peers/${file}`, import.meta.url));
  const child = spawn(python, [script, ...options], { stdio: ["pipe", "pipe", "inherit"] });
  const failure = await once(child, "spawn").then(
    () => undefined,
    (error: Error) => error.message,
  );
  if (failure !== undefined) return { absent: `${python} cannot be started (${failure})` };
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const said = async (): Promise<unknown> => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${python} ${script} ended early`);
    return JSON.parse(value);
  };
  const hello = greeting.parse(await said());
  if (!hello.ready) {
    await end(child);
    return { absent: hello.error };
  }
  return {
    name,
    threads,
    version: hello.version,
    take: async (steps) => {
      child.stdin.write(`run ${steps}\n`);
      return answer.parse(await said()).ms;
    },
    close: () => end(child),
  };
}

async function end(child: ChildProcess): Promise<void> {
  const closed = once(child, "close");
  child.stdin?.end();
  await closed;
}
