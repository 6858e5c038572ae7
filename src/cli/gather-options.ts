import { InputError } from "../errors.ts";
import { readOptionsFile } from "../run/config.ts";
import { parseOptions, type TrainOptions } from "../run/options.ts";
import { checkFlags } from "../run/options-together.ts";

/** An option's name as a flag has it: learningRate → learning-rate. */
export function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Options from the config file, and over them those given as flags; --epochs goes before the file's steps. */
export function gatherOptions(given: Readonly<Record<string, unknown>>, config: string | undefined): TrainOptions {
  const { steps, ...fromFile } = config === undefined ? {} : readOptionsFile(config);
  const file = steps === undefined || "epochs" in given ? fromFile : { ...fromFile, steps };
  const from = (option: string): string =>
    option in given ? (option === "data" ? "DATA" : `--${kebab(option)}`) : `${config}: ${option}`;
  const options = parseOptions({ ...file, ...given }, from);
  checkFlags(Object.keys(given), options, from);
  if (!("steps" in given && "epochs" in given)) return options;
  throw new InputError("--steps and --epochs say the same twice; give one of them");
}
