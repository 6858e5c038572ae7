import { openEngine } from "#engine";
import { type RunConfig, runConfig } from "../run/config.ts";
import { openRun, type Run } from "../run/folder.ts";
import type { Engine } from "../runtime/engine.ts";
import { load } from "../trained/load.ts";
import type { Ability, TrainedModel, Watched } from "../trained/trained-model.ts";
import { interruptible } from "./exit.ts";
import { engineFlag, integerFlag, type RunFlags } from "./flags.ts";
import { createMeter } from "./progress.ts";

/** What a command works with: a trained run that is open, and how far work may be told. */
export interface Workplace<A extends Ability> {
  readonly run: Run;
  /** The run open for writing, until the work is done. */
  writable(): Run;
  readonly config: RunConfig;
  readonly engine: Engine;
  readonly model: TrainedModel<A>;
  readonly signal: AbortSignal;
  /** A meter on standard error for work that lasts; it is gone when the work is done. */
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
  let above = (line: string): void => void process.stderr.write(`${line}\n`);
  const say = (line: string): void => above(line);
  if (engine.notice) say(engine.notice);
  const stop = interruptible(say);
  const finished: (() => void)[] = [];
  let locked: Run | undefined;
  const model = await load(path, { needs, runtime: engine });
  try {
    await work({
      run,
      writable: () => {
        locked ??= openRun(path, { write: true });
        return locked;
      },
      config,
      engine,
      model,
      signal: stop.signal,
      say,
      watch: (label, unit) => {
        let meter: ReturnType<typeof createMeter> | undefined;
        const finish = (): void => {
          meter?.finish();
          above = (line) => void process.stderr.write(`${line}\n`);
        };
        finished.push(finish);
        return {
          signal: stop.signal,
          onProgress: (done, total) => {
            meter ??= createMeter({ stream: process.stderr, label, total, unit });
            above = meter.log;
            meter.update(done);
            if (done >= total) finish();
          },
        };
      },
    });
  } finally {
    for (const finish of finished) finish();
    stop.dispose();
    locked?.close();
    await model.release();
  }
}
