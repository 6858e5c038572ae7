import { openEngine } from "#engine";
import { firstOf } from "../data/dataset.ts";
import { InputError } from "../errors.ts";
import { comparable } from "../evaluation/comparison.ts";
import { renderComparison } from "../report/comparison.ts";
import type { ComparedModel, ComparisonInput } from "../report/comparison-input.ts";
import { evaluationDraws } from "../run/defaults.ts";
import { writeAtomically } from "../run/files.ts";
import type { CompareFlags } from "./compare.ts";
import { figuresOf, originalsOf } from "./compare-figures.ts";
import { measureRun } from "./compare-measure.ts";
import { printComparison } from "./compare-print.ts";
import { type ComparedRun, openRuns } from "./compare-runs.ts";
import { trainModels } from "./compare-train.ts";
import { interruptible } from "./exit.ts";
import { engineFlag, integerFlag } from "./flags.ts";
import { checkPlace } from "./outputs.ts";
import { createStage, type Stage } from "./stage.ts";
import { counted } from "./terminal.ts";

/** Compares runs, or trains models and compares their runs. */
export async function compareFromFlags(
  paths: readonly string[],
  flags: CompareFlags,
  given: Readonly<Record<string, unknown>>,
): Promise<void> {
  const samples = integerFlag("samples", flags.samples);
  const limit = integerFlag("limit", flags.limit);
  const threads = integerFlag("threads", flags.threads);
  const wanted = engineFlag(flags.engine);
  checkPage(flags);
  const stage = createStage();
  const here = { ...(threads === undefined ? {} : { threads }), ...(wanted === undefined ? {} : { engine: wanted }) };
  const named = await runPaths(paths, flags, { given, here }, stage);
  const stop = interruptible(stage.say);
  try {
    const watch = (label: string, unit: string) => stage.watch(label, unit, stop.signal);
    const opened = await openRuns(named, watch);
    const [first] = opened.runs;
    const runs = opened.runs.map((one) => ({ ...one, dataset: firstOf(one.dataset, limit ?? one.dataset.length) }));
    const { options } = first.config;
    const engine = await openEngine({ engine: wanted, threads: threads ?? options.threads });
    if (engine.notice) stage.say(engine.notice);
    const measuring = {
      engine,
      split: opened.split,
      samples: samples ?? Math.max(...runs.map(({ config }) => evaluationDraws(config.options))),
      seed: options.seed,
    };
    const models: ComparedModel[] = [];
    for (const run of runs) {
      const numbers = await measureRun(run, { ...measuring, ...watch(`evaluating ${run.name}`, "examples") });
      const figures =
        flags.out === undefined ? {} : await figuresOf(run, engine, `${opened.split} split`, { signal: stop.signal });
      models.push({ ...numbers, ...figures });
    }
    stage.clear();
    stop.signal.throwIfAborted();
    const input = inputOf(runs, models, opened.split);
    if (flags.out !== undefined) writeAtomically(flags.out, await renderComparison(input));
    tell(input, flags);
  } finally {
    stage.clear();
    stop.dispose();
  }
}

interface TrainingFlags {
  /** Options of training alone. */
  readonly given: Readonly<Record<string, unknown>>;
  /** Threads and engine, for training as for comparing. */
  readonly here: Readonly<Record<string, unknown>>;
}

/** The runs that are named, or those of the models. */
async function runPaths(
  paths: readonly string[],
  { models, runs }: CompareFlags,
  { given, here }: TrainingFlags,
  { say }: Stage,
): Promise<readonly string[]> {
  if (models === undefined) {
    const [stray] = Object.keys(given);
    if (stray !== undefined || runs !== undefined) {
      throw new InputError(
        `--${stray ?? "runs"}: is for models that are trained here; give --models vae,pca … and DATA, or leave it out`,
      );
    }
    if (paths.length >= 2) return paths;
    throw new InputError(
      `compare: two runs or more are expected, got ${paths.length}; or --models vae,pca … with DATA to train them`,
    );
  }
  if (paths.length > 1) {
    throw new InputError(`--models: one DATA is expected beside it, got ${paths.join(", ")}; leave runs out`);
  }
  const data = paths.length === 1 ? { data: paths[0] } : {};
  return trainModels({ models, runs, given: { ...given, ...here, ...data }, say });
}

function checkPage({ out, force }: CompareFlags): void {
  if (out === undefined) return;
  if (!/\.html?$/i.test(out)) throw new InputError(`--out ${out}: expected .html`);
  checkPlace("--out", out, { force });
}

function inputOf(runs: readonly ComparedRun[], models: readonly ComparedModel[], split: string): ComparisonInput {
  const [{ config, dataset }] = runs;
  const source = config.options.data ?? "the embedded Fashion-MNIST images";
  return {
    title: models.map(({ name }) => name).join(", "),
    examples: `${counted(dataset.length, "example")} of the ${split} split of ${source}`,
    models,
    labelNames: dataset.labelNames,
    originals: originalsOf(runs[0]),
    notices: unlike(runs),
  };
}

/** A line where the runs' times do not compare. */
function unlike(runs: readonly ComparedRun[]): readonly string[] {
  const settings = ["cpu", "engine", "threads"] as const;
  const told = settings.flatMap((name) => {
    const values = runs.map(({ config }) =>
      String(name === "threads" ? (config.options.threads ?? "") : (config.environment[name] ?? "")),
    );
    const different = [...new Set(values)].filter(Boolean);
    return different.length > 1 ? [`${name} ${different.join(", ")}`] : [];
  });
  return told.length === 0
    ? []
    : [`The seconds per epoch do not compare: the runs were trained on other ${told.join("; ")}.`];
}

function tell(input: ComparisonInput, { json, out }: CompareFlags): void {
  if (!json) {
    printComparison(input, process.stdout);
    if (out !== undefined) process.stdout.write(`\npage  ${out}\n`);
    return;
  }
  const groups = comparable(input.models, input.examples).map(({ observation, models, differences }) => ({
    observation,
    models: models.map(({ name }, i) => ({ name, aboveFirst: differences[i] })),
  }));
  const models = input.models.map(
    ({ map: _, reconstructions: __, samples: ___, table: ____, logLikelihoods: _____, ...told }) => told,
  );
  const { examples, notices } = input;
  process.stdout.write(`${JSON.stringify({ examples, models, groups, notices, out })}\n`);
}
