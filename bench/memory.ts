import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { openEngine } from "../dist/index.js";
import type { Figure, Outcome } from "./results.ts";
import { command } from "./start.ts";
import { noisePictures, openSubject } from "./subject.ts";

const MIB = 2 ** 20;
const STEPS = 5_000;
const WARM_UP = 1_000;
const EVERY = 100;

/** Peak memory of the default run, and what 5,000 steps add to a training that is under way. */
export async function benchMemory(): Promise<Outcome> {
  const growth = await measureGrowth();
  return { figures: [await peak(), ...growth.figures], details: growth.samples };
}

/** Told by the process itself when it ends, in KiB. */
const tellPeak = 'process.on("exit", () => console.error("peak", process.resourceUsage().maxRSS))';

async function peak(): Promise<Figure> {
  const folder = mkdtempSync(join(tmpdir(), "reparam-memory-"));
  try {
    const preload = `data:text/javascript,${encodeURIComponent(tellPeak)}`;
    const options = ["--import", preload, command, "train", "--out", join(folder, "run")];
    const child = spawn(process.execPath, options, { stdio: ["ignore", "ignore", "pipe"] });
    const [said, [code]] = await Promise.all([text(child.stderr), once(child, "close")]);
    const kibibytes = Number(said.match(/^peak (\d+)$/m)?.[1]);
    if (code !== 0 || Number.isNaN(kibibytes)) throw new Error(`the default run ended with ${code}: ${said}`);
    return { what: "peak of the default run (`reparam train`)", value: kibibytes / 1024, unit: "MiB" };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Sample {
  readonly step: number;
  readonly rss: number;
  readonly heap: number;
}

async function measureGrowth(): Promise<{ figures: readonly Figure[]; samples: readonly Sample[] }> {
  const training = await openSubject("mlp", await openEngine(), noisePictures(10_000));
  const samples: Sample[] = [];
  while (training.step < WARM_UP + STEPS) {
    await training.runStep();
    if (training.step < WARM_UP || training.step % EVERY !== 0) continue;
    const { rss, heapUsed, external } = process.memoryUsage();
    samples.push({ step: training.step, rss, heap: heapUsed + external });
  }
  await training.release();
  const figure = (name: "rss" | "heap", what: string): Figure => {
    const { slope, error } = line(samples.map((sample) => [sample.step, sample[name]]));
    const last = samples[samples.length - 1][name] / MIB;
    const spread = `± ${error.toFixed(0)} (one standard error); ${last.toFixed(0)} MiB at the end`;
    return {
      what: `growth of ${what} over ${STEPS.toLocaleString("en-US")} steps`,
      value: slope,
      unit: "bytes/step",
      spread,
    };
  };
  return { figures: [figure("rss", "resident memory"), figure("heap", "heap and buffers")], samples };
}

/** The least-squares line through points, its slope and that one's standard error. */
function line(points: readonly (readonly [number, number])[]): { readonly slope: number; readonly error: number } {
  const n = points.length;
  const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / n;
  const [x, y] = [mean(points.map(([at]) => at)), mean(points.map(([, value]) => value))];
  const spread = points.reduce((total, [at]) => total + (at - x) ** 2, 0);
  const slope = points.reduce((total, [at, value]) => total + (at - x) * (value - y), 0) / spread;
  const residual = points.reduce((total, [at, value]) => total + (value - y - slope * (at - x)) ** 2, 0);
  return { slope, error: Math.sqrt(residual / (n - 2) / spread) };
}
