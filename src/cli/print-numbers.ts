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
