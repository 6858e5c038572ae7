import { InputError } from "../errors.ts";
import { readOptionsFile } from "../run/config.ts";
import { parseOptions, type TrainOptions } from "../run/options.ts";
import { checkFlags } from "../run/options-together.ts";

/** An option's name as a flag has it: learningRate → learning-rate. */
export function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** What a file says otherwise, and gives way to the flag. */
const instead: Readonly<Record<string, string>> = { epochs: "steps", choose: "components", components: "choose" };

/** Options from the config file, and over them those given as flags: --epochs goes before the file's steps too. */
export function gatherOptions(given: Readonly<Record<string, unknown>>, config: string | undefined): TrainOptions {
  const fromFile = config === undefined ? {} : readOptionsFile(config);
  const over = Object.keys(given).map((option) => instead[option]);
  const file = Object.fromEntries(Object.entries(fromFile).filter(([option]) => !over.includes(option)));
  const from = (option: string): string =>
    option in given ? (option === "data" ? "DATA" : `--${kebab(option)}`) : `${config}: ${option}`;
  const options = parseOptions({ ...file, ...given }, from);
  checkFlags(Object.keys(given), options, from);
  if (!("steps" in given && "epochs" in given)) return options;
  throw new InputError("--steps and --epochs say the same twice; give one of them");
}
