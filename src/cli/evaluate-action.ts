import type { Dataset } from "../data/dataset.ts";
import { InputError } from "../errors.ts";
import { toldOfEach } from "../evaluation/likelihood.ts";
import { gapsPicture } from "../report/gaps.ts";
import { runConfig } from "../run/config.ts";
import { evaluationDraws } from "../run/defaults.ts";
import { openRun } from "../run/folder.ts";
import type { RunData } from "../run/prepare.ts";
import { labelColumn } from "./codes.ts";
import type { EvaluateFlags } from "./evaluate.ts";
import { compareWith } from "./evaluate-against.ts";
import { type ExtraResults, type Extras, runExtras } from "./evaluate-extras.ts";
import { formulasOf } from "./evaluate-formulas.ts";
import { keepGaps, refinable } from "./evaluate-gaps.ts";
import { pairedNumbers } from "./evaluate-stamps.ts";
import { type Evaluation, evaluateRun, stampingOf } from "./evaluation-run.ts";
import { chooseExamples } from "./examples.ts";
import { integerFlag } from "./flags.ts";
import { drawingKind, writePicture } from "./gradients-picture.ts";
import { outputKind, writeRows } from "./outputs.ts";
import { isExported, openOwnData } from "./own-data.ts";
import { printEvaluation } from "./print-numbers.ts";
import { useRun, type Workplace } from "./use-run.ts";

/** Examples that are annealed and refined unless --limit says otherwise, and temperatures of annealing. */
const FEW = 100;
const TEMPERATURES = 500;

/** Evaluates a run on its own held-out examples or on others, and does what was asked for beyond. */
export async function evaluateFromFlags(path: string, data: string | undefined, flags: EvaluateFlags): Promise<void> {
  if (data !== undefined && flags.data !== undefined) {
    throw new InputError(
      `--data ${flags.data}: names the examples a second time, after ${data}; leave out one of them`,
    );
  }
  const given = integerFlag("samples", flags.samples);
  const chunk = integerFlag("chunk", flags.chunk);
  const seeded = integerFlag("seed", flags.seed, 0);
  const extras = extrasOf(flags);
  const { out, picture, against } = flags;
  if (out !== undefined) outputKind(flags, ["csv", "json"]);
  if (picture !== undefined && !flags.gaps) throw new InputError("--picture: is of the gaps; give --gaps too");
  if (picture !== undefined) {
    drawingKind({ flag: "--picture", path: picture, force: flags.force }, ["svg", "png"]);
  }
  await useRun(path, flags, [], async (place) => {
    const { run, config, engine, watch, say } = place;
    const chosen = data ?? flags.data;
    const { dataset, split } = await chooseExamples(place, chosen, flags);
    const needed = needsFormulas(extras) ? await openOwnData(place) : undefined;
    const formulas = needed && (await formulasOf(engine, run, needed));
    if (extras.gaps && formulas) refinable(formulas); // a posterior that has no gaps is told of now
    if (extras.gaps && chosen === undefined) place.writable(); // another process that writes is told of now
    const draws = [config, ...(against === undefined ? [] : [runConfig(openRun(against, { write: false }))])].map(
      ({ options }) => evaluationDraws(options),
    );
    const samples = given ?? Math.max(...draws); // both runs are scored alike
    const seed = seeded ?? config.options.seed;
    const ownData = needed ?? once(() => dataOf(place, dataset));
    const common = { dataset, split, samples, seed, chunk };
    const evaluation = await evaluateRun(engine, run, { ...common, ownData, ...watch("evaluating", "examples") });
    const stamping = stampingOf(config, split, dataset);
    const more = formulas
      ? await runExtras(extras, { engine, formulas, dataset, evaluation, stamping, seed, watch })
      : { numbers: [] };
    const compared =
      against === undefined
        ? undefined
        : await compareWith(against, { path, config, evaluation }, engine, {
            ...common,
            ...watch(`evaluating ${against}`, "examples"),
          });
    for (const notice of compared?.notices ?? []) say(notice);
    if (more.gaps && chosen === undefined && keepGaps(place.writable(), more.gaps)) {
      say(`the gaps are kept in ${path}/evaluation.json; reparam report ${path} draws them`);
    }
    if (more.gaps && picture !== undefined) await writePicture(picture, gapsPicture(more.gaps));
    if (out !== undefined) writeRows({ ...flags, out }, columnsOf(dataset, evaluation, more));
    const numbers = [
      ...evaluation.numbers,
      ...more.numbers,
      ...(compared ? pairedNumbers(compared.comparison, stamping) : []),
    ];
    const { remarks } = evaluation;
    if (flags.json) process.stdout.write(`${JSON.stringify({ run: path, split, numbers, remarks, out })}\n`);
    else
      printEvaluation(
        { numbers, remarks },
        process.stdout,
        [out, picture].filter((file) => file !== undefined),
      );
  });
}

function extrasOf({ ais, naive, gaps = false, limit }: EvaluateFlags): Extras {
  return {
    annealing: ais === true ? TEMPERATURES : integerFlag("ais", ais, 2),
    naive: integerFlag("naive", naive),
    gaps,
    limit: integerFlag("limit", limit) ?? FEW,
  };
}

function needsFormulas({ annealing, naive, gaps }: Extras): boolean {
  return annealing !== undefined || naive !== undefined || gaps;
}

/** What the run was trained on; undefined where it cannot be had, which is told where its labels are missed. */
async function dataOf(
  place: Pick<Workplace, "run" | "config" | "watch" | "say">,
  { labels }: Dataset,
): Promise<RunData | undefined> {
  if (isExported(place.run)) return undefined;
  try {
    return await openOwnData(place);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    if (labels) place.say(`the codes are not judged by their classes: ${error.message}`);
    return undefined;
  }
}

/** Work that is done when it is first asked for, and never again. */
function once<T>(work: () => Promise<T>): () => Promise<T> {
  let done: Promise<T> | undefined;
  return () => {
    done ??= work();
    return done;
  };
}

type Column = ArrayLike<string | number>;

/** A column for each number that is told of examples; empty where an example was not among those of an extra. */
function columnsOf(
  dataset: Dataset,
  { estimate, reconstructionErrors }: Evaluation,
  { annealed, naive, gaps }: ExtraResults,
): ReadonlyMap<string, Column> {
  const padded = (values: ArrayLike<number>): readonly (string | number)[] =>
    Array.from({ length: dataset.length }, (_, i) => (i < values.length ? values[i] : ""));
  const columns: readonly (readonly [string, Column | undefined])[] = [
    ["source", dataset.sources ?? Array.from({ length: dataset.length }, (_, i) => i)],
    ["label", labelColumn(dataset).label],
    ...Object.entries(estimate ? toldOfEach(estimate) : {}),
    ["reconstructionError", reconstructionErrors],
    ["logLikelihoodAnnealed", annealed && padded(annealed.perExample.logLikelihood)],
    ["logLikelihoodNaive", naive?.perExample.logLikelihood],
    ["amortizationGap", gaps && padded(gaps.amortization)],
    ["approximationGap", gaps && padded(gaps.approximation)],
  ];
  return new Map(columns.flatMap(([name, values]) => (values ? [[name, values] as const] : [])));
}
