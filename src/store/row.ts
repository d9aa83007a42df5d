import type { SQLOutputValue } from "node:sqlite";
import { StoreError } from "./store-error.ts";

/** One row of an answer, by column name. */
export type Row = Record<string, SQLOutputValue>;

/** @throws StoreError `STORE_DAMAGED` when the column holds no text */
export function textOf(row: Row, column: string): string {
  const value = row[column];
  if (typeof value === "string") return value;
  throw damaged(column, "text", value);
}

/** @throws StoreError `STORE_DAMAGED` when the column holds neither text nor null */
export function optionalTextOf(row: Row, column: string): string | undefined {
  return row[column] === null ? undefined : textOf(row, column);
}

/** @throws StoreError `STORE_DAMAGED` when the column holds no number */
export function numberOf(row: Row, column: string): number {
  const value = row[column];
  if (typeof value === "number") return value;
  throw damaged(column, "a number", value);
}

/** @throws StoreError `STORE_DAMAGED` when the column holds neither a number nor null */
export function optionalNumberOf(row: Row, column: string): number | undefined {
  return row[column] === null ? undefined : numberOf(row, column);
}

/** @throws StoreError `STORE_DAMAGED` when the column holds none of `choices` */
export function choiceOf<T extends string>(row: Row, column: string, choices: readonly T[]): T {
  const value = textOf(row, column);
  const choice = choices.find((one) => one === value);
  if (choice !== undefined) return choice;
  throw damaged(column, `one of ${choices.join(", ")}`, value);
}

export function damaged(what: string, expected: string, got: unknown): StoreError {
  return new StoreError(
    "STORE_DAMAGED",
    `store database, ${what}: expected ${expected}, got ${String(got).slice(0, 80)}`,
  );
}
