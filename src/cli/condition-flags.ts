import type { Command } from "commander";
import type { GivenValues, Stated } from "../data/conditions.ts";
import { InputError } from "../errors.ts";

/** What is given to a model that was trained with `--condition`. */
export interface ConditionFlags {
  readonly class?: string;
  readonly given?: string;
}

export function addConditionFlags(command: Command): Command {
  return command
    .option("--class <name>", "of a model with --condition: the class that is given, by name or number")
    .option("--given <list>", "of a model with --condition: what is given, as in age=40,sex=f");
}

/** What the flags state. @throws InputError where they cannot be read. */
export function statedOf({ class: label, given }: ConditionFlags): Stated {
  const condition = given === undefined ? undefined : parseGiven(given);
  return { ...(label === undefined ? {} : { class: label }), ...(condition === undefined ? {} : { condition }) };
}

function parseGiven(text: string): GivenValues {
  const pairs = text.split(",").map((part): readonly [string, string] => {
    const equals = part.indexOf("=");
    if (equals > 0) return [part.slice(0, equals).trim(), part.slice(equals + 1).trim()];
    throw new InputError(`--given: NAME=VALUE with commas between is expected, as in age=40,sex=f, got "${text}"`);
  });
  const names = pairs.map(([name]) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice === undefined) return Object.fromEntries(pairs);
  throw new InputError(`--given: ${twice} is given twice; give it once`);
}
