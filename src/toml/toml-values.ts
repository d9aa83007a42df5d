import { ProblemAt, type LocatedEntry, type LocatedValue } from "../base/index.ts";

const MOST_SHOWN = 80;

/** Says what stands where `expected` should. */
export function refusal(value: LocatedValue, expected: string): ProblemAt {
  return new ProblemAt(value.line, `${expected}, got ${shown(value)}`);
}

function shown(value: LocatedValue): string {
  switch (value.kind) {
    case "list":
      return "a list";
    case "map":
      return "a table";
    case "scalar": {
      const text = JSON.stringify(value.value);
      return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text;
    }
  }
}

/**
 * A text that is not empty.
 *
 * @throws ProblemAt
 */
export function textIn(value: LocatedValue, key: string): string {
  if (value.kind === "scalar" && typeof value.value === "string" && value.value !== "") {
    return value.value;
  }
  throw refusal(value, `${key}: expected a text`);
}

/** @throws ProblemAt */
export function booleanIn(value: LocatedValue, key: string): boolean {
  if (value.kind === "scalar" && typeof value.value === "boolean") return value.value;
  throw refusal(value, `${key}: expected true or false`);
}

/** @throws ProblemAt */
export function listIn(value: LocatedValue, key: string): readonly LocatedValue[] {
  if (value.kind === "list") return value.items;
  throw refusal(value, `${key}: expected a list`);
}

/** @throws ProblemAt */
export function entriesIn(value: LocatedValue, key: string): readonly LocatedEntry[] {
  if (value.kind === "map") return value.entries;
  throw refusal(value, `${key}: expected a table`);
}
