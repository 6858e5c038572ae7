/**
 * Flows on letter-recognition, 20,000 rows of 16 integers 0–15 (Frey & Slate 1991), against a full Gaussian:
 * `npx jiti examples/reproductions/letter.ts FOLDER [RUN …]`.
 *
 * FOLDER holds letter-recognition.data (Debian's opencv-doc). Written there: train.csv (15,000 rows), validation.csv (1,000) and
 * test.csv (4,000), split by seed 0. The Gaussian is fitted in closed form to x + u, u ~ U[0, 1)^16, in expectation over u, and so
 * scored. Each RUN is a folder that `reparam train FOLDER/train.csv --validation FOLDER/validation.csv --test FOLDER/test.csv
 * --label letter --measure count --model flow …` made; its evaluation is read. Prints the table: E_u log p(x + u) of the test rows, a
 * lower bound of log P(x), nats per row, ± standard error over rows.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { InputError, moments } from "reparam";
import { dot, type Matrix, type Vector } from "../../src/linalg/matrix.ts";
import { factorPositive } from "../../src/linalg/positive.ts";
import { permutation, stream } from "../../src/random/stream.ts";

const SEED = 0;
const NAMES = "letter,x-box,y-box,width,high,onpix,x-bar,y-bar,x2bar,y2bar,xybar,x2ybr,xy2br,x-ege,xegvy,y-ege,yegvx";
const PARTS = { train: [0, 15_000], validation: [15_000, 16_000], test: [16_000, 20_000] } as const;

interface Score {
  readonly value: number;
  readonly error: number;
}

const [folder, ...runs] = process.argv.slice(2);
if (folder === undefined)
  throw new InputError("letter: the folder of letter-recognition.data is expected, got none; name it");
const lines = readFileSync(join(folder, "letter-recognition.data"), "utf8").trim().split("\n");
const order = permutation(lines.length, stream(SEED, "letter-recognition"));

/** The lines of a part, in the order drawn. */
function linesOf(part: keyof typeof PARTS): readonly string[] {
  const [start, end] = PARTS[part];
  return Array.from(order.subarray(start, end), (row) => lines[row]);
}

function rowsOf(part: keyof typeof PARTS): Matrix {
  return linesOf(part).map((line) => line.split(",").slice(1).map(Number));
}

/**
 * E_u log N(x + u; m + ½, Σ), Σ = S + I/12, by m and S of the training rows: the Gaussian of the largest expected likelihood of
 * x + u, u ~ U[0, 1)^d. With e = x − m: −½(eᵀΣ⁻¹e + tr Σ⁻¹/12 + log det Σ + d log 2π), a lower bound of log P(x) by Jensen.
 */
function gaussian(train: Matrix, test: Matrix): Float64Array {
  const { mean, covariance } = moments(train);
  const factored = factorPositive(covariance.map((row, i) => row.map((value, j) => value + (i === j ? 1 / 12 : 0))));
  const trace = factored.inverse().reduce((total, row, i) => total + row[i], 0);
  const constant = trace / 12 + factored.logDeterminant + mean.length * Math.log(2 * Math.PI);
  return Float64Array.from(test, (x: Vector) => {
    const apart = x.map((value, j) => value - mean[j]);
    return -0.5 * (dot(apart, factored.solve(apart)) + constant);
  });
}

function score(values: Float64Array): Score {
  const value = values.reduce((total, x) => total + x, 0) / values.length;
  const squares = values.reduce((total, x) => total + (x - value) ** 2, 0);
  return { value, error: Math.sqrt(squares / (values.length - 1) / values.length) };
}

/** E_u log p(x + u) of each test row, as a run's evaluation.json holds it. */
function scoresOfRun(run: string, rows: number): Float64Array {
  const { split, density, perExample } = JSON.parse(readFileSync(join(run, "evaluation.json"), "utf8"));
  if (split !== "test" || density !== "dequantised" || perExample.elbo.length !== rows) {
    throw new InputError(
      `${run}: densities of x + u of the ${rows} test rows are expected, got others; train with --test and --measure count`,
    );
  }
  return Float64Array.from(perExample.elbo);
}

for (const part of ["train", "validation", "test"] as const) {
  writeFileSync(join(folder, `${part}.csv`), `${[NAMES, ...linesOf(part)].join("\n")}\n`);
}
const plusMinus = ({ value, error }: Score): string => `${value.toFixed(2)} ± ${error.toFixed(2)}`;
const baseline = gaussian(rowsOf("train"), rowsOf("test"));
console.log("| Model | Test log-likelihood, nats per row | Above the Gaussian, paired |\n| --- | --- | --- |");
console.log(`| full Gaussian, closed form | ${plusMinus(score(baseline))} | |`);
for (const run of runs) {
  const values = scoresOfRun(run, baseline.length);
  const gain = values.map((value, i) => value - baseline[i]);
  console.log(`| ${basename(run)} | ${plusMinus(score(values))} | ${plusMinus(score(gain))} |`);
}
