import { openEngine } from "#engine";
import { type RunConfig, runConfig } from "../run/config.ts";
import { openRun, type Run } from "../run/folder.ts";
import type { Engine } from "../runtime/engine.ts";
import { load } from "../trained/load.ts";
import type { Ability, TrainedModel, Watched } from "../trained/trained-model.ts";
import { interruptible } from "./exit.ts";
import { engineFlag, integerFlag, type RunFlags } from "./flags.ts";
import { createStage } from "./stage.ts";

/** What a command works with: a trained run that is open, and how far work may be told. */
export interface Workplace<A extends Ability = Ability> {
  readonly run: Run;
  /** The run open for writing, until the work is done. */
  writable(): Run;
  readonly config: RunConfig;
  readonly engine: Engine;
  readonly model: TrainedModel<A>;
  /** A live line on standard error for work that lasts, in the place of the one before. */
  watch(label: string, unit: string): Watched;
  /** A line on standard error. */
  say(line: string): void;
}

/** Opens a run for what is needed of it, and closes everything when the work is done, failed or stopped. */
export async function useRun<const A extends Ability>(
  path: string,
  flags: RunFlags,
  needs: readonly A[],
  work: (place: Workplace<A>) => Promise<void>,
): Promise<void> {
  const run = openRun(path, { write: false });
  const config = runConfig(run);
  const threads = integerFlag("threads", flags.threads) ?? config.options.threads;
  const engine = await openEngine({ engine: engineFlag(flags.engine), threads });
  const stage = createStage();
  if (engine.notice) stage.say(engine.notice);
  const stop = interruptible(stage.say);
  let locked: Run | undefined;
  let model: TrainedModel<A> | undefined;
  try {
    model = await load(path, { needs, runtime: engine });
    await work({
      run,
      writable: () => {
        locked ??= openRun(path, { write: true });
        return locked;
      },
      config,
      engine,
      model,
      say: stage.say,
      watch: (label, unit) => stage.watch(label, unit, stop.signal),
    });
  } finally {
    stage.clear();
    stop.dispose();
    locked?.close();
    await model?.release();
  }
}
