import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../errors.ts";
import { readProgram } from "../onnx/read.ts";
import { runConfig } from "../run/config.ts";
import { type ArtifactName, openRun, RUN_SCHEMA, type Run } from "../run/folder.ts";
import { abilitiesIn, programsFor } from "../trained/able.ts";
import { type Ability, abilities } from "../trained/trained-model.ts";
import { formatBytes } from "./terminal.ts";
import { writeWholeFolder } from "./whole-folder.ts";

interface ExportRequest {
  readonly out?: string;
  readonly force?: boolean;
  readonly only?: string;
  readonly json?: boolean;
}

const README = "README.md";
const CONFIG = "config.json";
const SCORES = "scores.json";

/** Copies what an app needs of a run into a folder that comes to be as a whole. */
export async function exportRunFolder(path: string, { out, force = false, only, json }: ExportRequest): Promise<void> {
  const run = openRun(path, { write: false });
  const target = (out ?? `${path.replace(/[\\/]+$/, "")}-model`).replace(/[\\/]+$/, "");
  const config = runConfig(run);
  const able = abilitiesIn(config);
  const wanted = only === undefined ? able : only.split(",").map(abilityOf);
  const lacking = wanted.find((ability) => !able.includes(ability));
  if (lacking !== undefined) {
    throw new InputError(`--only ${lacking}: this model cannot do that; it can ${able.join(", ")}`);
  }
  const files = contents(run, wanted);
  if (existsSync(target)) refuseOther(target, force);
  await writeWholeFolder(target, {
    fill: async (folder) => {
      for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
    },
    clear: () => rmSync(target, { recursive: true, force: true }),
  });
  if (json) {
    process.stdout.write(`${JSON.stringify({ out: target, files: [...files.keys()], abilities: wanted })}\n`);
    return;
  }
  for (const [name, bytes] of files)
    process.stdout.write(`${formatBytes(Buffer.byteLength(bytes)).padStart(9)}  ${name}\n`);
  process.stdout.write(`\n${target}  for: const model = await load("${target}")\n`);
}

function abilityOf(text: string): Ability {
  const ability = abilities.find((known) => known === text.trim());
  if (ability) return ability;
  throw new InputError(`--only: ${abilities.join(", ")} are expected, with commas, got "${text}"`);
}

function contents(run: Run, wanted: readonly Ability[]): ReadonlyMap<string, Uint8Array | string> {
  const config = runConfig(run);
  const { data, model, environment } = config;
  const files = new Map<string, Uint8Array | string>([
    [README, readme(run.path, wanted)],
    [CONFIG, `${JSON.stringify({ schema: RUN_SCHEMA, data, model, environment }, null, 2)}\n`],
  ]);
  const names = new Set(
    wanted.flatMap((ability) => programsFor(ability, config).map((name): ArtifactName => `${name}.onnx`)),
  );
  if (wanted.includes("score")) names.add(SCORES);
  for (const name of names) {
    const bytes = run.readArtifact(name);
    if (!bytes) {
      throw new InputError(
        `${run.path}/${name}: is missing; finish the run with: reparam train --resume ${run.path}, or leave abilities out with --only`,
      );
    }
    if (name !== SCORES) readProgram(bytes, `${run.path}/${name}`); // a damaged file goes no further
    files.set(name, bytes);
  }
  return files;
}

/** Only an earlier export is replaced. */
function refuseOther(target: string, force: boolean): void {
  if (!statSync(target).isDirectory()) throw new InputError(`${target}: is a file; choose another name for the folder`);
  const known = [README, CONFIG, SCORES];
  const other = readdirSync(target).find((name) => !known.includes(name) && !name.endsWith(".onnx"));
  if (other !== undefined) {
    throw new InputError(`${target}: holds more than an exported model (${other}); choose another folder`);
  }
  if (!force) throw new InputError(`${target}: exists; --force replaces it, or choose another folder`);
}

function readme(name: string, wanted: readonly Ability[]): string {
  const needs = wanted.length < abilities.length ? `, { needs: ${JSON.stringify(wanted)} }` : "";
  return `# A trained model

Exported from ${name.split(/[\\/]/).filter(Boolean).at(-1)} by Reparam. It holds no example of the data; \`scores.json\`, where it is here, holds the
validation examples' log-likelihoods.

\`\`\`js
import { load } from "reparam";
const model = await load("PATH_OR_ADDRESS_OF_THIS_FOLDER"${needs});
\`\`\`

It can ${wanted.join(", ")}. The \`.onnx\` files (opset 17, any batch size) run in every language that has an ONNX runtime; their
inputs and outputs have names and shapes, and \`config.json\` says what the numbers are.
`;
}
