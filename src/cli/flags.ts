import type { Command } from "commander";
import { InputError } from "../errors.ts";

/** A flag's positive integer (or from `least` on), undefined where it was not given. */
export function integerFlag(flag: string, text: string | undefined, least = 1): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== "" && Number.isSafeInteger(value) && value >= least) return value;
  throw new InputError(`--${flag}: an integer of ${least} or more is expected, got "${text}"`);
}

/** A flag's number within the two bounds, themselves included, undefined where it was not given. */
export function numberFlag(
  flag: string,
  text: string | undefined,
  [low, high]: readonly [number, number],
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== "" && value >= low && value <= high) return value;
  throw new InputError(`--${flag}: a number from ${low} to ${high} is expected, got "${text}"`);
}

/** Which build of ONNX Runtime a flag asks for. */
export function engineFlag(name: string | undefined): "native" | "wasm" | undefined {
  if (name === undefined || name === "native" || name === "wasm") return name;
  throw new InputError(`--engine: native or wasm is expected, got "${name}"`);
}

/** Flags of every command that runs a trained model. */
export interface RunFlags {
  readonly threads?: string;
  readonly engine?: string;
  readonly json?: boolean;
}

export function addRunFlags(command: Command): Command {
  return command
    .option("--threads <number>", "threads of the engine; the run's own by default")
    .option("--engine <name>", "native or wasm")
    .option("--json", "print the result as JSON");
}

/** Which examples a command works on. */
export interface ExampleFlags {
  readonly split?: string;
  readonly limit?: string;
}

export function addExampleFlags(command: Command): Command {
  return command
    .option("--split <name>", "which of the run's own examples where no DATA is given: test, validation or train")
    .option("--limit <number>", "the first so many examples only");
}

/** Where a command's result goes. */
export interface OutFlags {
  readonly out?: string;
  readonly force?: boolean;
}

export function addOutFlags(command: Command, what: string): Command {
  return command.option("--out <file>", what).option("--force", "replace what is at --out");
}
