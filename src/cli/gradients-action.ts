import { batchOrder } from "../data/batches.ts";
import { InputError } from "../errors.ts";
import { type GradientNoise, type GradientStudy, gradientNoise } from "../evaluation/gradients.ts";
import { gradientPicture } from "../report/gradient-noise.ts";
import { formatNumber, formatWithError } from "../report/numbers.ts";
import { settleOptions } from "../run/defaults.ts";
import { writeAtomically } from "../run/files.ts";
import { formulasOf } from "./evaluate-formulas.ts";
import { integerFlag } from "./flags.ts";
import type { GradientFlags } from "./gradients.ts";
import { drawingKind, writePicture } from "./gradients-picture.ts";
import { openOwnData } from "./own-data.ts";
import { counted, formatCount, painter } from "./terminal.ts";
import { useRun } from "./use-run.ts";

const SAMPLES = 8;
const DRAWS = 200;

/** Measures the noise of every gradient estimator on one batch of a run's training examples. */
export async function gradientsFromFlags(path: string, flags: GradientFlags): Promise<void> {
  const samples = integerFlag("samples", flags.samples) ?? SAMPLES;
  const draws = integerFlag("draws", flags.draws, 2) ?? DRAWS;
  const asked = integerFlag("examples", flags.examples);
  const seeded = integerFlag("seed", flags.seed, 0);
  const { out } = flags;
  const kind =
    out === undefined
      ? undefined
      : drawingKind({ flag: "--out", path: out, force: flags.force }, ["svg", "png", "json"]);
  await useRun(path, flags, [], async (place) => {
    const { config, engine, watch } = place;
    const { inference } = config.options;
    if (inference === "per-example") {
      throw new InputError(
        `${path}: was trained with --inference per-example, so no encoder's gradient was estimated; give a run of another inference`,
      );
    }
    const data = await openOwnData(place);
    const { train } = data;
    const formulas = await formulasOf(engine, place.run, data);
    const { batch } = settleOptions(config.options, formulas.description, train.length);
    const length = asked ?? Math.min(batch, train.length);
    if (length > train.length) {
      throw new InputError(`--examples ${length}: more than the ${formatCount(train.length)} training examples`);
    }
    const seed = seeded ?? config.options.seed;
    const study = await gradientNoise({
      engine,
      ...formulas,
      dataset: train,
      examples: batchOrder({ length: train.length, batchSize: length, seed }).indices(0),
      samples,
      draws,
      seed,
      ...watch("drawing gradients", "draws"),
    });
    if (out !== undefined && kind === "json") {
      writeAtomically(out, `${JSON.stringify({ run: path, ...study })}\n`);
    } else if (out !== undefined) await writePicture(out, await gradientPicture(study));
    if (flags.json) process.stdout.write(`${JSON.stringify({ run: path, ...summaryOf(study), out })}\n`);
    else printStudy(study, out, process.stdout);
  });
}

/** The study without the numbers of each parameter. */
function summaryOf({ noise, ...study }: GradientStudy): Readonly<Record<string, unknown>> {
  return { ...study, noise: noise.map(({ byParameter: _, ...one }) => one) };
}

function printStudy(study: GradientStudy, out: string | undefined, stream: NodeJS.WriteStream): void {
  const paint = painter(stream);
  const { parameters, examples, samples, draws, noise, leftOut } = study;
  const header = ["estimator", "variance", "signal to noise", "off the first's mean"];
  const rows = noise.map((one) => ({ bound: one.bound, cells: cellsOf(one) }));
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map(({ cells }) => cells[i].length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join("  ")
      .trimEnd();
  const lines = [
    `gradient of the mean bound of ${counted(examples, "training example")} in the encoder's ${counted(parameters, "parameter")}, ${counted(samples, "sample")} each, ${draws} draws of it, KL weight 1`,
  ];
  for (const bound of new Set(rows.map((row) => row.bound))) {
    lines.push("", paint("bold", bound), paint("dim", line(header)));
    for (const row of rows) if (row.bound === bound) lines.push(line(row.cells));
  }
  lines.push("", ...leftOut.map((text) => `left out: ${text}`), EXPLANATION);
  if (out !== undefined) lines.push("", out);
  stream.write(`${lines.join("\n")}\n`);
}

const EXPLANATION =
  "variance: the trace of the covariance of one estimate ± its standard error; signal to noise: ‖E g‖ over its root; off the first's mean: squared distance over what the draws explain, about 1 for the same gradient.";

function cellsOf({ name, wrong, variance, signalToNoise, distance }: GradientNoise): readonly string[] {
  return [
    wrong ? `${name} (WRONG, for teaching)` : name,
    formatWithError(variance.value, Number.isNaN(variance.error) ? undefined : variance.error),
    formatNumber(Number(signalToNoise.toPrecision(3))),
    distance === undefined ? "" : formatNumber(Number(distance.toPrecision(3))),
  ];
}
