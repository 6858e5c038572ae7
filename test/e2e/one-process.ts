/**
 * The built command run again and again in one process, which spares most of what a mistake costs: starting Node and
 * reading the modules. Each run has its own arguments, output and exit code; what a run leaves behind in the process is
 * seen by those after it. What a process of its own must show, such as signals, stays with `reparam` of command.ts.
 */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { type Ended, launch, main, outputs, reparam, type Surroundings } from "./command.ts";
import { contents, expectMistake } from "./small-run.ts";

const server = fileURLToPath(new URL("one-process/server.mjs", import.meta.url));
/** Ends what a run says, on both outputs. */
const MARK = "\0end of the run\0";

/** Runs the command to its end, all runs in one process of these surroundings, one after another. */
export function oneProcess(surroundings: Surroundings): (args: readonly string[]) => Promise<Ended> {
  let child: ChildProcess | undefined;
  return (args) => {
    child ??= launch([server, main, MARK], surroundings, ["ignore", "pipe", "pipe", "ipc"]);
    return ask(child, args);
  };
}

async function ask(child: ChildProcess, args: readonly string[]): Promise<Ended> {
  if (child.exitCode !== null || child.signalCode !== null) throw new Error("the process of the runs before has ended");
  const { stdout, stderr } = outputs(child);
  const closed = once(child, "close").then(() => undefined);
  const [said, told] = [stdout, stderr].map(async (stream) => {
    let text = "";
    const hear = (chunk: Buffer): void => void (text += chunk.toString("latin1"));
    stream.on("data", hear);
    while (!text.endsWith(MARK) && (await Promise.race([once(stream, "data"), closed])) !== undefined);
    stream.off("data", hear);
    return Buffer.from(text, "latin1").toString().replace(MARK, "");
  });
  const answer = once(child, "message");
  child.send(args);
  const message = await Promise.race([answer, closed]);
  const [code, signal] = message === undefined ? [child.exitCode, child.signalCode] : [Number(message[0]), null];
  return { code, signal, stdout: await said, stderr: await told };
}

/** A mistake: what is wrong, the words after `reparam`, and what is said. */
export type Mistake = readonly [string, readonly string[], RegExp];

/**
 * A test for each mistake: it is told in one line with exit code 2, and nothing in the folder changes. All are made in one
 * process, and the first of them in a process of its own too, where all must be the same.
 */
export function refuses(cwd: string, mistakes: readonly Mistake[]): void {
  const together = oneProcess({ cwd });
  const [first] = mistakes;
  it.each(mistakes)("%s", async (_name, args, message) => {
    const before = contents(cwd);
    const ended = await together(args);
    expectMistake(ended, message);
    if (args === first[1]) expect(await reparam(args, { cwd })).toEqual(ended);
    expect(contents(cwd)).toEqual(before);
  });
}
