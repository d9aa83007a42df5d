/**
 * Characters up to which a cell widens its column. Names that strangers chose may be a million: every
 * row of the table would be as long.
 */
const WIDEST_COLUMN = 100;

/** Rows of cells as lines, each column as wide as its widest cell, two spaces between. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      if (cell.length > WIDEST_COLUMN) return;
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  return rows
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "))
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}
