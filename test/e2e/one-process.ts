/**
 * The built command run again and again in one process, which spares most of what a short run costs: starting Node and
 * reading the modules. Each run has its own arguments, outputs and exit code. What needs a process of its own (a signal, a
 * broken file system, two that write at once, bits that must not depend on what ran before) has `start` of command.ts.
 */
import { once } from "node:events";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { type Command, launch, main, outputs, reparam, type Surroundings } from "./command.ts";
import { contents, expectMistake } from "./small-run.ts";

const server = fileURLToPath(new URL("one-process/server.mjs", import.meta.url));
/** Ends what a run says, on both outputs. */
const MARK = "\x1e end of the run \x1e";

/** Runs the command to its end, all runs in one process of these surroundings, one after another. */
export function oneProcess(surroundings: Surroundings): Command {
  let ask: Command | undefined;
  let before: Promise<unknown> = Promise.resolve();
  return (args) => {
    const asked = ask ?? serve(surroundings);
    ask = asked;
    const ended = before.then(() => asked(args));
    before = ended.catch(() => {}); // whoever awaits it is told
    return ended;
  };
}

function serve(surroundings: Surroundings): Command {
  const child = launch([server, main, MARK], surroundings, ["ignore", "pipe", "pipe", "ipc"]);
  const { stdout, stderr } = outputs(child);
  let hasEnded = false;
  const end = once(child, "close").then(() => {
    hasEnded = true;
  });
  /** What is said until the mark. */
  const heard = async (stream: Readable): Promise<string> => {
    const chunks: Buffer[] = [];
    const hear = (chunk: Buffer): void => void chunks.push(chunk);
    stream.on("data", hear);
    const text = (): string => Buffer.concat(chunks).toString();
    while (!text().endsWith(MARK) && !hasEnded) await Promise.race([once(stream, "data"), end]);
    stream.off("data", hear);
    return text().replace(MARK, "");
  };
  return async (args) => {
    if (hasEnded) throw new Error("the run before has ended the process of all");
    const answer = Promise.race([once(child, "message"), end]);
    const texts = Promise.all([heard(stdout), heard(stderr)]);
    child.send(args);
    const [code] = (await answer) ?? [child.exitCode];
    const [said, told] = await texts;
    return { code, signal: child.signalCode, stdout: said, stderr: told };
  };
}

/** A mistake: what is wrong, the words after `reparam`, and what is said. */
export type Mistake = readonly [string, readonly string[], RegExp];

/**
 * A test for each mistake: it is told in one line with exit code 2, and nothing in the folder changes. The first of them is
 * made in a process of its own as well, which must end alike.
 */
export function refuses(cwd: string, run: Command, mistakes: readonly Mistake[]): void {
  const [first] = mistakes;
  it.each(mistakes)("%s", async (_name, args, message) => {
    const before = contents(cwd);
    const ended = await run(args);
    expectMistake(ended, message);
    if (args === first[1]) expect(await reparam(args, { cwd })).toEqual(ended);
    expect(contents(cwd)).toEqual(before);
  });
}
