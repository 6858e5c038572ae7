import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { formatNumber, formatWithError } from "../report/numbers.ts";
import { runConfig } from "../run/config.ts";
import { openRun, type Run } from "../run/folder.ts";
import { abilitiesIn, programsFor } from "../trained/able.ts";
import { isExported } from "./own-data.ts";
import { counted, formatBytes, formatCount, painter } from "./terminal.ts";

const evaluationSchema = z.object({
  split: z.string(),
  numbers: z.array(z.object({ name: z.string(), value: z.number(), error: z.number().optional(), unit: z.string() })),
});

/** Prints what a run is, by its files alone: neither engine nor data are opened. */
export async function printInfo(path: string, { json }: { readonly json?: boolean }): Promise<void> {
  const run = openRun(path, { write: false });
  const config = runConfig(run);
  const { options, data, model, environment } = config;
  const row = run.readMetrics().at(-1);
  const files = readdirSync(path).map((name) => ({ name, bytes: statSync(join(path, name)).size }));
  const able = abilitiesIn(config).filter((ability) =>
    programsFor(ability, config).every((name) => files.some((file) => file.name === `${name}.onnx`)),
  );
  const evaluation = evaluationOf(run);
  const exported = isExported(run);
  const training = exported ? { exported } : { step: row?.step, epoch: row?.epoch, options };
  const facts = { run: path, ...training, abilities: able, data, model, environment };
  if (json) {
    process.stdout.write(`${JSON.stringify({ ...facts, evaluation, files }, null, 2)}\n`);
    return;
  }
  const paint = painter(process.stdout);
  const networks = [model.encoder, model.decoder && model.decoder !== model.encoder ? `and ${model.decoder} back` : ""];
  const lines: readonly (readonly [string, string | undefined])[] = [
    [
      "data",
      `${counted(data.examples, "example")} of [${data.shape.join(", ")}], ${data.measure}${options.data ? `, ${options.data}` : ""}`,
    ],
    ["columns", data.columns?.join(", ")],
    ["classes", data.labelNames?.join(", ")],
    [
      "model",
      [
        options.model ?? networks.filter(Boolean).join(" "),
        counted(model.latents, "latent"),
        `${formatCount(model.parameters)} parameters`,
      ].join(", "),
    ],
    ["posterior", model.posterior],
    ["prior", model.prior],
    ["likelihood", model.likelihood],
    ["trained", trainedLine(run)],
    ["can", able.length > 0 ? able.join(", ") : `nothing yet; finish it with: reparam train --resume ${path}`],
    ...(evaluation?.numbers ?? []).map(({ name, value, error, unit }): [string, string] => [
      name,
      `${error === undefined ? formatNumber(value) : formatWithError(value, error)} ${unit}`,
    ]),
    [
      "made by",
      `reparam ${environment.reparam}, ${environment.engine} engine${exported ? "" : `, seed ${options.seed}`}`,
    ],
    ["files", files.map(({ name, bytes }) => `${name} ${formatBytes(bytes)}`).join(", ")],
  ];
  const shown = lines.filter((line): line is readonly [string, string] => line[1] !== undefined && line[1] !== "");
  const width = Math.max(...shown.map(([name]) => name.length));
  process.stdout.write(`${paint("bold", path)}\n`);
  for (const [name, text] of shown) process.stdout.write(`  ${paint("dim", name.padEnd(width))}  ${text}\n`);
}

function trainedLine(run: Run): string {
  if (isExported(run)) return "an exported model, without what was kept of its training";
  const row = run.readMetrics().at(-1);
  return row ? `${counted(row.step, "step")}, ${counted(Number(row.epoch), "epoch")}` : "no epoch was finished";
}

function evaluationOf(run: Run): z.infer<typeof evaluationSchema> | undefined {
  const bytes = run.readArtifact("evaluation.json");
  if (!bytes) return undefined;
  try {
    return evaluationSchema.safeParse(JSON.parse(new TextDecoder().decode(bytes))).data;
  } catch {
    return undefined; // evaluate writes it anew
  }
}
