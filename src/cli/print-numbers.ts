import type { StampedNumber } from "../evaluation/summary.ts";
import { formatNumber, formatWithError } from "../report/numbers.ts";
import { painter } from "./terminal.ts";

/** The numbers as a table: name, value ± standard error, unit, and how it was estimated. */
export function printNumbers(numbers: readonly StampedNumber[], stream: NodeJS.WriteStream): void {
  const paint = painter(stream);
  const rows = numbers.map(({ name, value, error, unit, bitsPerDimension, stamp }) => ({
    name,
    value: error === undefined ? formatNumber(value) : formatWithError(value, error),
    unit: bitsPerDimension === undefined ? unit : `${unit}, ${formatNumber(bitsPerDimension)} bits/dim`,
    stamp,
  }));
  const widest = (key: "name" | "value" | "unit"): number => Math.max(...rows.map((row) => row[key].length));
  const [names, values, units] = [widest("name"), widest("value"), widest("unit")];
  for (const { name, value, unit, stamp } of rows) {
    stream.write(
      `${name.padEnd(names)}  ${paint("bold", value.padStart(values))} ${unit.padEnd(units)}  ${paint("dim", stamp)}\n`,
    );
  }
}

/** The numbers as a table, below them what is so in plain words, and the files that were written. */
export function printEvaluation(
  { numbers, remarks }: { readonly numbers: readonly StampedNumber[]; readonly remarks: readonly string[] },
  stream: NodeJS.WriteStream,
  files: readonly string[] = [],
): void {
  printNumbers(numbers, stream);
  for (const part of [remarks, files]) if (part.length > 0) stream.write(`\n${part.join("\n")}\n`);
}
