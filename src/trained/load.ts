import { openEngine } from "#engine";
import { openRunFiles } from "#run-files";
import { InputError } from "../errors.ts";
import { parseFacts, type RunFacts } from "../run/facts.ts";
import type { RunFiles, RunSource } from "../run/run-files.ts";
import type { Engine, EngineOptions } from "../runtime/engine.ts";
import { abilitiesOf } from "./abilities.ts";
import { abilitiesIn, checkAble, programsFor } from "./able.ts";
import { openPrograms, type Programs } from "./programs.ts";
import { NO_REFERENCE, readReference } from "./scores.ts";
import { type Ability, abilities, type TrainedModel } from "./trained-model.ts";

export interface LoadOptions<A extends Ability> extends EngineOptions {
  /** What the app will ask of the model: only the files for that are read, and a model that lacks one is refused here. */
  readonly needs?: readonly A[];
  /** An engine that is open already, instead of one of its own. */
  readonly runtime?: Engine;
}

/**
 * A trained model, by its files alone: a run folder's path in Node; an address, or the files themselves, also in a browser.
 * Without `needs` all abilities that the model has are asked for.
 * @throws InputError where there is no run, a file is damaged, or the model cannot do what is needed.
 */
export async function load<const A extends Ability = Ability>(
  source: RunSource,
  options?: LoadOptions<A>,
): Promise<TrainedModel<A>>;
export async function load(source: RunSource, options: LoadOptions<Ability> = {}): Promise<TrainedModel> {
  const files = openRunFiles(source);
  const facts = await readFacts(files);
  const { needs = abilitiesIn(facts) } = options;
  const engine = options.runtime ?? (await openEngine(options));
  const programs = openPrograms(engine, files);
  try {
    for (const need of needs) await openFor(need, programs, files, facts);
    const reference = needs.includes("score") ? await readReference(files) : undefined;
    if (needs.includes("score") && !reference) throw new InputError(`${files.name}: ${NO_REFERENCE}`);
    return {
      ...abilitiesOf(programs, facts, reference),
      name: files.name,
      facts,
      reference,
      release: () => programs.release(),
    };
  } catch (error) {
    await programs.release();
    throw error;
  }
}

async function openFor(need: Ability, programs: Programs, files: RunFiles, facts: RunFacts): Promise<void> {
  checkAble(need, facts, files.name);
  for (const name of programsFor(need, facts)) {
    if (await programs.get(name)) continue;
    const able = [];
    for (const ability of abilities) {
      const there = await Promise.all(programsFor(ability, facts).map((one) => programs.has(one)));
      if (there.length > 0 && there.every(Boolean)) able.push(`"${ability}"`);
    }
    const remedy = able.length > 0 ? `it can do { needs: [${able.join(", ")}] }` : "it has no programs";
    throw new InputError(
      `${files.name}: cannot ${need}, as it has no ${name}.onnx; ${remedy}; where a run was stopped, reparam train --resume finishes it`,
    );
  }
}

async function readFacts(files: RunFiles): Promise<RunFacts> {
  const file = `${files.name}/config.json`;
  const bytes = await files.read("config.json");
  if (!bytes) throw new InputError(`${files.name}: is no run: it has no config.json`);
  let config: unknown;
  try {
    config = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new InputError(`${file}: is not JSON; the file was changed, or is not a run's`);
  }
  return parseFacts(config, file);
}
