import { InputError } from "../errors.ts";
import { densityModels } from "../models/names.ts";
import { type ProgramName, programNames, type RunFacts } from "../run/facts.ts";
import { type Ability, abilities } from "./trained-model.ts";

/** Which programs an ability stands on; `likelihood` only where the model has it: elsewhere what z decodes to is a point. */
const programsOf: Readonly<Record<Ability, readonly ProgramName[]>> = {
  encode: ["encoder"],
  decode: ["decoder"],
  sample: ["prior", "decoder", "likelihood"],
  reconstruct: ["encoder", "decoder"],
  score: ["density"],
};

/** What a model can do, by the programs that it has. */
export function abilitiesIn({ model: { programs = [...programNames] } }: RunFacts): readonly Ability[] {
  return abilities.filter((ability) =>
    programsOf[ability].every((name) => name === "likelihood" || programs.includes(name)),
  );
}

/** The programs of a model that an ability stands on. */
export function programsFor(
  ability: Ability,
  { model: { programs = [...programNames] } }: RunFacts,
): readonly ProgramName[] {
  return programsOf[ability].filter((name) => programs.includes(name));
}

/** Refuses what a model is not made for, and names the models that are; `place` is where it is from. */
export function checkAble(need: Ability, facts: RunFacts, place: string): void {
  if (abilitiesIn(facts).includes(need)) return;
  throw new InputError(`${place}: cannot ${need}: ${facts.model.family ?? "its model"} ${lack[need]}`);
}

/** Why a model cannot do it, and which can. */
const lack: Readonly<Record<Ability, string>> = {
  encode: "has no encoder",
  decode: "has no decoder",
  reconstruct: "has no encoder and decoder",
  sample: `has no prior p(z) to draw from; these have: --model ${densityModels.join(", ")}`,
  score: `has no density p(x); these have: --model ${densityModels.join(", ")}`,
};
