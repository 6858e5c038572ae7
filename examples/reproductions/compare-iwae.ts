/**
 * VAE and importance-weighted VAE with 1, 5 and 50 samples, here and in PyTorch, five seeds each:
 * `npx jiti examples/reproductions/compare-iwae.ts FOLDER [--python python] [--seeds 5] [--steps 3000] [--out FILE.json] [--table]`.
 *
 * Runs iwae.ts and bench/peers/iwae_mnist.py one after the other, keeps every result in FILE, does not run again
 * what is there, and prints the table: negative log-likelihoods in nats, means over seeds ± their standard error, and the
 * difference of the two frameworks on the same images, seed by seed. With --table it runs nothing.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { InputError } from "reparam";

interface Setting {
  readonly framework: "reparam" | "PyTorch";
  readonly bound: "elbo" | "importance";
  readonly samples: number;
  readonly seed: number;
  readonly steps: number;
  readonly images: number;
}

interface Run extends Setting {
  readonly nll: number;
  readonly elbo: number;
  readonly trainingSeconds: number;
}

const variants = [
  { name: "VAE, K = 1", bound: "elbo", samples: 1 },
  { name: "VAE, K = 5", bound: "elbo", samples: 5 },
  { name: "VAE, K = 50", bound: "elbo", samples: 50 },
  { name: "IWAE, K = 5", bound: "importance", samples: 5 },
  { name: "IWAE, K = 50", bound: "importance", samples: 50 },
] as const;
const frameworks = ["reparam", "PyTorch"] as const;
const keys = ["framework", "bound", "samples", "seed", "steps", "images"] as const;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    python: { type: "string", default: "python" },
    seeds: { type: "string", default: "5" },
    steps: { type: "string", default: "3000" },
    images: { type: "string", default: "1000" },
    table: { type: "boolean", default: false },
    out: { type: "string", default: "bench/peers/results/iwae-mnist.json" },
  },
});
const [folder] = positionals;
if (folder === undefined)
  throw new InputError("compare-iwae: the folder of prepare-mnist.ts is expected, got none; name it");
const [seeds, steps, images] = [values.seeds, values.steps, values.images].map(Number);

const torch = execFileSync(values.python, ["-c", "import torch; print(torch.__version__)"], {
  encoding: "utf8",
}).trim();
const versions = { node: process.version, torch };
const runs: Run[] = existsSync(values.out) ? JSON.parse(readFileSync(values.out, "utf8")).runs : [];
const same = (a: Setting, b: Setting): boolean => keys.every((key) => a[key] === b[key]);
const settings: readonly Setting[] = Array.from({ length: seeds }, (_, seed) => seed)
  .flatMap((seed) =>
    variants.flatMap(({ bound, samples }) =>
      frameworks.map((framework) => ({ framework, bound, samples, seed, steps, images })),
    ),
  )
  .toSorted((a, b) => a.samples - b.samples); // the long ones last
for (const setting of values.table ? [] : settings) {
  if (runs.some((run) => same(run, setting))) continue;
  const { framework, ...rest } = setting;
  const program =
    framework === "reparam"
      ? ["npx", "jiti", "examples/reproductions/iwae.ts"]
      : [values.python, "bench/peers/iwae_mnist.py"];
  const flags = Object.entries(rest).flatMap(([name, value]) => [`--${name}`, `${value}`]);
  const [command, ...given] = [...program, folder, ...flags];
  const output = execFileSync(command, given, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  runs.push(JSON.parse(output));
  const asked = `npx jiti examples/reproductions/compare-iwae.ts FOLDER --seeds ${seeds} --steps ${steps} --images ${images}`;
  writeFileSync(values.out, `${JSON.stringify({ command: asked, versions, runs }, undefined, 2)}\n`);
  console.error(output.trim());
}

/** "102.34 ± 0.12": the mean over seeds and its standard error. */
function meanAndError(numbers: readonly number[], digits = 2): string {
  const n = numbers.length;
  const mean = numbers.reduce((total, x) => total + x, 0) / n;
  const squares = numbers.reduce((total, x) => total + (x - mean) ** 2, 0);
  return `${mean.toFixed(digits)} ± ${Math.sqrt(squares / (n - 1) / n).toFixed(digits)}`;
}

const rows = variants.map(({ name, bound, samples }) => {
  const [ours, theirs] = frameworks.map((framework) =>
    runs.filter((run) => same(run, { framework, bound, samples, seed: run.seed, steps, images })),
  );
  const pairs = ours.flatMap((run) =>
    theirs.filter(({ seed }) => seed === run.seed).map((peer) => [run, peer] as const),
  );
  const mean = (numbers: readonly number[]): string =>
    (numbers.reduce((total, x) => total + x, 0) / numbers.length).toFixed(0);
  return [
    name,
    `${pairs.length}`,
    meanAndError(pairs.map(([run]) => run.nll)),
    meanAndError(pairs.map(([, peer]) => peer.nll)),
    meanAndError(pairs.map(([run, peer]) => run.nll - peer.nll)),
    `${mean(pairs.map(([run]) => run.trainingSeconds))} / ${mean(pairs.map(([, peer]) => peer.trainingSeconds))}`,
  ];
});
const head = ["", "seeds", "reparam", "PyTorch", "difference, paired", "seconds of training"];
console.log([head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n"));
