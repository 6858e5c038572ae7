/** A table as RFC 4180 has it, with "\n" between rows; numbers by the shortest text that is the same float32. */
export function encodeCsv(columns: readonly string[], rows: Iterable<readonly (string | number)[]>): string {
  const lines = [line(columns)];
  for (const row of rows) lines.push(line(row));
  return `${lines.join("\n")}\n`;
}

function line(cells: readonly (string | number)[]): string {
  return cells.map(cell).join(",") || '""'; // an empty line would be no row
}

/** In quotes where it holds what some reader may take for a delimiter. */
function cell(value: string | number): string {
  if (typeof value === "number") return shortest(value);
  return /[",;|\t\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/** The fewest digits that give the same float32 back, or the same double where it is none. */
function shortest(value: number): string {
  if (Math.fround(value) !== value || !Number.isFinite(value)) return String(value);
  for (let digits = 1; digits <= 9; digits++) {
    const text = Number(value.toPrecision(digits));
    if (Math.fround(text) === value) return String(text);
  }
  return String(value);
}
