/** How the command ends: what each error says and which exit code it gives, and what Ctrl-C does. */
import { inspect } from "node:util";
import { InputError, NumericalError } from "../errors.ts";

/** 128 + the signal's number: what a shell reports of a process that a signal ended. */
const EXIT_CODES = { SIGINT: 130, SIGPIPE: 141, SIGTERM: 143 } as const;

/** A signal asked the command to stop, and it did so in good order. */
export class Interrupted extends Error {
  override readonly name: string = "Interrupted";
  readonly exitCode: number;

  constructor(signal: "SIGINT" | "SIGTERM") {
    super(`stopped by ${signal}`);
    this.exitCode = EXIT_CODES[signal];
  }
}

/**
 * Runs the command and turns what it throws into one line on standard error and an exit code: 2 for a user's mistake, 1
 * for a number that is not finite or a fault of ours, 130 when interrupted. REPARAM_DEBUG=1 shows the stack.
 * Sets the code and lets the process end by itself: leaving while ONNX Runtime works in a thread aborts with code 134.
 */
export async function run(main: () => Promise<void>): Promise<void> {
  endWithReader(process.stdout);
  endWithReader(process.stderr);
  try {
    await main();
  } catch (error) {
    const { message, exitCode } = ending(error);
    const text = process.env.REPARAM_DEBUG === "1" ? inspect(error) : message;
    if (text) process.stderr.write(`${text}\n`);
    process.exitCode = exitCode;
  }
}

function ending(error: unknown): { readonly message: string; readonly exitCode: number } {
  if (error instanceof Interrupted) return { message: "", exitCode: error.exitCode };
  const line = `reparam: ${(error instanceof Error ? error.message : String(error)).replace(/\s*\n\s*/g, " ").trim()}`;
  if (error instanceof NumericalError) return { message: line, exitCode: 1 };
  if (error instanceof InputError) return { message: line, exitCode: 2 };
  const hint = "This is a fault in reparam. Please report it with the stack, which REPARAM_DEBUG=1 shows.";
  return { message: `${line}\n${hint}`, exitCode: 1 };
}

/** Ends the command in silence when whoever reads its output has gone, as in `reparam … | head`; with a line where a disk is full. */
function endWithReader(stream: NodeJS.WriteStream): void {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(EXIT_CODES.SIGPIPE);
    if (stream !== process.stderr) process.stderr.write(`reparam: the output cannot be written (${error.message})\n`);
    process.exit(1);
  });
}

export interface Interruption {
  /** Aborted by the first Ctrl-C or SIGTERM; its reason is an `Interrupted`, so `signal.throwIfAborted()` ends the command. */
  readonly signal: AbortSignal;
  /** Gives the signals their usual meaning back. */
  dispose(): void;
}

/** npm hands a Ctrl-C to the script it runs, which has it from the terminal already: within this time two are one. */
const SAME_KEY_PRESS_MS = 300;
/** A timer later than this tells that native code kept the event loop. */
const LATE_MS = 20;

/**
 * Lets the command stop in good order. The first Ctrl-C or SIGTERM aborts the signal and says so. From then on both have
 * their usual meaning: the system ends the process at once, also while native code runs and no JavaScript could.
 */
export function interruptible(say: (line: string) => void): Interruption {
  const controller = new AbortController();
  let heard = 0;
  const onSignal = (signal: "SIGINT" | "SIGTERM"): void => {
    if (controller.signal.aborted) {
      if (performance.now() - heard < SAME_KEY_PRESS_MS) return;
      // It came while native code ran, before the timer below could hand the signals back.
      dispose();
      process.kill(process.pid, signal);
      return;
    }
    heard = performance.now();
    controller.abort(new Interrupted(signal));
    say("stopping in good order; press Ctrl-C again to stop at once");
    disposeWhenFree(SAME_KEY_PRESS_MS);
  };
  // A signal that comes while native code runs is heard after the timers that are due by then: it must not be lost.
  const disposeWhenFree = (wait: number): void => {
    const due = performance.now() + wait;
    setTimeout(() => (performance.now() > due + LATE_MS ? disposeWhenFree(0) : dispose()), wait).unref();
  };
  const dispose = (): void => {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return { signal: controller.signal, dispose };
}
