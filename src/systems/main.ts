/** `npm run systems`: for each system that works, what was measured, what was expected and how far apart they are. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { openEngine } from "#engine";
import { run } from "../cli/exit.ts";
import { InputError } from "../errors.ts";
import { formatNumber } from "../report/numbers.ts";
import { svgFile } from "../report/svg-file.ts";
import type { Engine } from "../runtime/engine.ts";
import { holds, type Measurement, type SystemRow } from "./row.ts";
import { systemRows, TOTAL } from "./rows/index.ts";
import { readStored, type Stored, store } from "./stored.ts";

const USAGE = `Usage: npm run systems [-- ROW …] [--full] [--write]

  ROW …     numbers of rows; all by default
  --full    repeat the studies that take minutes, and keep their results
  --write   make docs/systems.md and its pictures in docs/pictures/systems/

Example: npm run systems -- 19 --full`;

/** Where the pictures lie, seen from the page. */
const PICTURES = "pictures/systems";

interface Outcome {
  readonly row: SystemRow;
  readonly measurements: readonly Measurement[];
  readonly stored?: Stored;
  readonly pictures: readonly { readonly file: string; readonly caption: string; readonly svg: string }[];
}

const works = ({ row, measurements }: Outcome): boolean => row.missing === undefined && measurements.every(holds);

/** Errors span many magnitudes, and an exact 0 is worth seeing. */
function short(value: number): string {
  return value === 0 ? "0" : Math.abs(value) < 1e-3 ? value.toExponential(1) : formatNumber(value);
}

function cells({ what, measured, expected, error, tolerance, because, planted }: Measurement): readonly string[] {
  const seen = planted === undefined ? undefined : `with a bias of 5 %: ${short(planted)}`;
  const origin = [because, seen].filter((part) => part !== undefined).join("; ");
  const bar = `≤ ${short(tolerance)}${origin === "" ? "" : ` (${origin})`}`;
  return [what, formatNumber(measured), formatNumber(expected), short(error), bar];
}

function describe({ row, stored }: Outcome): readonly string[] {
  const origin =
    stored && `long results: ${stored.command}, commit ${stored.commit}, ${stored.date}, ${stored.machine}`;
  return [row.missing && `in part; missing: ${row.missing}`, origin].filter((line) => line !== undefined);
}

function print(outcome: Outcome): void {
  const { row, measurements } = outcome;
  process.stdout.write(`\n${row.row}  ${row.title}\n`);
  for (const line of describe(outcome)) process.stdout.write(`    ${line}\n`);
  for (const measurement of measurements) {
    const [what, measured, expected, error, tolerance] = cells(measurement);
    const mark = holds(measurement) ? "holds" : "FAILS";
    process.stdout.write(
      `    ${mark}  ${what}\n           ${measured} measured, ${expected} expected; error ${error} ${tolerance}\n`,
    );
  }
}

function page(outcomes: readonly Outcome[], last: string): string {
  const sections = outcomes.map((outcome) => {
    const rows = outcome.measurements.map(
      (one) =>
        `| ${[...cells(one), holds(one) ? "holds" : "**fails**"].map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`,
    );
    const notes = describe(outcome).map((line) => `${line}\n\n`);
    const shown = outcome.pictures.map(({ file, caption }) => `\n![${caption}](${PICTURES}/${file})\n\n${caption}\n`);
    return `## ${outcome.row.row}. ${outcome.row.title}\n\n${notes.join("")}| what | measured | expected | error | tolerance | |\n|---|---|---|---|---|---|\n${rows.join("\n")}\n${shown.join("")}`;
  });
  return `# The systems that work\n\nMade by \`npm run systems -- --write\`. Each number is computed by the code that the tests call; long ones say where they come from.\n\n${sections.join("\n")}\n${last}\n`;
}

async function drawn({ row, pictures }: SystemRow, engine: Engine): Promise<Outcome["pictures"]> {
  const made = (await pictures?.(engine)) ?? [];
  const file = (name: string): string => `row-${String(row).padStart(2, "0")}-${name}.svg`;
  return Promise.all(
    made.map(async (one) => ({ file: file(one.name), caption: one.caption, svg: await svgFile(one) })),
  );
}

/** The page and its pictures; pictures that no row makes any more go. */
function writePage(outcomes: readonly Outcome[], last: string): void {
  const docs = new URL("../../docs/", import.meta.url);
  const folder = new URL(`${PICTURES}/`, docs);
  mkdirSync(folder, { recursive: true });
  const pictures = outcomes.flatMap((outcome) => outcome.pictures);
  for (const file of readdirSync(folder)) if (!pictures.some((one) => one.file === file)) rmSync(new URL(file, folder));
  for (const { file, svg } of pictures) writeFileSync(new URL(file, folder), svg);
  writeFileSync(new URL("systems.md", docs), page(outcomes, last));
}

async function main(): Promise<void> {
  const given = process.argv.slice(2);
  const [full, write, help] = ["--full", "--write", "--help"].map((flag) => given.includes(flag));
  if (help) return void process.stdout.write(`${USAGE}\n`);
  const numbers = given.filter((word) => !["--full", "--write"].includes(word));
  for (const word of numbers) {
    if (systemRows.some(({ row }) => String(row) === word)) continue;
    throw new InputError(
      `systems: rows ${systemRows.map(({ row }) => row).join(", ")}, --full and --write are known, got ${word}`,
    );
  }
  if (write && numbers.length > 0) {
    throw new InputError(`systems: --write makes the page of all rows; leave out ${numbers.join(", ")}`);
  }
  const wanted = systemRows.filter(({ row }) => numbers.length === 0 || numbers.includes(String(row)));
  const engine = await openEngine({ threads: 1 });
  const outcomes: Outcome[] = [];
  for (const row of wanted) {
    const quick = await row.measure(engine);
    const stored =
      row.study && (full ? store(row.row, row.study.command, await row.study.run(say)) : readStored(row.row));
    const pictures = write ? await drawn(row, engine) : [];
    const outcome = { row, measurements: [...quick, ...(stored?.measurements ?? [])], stored, pictures };
    outcomes.push(outcome);
    print(outcome);
  }
  const last = `${outcomes.filter(works).length} of ${TOTAL}`;
  if (write) writePage(outcomes, last);
  process.stdout.write(`\n${last}\n`);
  if (!outcomes.every(({ measurements }) => measurements.every(holds))) process.exitCode = 1;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

await run(main);
