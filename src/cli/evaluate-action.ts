import { openEngine } from "#engine";
import { type Dataset, subset } from "../data/dataset.ts";
import { InputError } from "../errors.ts";
import { type RunConfig, runConfig } from "../run/config.ts";
import { openRun } from "../run/folder.ts";
import { openHeldOut, openRunData } from "../run/prepare.ts";
import { evaluateRun, SPLITS } from "./evaluation-run.ts";
import { interruptible } from "./exit.ts";
import { printNumbers } from "./print-numbers.ts";
import { createMeter } from "./progress.ts";

export interface EvaluateFlags {
  readonly data?: string;
  readonly split?: string;
  readonly samples: string;
  readonly limit?: string;
  readonly chunk?: string;
  readonly seed?: string;
  readonly threads?: string;
  readonly engine?: string;
  readonly json?: boolean;
}

type Split = (typeof SPLITS)[number];

export async function evaluateFromFlags(path: string, flags: EvaluateFlags): Promise<void> {
  const samples = integerFlag("samples", flags.samples) ?? 200;
  const limit = integerFlag("limit", flags.limit);
  const chunk = integerFlag("chunk", flags.chunk);
  const run = openRun(path, { write: false });
  const config = runConfig(run);
  const seed = integerFlag("seed", flags.seed, 0) ?? config.options.seed;
  const threads = integerFlag("threads", flags.threads) ?? config.options.threads;
  const engine = await openEngine({ engine: engineFlag(flags.engine), threads });
  if (engine.notice) process.stderr.write(`${engine.notice}\n`);
  const { dataset: all, split } = await examplesOf(config, flags);
  const dataset =
    limit === undefined || limit >= all.length
      ? all
      : subset(
          all,
          Array.from({ length: limit }, (_, i) => i),
        );
  const meter = createMeter({ stream: process.stderr, label: "evaluating", total: dataset.length, unit: "examples" });
  const stop = interruptible(meter.log);
  try {
    const onProgress = (done: number): void => meter.update(done);
    const options = { dataset, split, samples, seed, chunk, signal: stop.signal, onProgress };
    const { numbers } = await evaluateRun(engine, run, options);
    meter.finish();
    if (flags.json) process.stdout.write(`${JSON.stringify({ run: path, split, numbers })}\n`);
    else printNumbers(numbers, process.stdout);
  } finally {
    meter.finish();
    stop.dispose();
  }
}

function engineFlag(name: string | undefined): "native" | "wasm" | undefined {
  if (name === undefined || name === "native" || name === "wasm") return name;
  throw new InputError(`--engine: native or wasm is expected, got "${name}"`);
}

async function examplesOf(
  { options, data }: RunConfig,
  flags: EvaluateFlags,
): Promise<{ dataset: Dataset; split: string }> {
  if (flags.data !== undefined) {
    if (flags.split !== undefined)
      throw new InputError("--split names a part of the run's own data; leave it out with --data");
    return { dataset: await openHeldOut(flags.data, data), split: flags.data };
  }
  const parts = await openRunData(options);
  if (parts.source.checksum !== data.checksum) {
    throw new InputError(
      `${options.data ?? "the embedded data"}: is not the file this run was trained on (${parts.source.checksum}, then ${data.checksum})`,
    );
  }
  const split = flags.split ?? (parts.test ? "test" : "validation");
  if (!isSplit(split)) throw new InputError(`--split: ${SPLITS.join(", ")} is expected, got "${split}"`);
  const dataset = parts[split];
  if (!dataset)
    throw new InputError(`--split test: this run has no test file; give one with --data, or use validation`);
  return { dataset, split };
}

function isSplit(name: string): name is Split {
  return SPLITS.some((split) => split === name);
}

/** A flag's positive integer (or from `least` on), undefined where it was not given. */
function integerFlag(flag: string, text: string | undefined, least = 1): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== "" && Number.isSafeInteger(value) && value >= least) return value;
  throw new InputError(`--${flag}: an integer of ${least} or more is expected, got "${text}"`);
}
