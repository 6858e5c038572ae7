import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { Subject } from "./subject.ts";
import type { Contestant } from "./turns.ts";

/** How PyTorch is run: eager with its default Adam, with its fused one, and with the loss compiled. */
export const flavours: readonly Flavour[] = [
  { name: "torch eager", options: [], barred: true },
  { name: "torch eager, fused Adam", options: ["--fused"], barred: false },
  { name: "torch compiled, fused Adam", options: ["--compile", "--fused"], barred: false },
];

export interface Flavour {
  readonly name: string;
  readonly options: readonly string[];
  /** Whether the bars are held against it. */
  readonly barred: boolean;
}

export interface Peer extends Contestant {
  /** "2.15.0, MKL 2024.2" */
  readonly version: string;
}

/** Why a peer takes no part. */
export interface Absent {
  readonly absent: string;
}

const script = fileURLToPath(new URL("peers/step.py", import.meta.url));
const python = process.env.PYTHON ?? "python3";
const greeting = z.discriminatedUnion("ready", [
  z.object({ ready: z.literal(true), torch: z.string(), blas: z.string() }),
  z.object({ ready: z.literal(false), error: z.string() }),
]);
const answer = z.object({ ms: z.array(z.number()) });

/** Starts PyTorch in a process of its own, ready and warm, or tells why there is none. */
export async function openPeer(subject: Subject, threads: number, flavour: Flavour): Promise<Peer | Absent> {
  const options = ["--model", subject, "--threads", String(threads), ...flavour.options];
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
    name: flavour.name,
    threads,
    version: `${hello.torch}, ${hello.blas}`,
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
