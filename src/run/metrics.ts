/** metrics.jsonl: one JSON object a line, each with the step it was measured at. A killed process may leave its last line torn. */
import { InputError } from "../errors.ts";
import { appendWhole, readIfThere, writeAtomically } from "./files.ts";

/** What was measured at a step; a NaN or an infinity is read back as null. */
export type MetricsRow = Record<string, unknown> & { step: number };

/** Adds a row to the end. @throws InputError when it cannot be written; the rows before are intact. */
export function appendRow(path: string, row: MetricsRow): void {
  appendWhole(path, line(row));
}

/** All rows, without a torn last one; none where there is no file. @throws InputError naming the line that is no row. */
export function readRows(path: string): MetricsRow[] {
  return parseRows(readText(path), path);
}

/** Keeps the rows up to and including `step`, and no torn one. */
export function cutRows(path: string, step: number): void {
  const text = readText(path);
  const kept = parseRows(text, path)
    .filter((row) => row.step <= step)
    .map(line)
    .join("");
  if (kept !== text) writeAtomically(path, kept);
}

function line(row: MetricsRow): string {
  return `${JSON.stringify(row)}\n`;
}

function readText(path: string): string {
  return new TextDecoder().decode(readIfThere(path));
}

function parseRows(text: string, path: string): MetricsRow[] {
  const lines = text.split("\n").slice(0, -1); // what follows the last line break is empty or torn
  return lines.map((content, index) => {
    const row = parseJson(content);
    if (isRow(row)) return row;
    throw new InputError(
      `${path}:${index + 1}: expected a JSON object with an integer "step", got ${JSON.stringify(content.slice(0, 60))}; remove the line`,
    );
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRow(value: unknown): value is MetricsRow {
  return typeof value === "object" && value !== null && "step" in value && Number.isInteger(value.step);
}
