import { type AST, ParseError, parseTOML } from "toml-eslint-parser";
import {
  assertNever,
  ProblemAt,
  type LocatedEntry,
  type LocatedMap,
  type LocatedValue,
} from "../base/index.ts";

/** Deeper than anything that means something; the parser itself ends with the stack. */
const MAX_DEPTH = 32;

/**
 * Reads a TOML 1.1 document. Tables and keys keep the order in which the document names them first.
 *
 * @throws ProblemAt, for the first thing that is wrong; for dates too, which nothing here takes
 */
export function parseToml(text: string): LocatedMap {
  const root = new Table(1);
  for (const node of parsed(text).body[0].body) {
    if (node.type === "TOMLKeyValue") put(root, node, 0);
    else fill(root, node);
  }
  return root.located();
}

function parsed(text: string): AST.TOMLProgram {
  try {
    return parseTOML(text, { tomlVersion: "1.1.0" });
  } catch (error) {
    if (error instanceof ParseError) {
      throw new ProblemAt(error.lineNumber, error.message, { cause: error });
    }
    if (!(error instanceof RangeError)) throw error;
    throw tooDeep(1, error);
  }
}

/** A table that grows: what is below it may stand anywhere in the document. */
class Table {
  readonly line: number;
  readonly #members = new Map<string, Member>();

  constructor(line: number) {
    this.line = line;
  }

  get(key: string): Member["value"] | undefined {
    return this.#members.get(key)?.value;
  }

  set(key: string, line: number, value: Member["value"]): void {
    this.#members.set(key, { line, value });
  }

  located(): LocatedMap {
    const entries = [...this.#members].map(([key, { line, value }]): LocatedEntry => ({
      key,
      line,
      value: locatedOf(value, line),
    }));
    return { kind: "map", line: this.line, entries };
  }
}

interface Member {
  readonly line: number;
  /** A list is one of `[[tables]]`. */
  readonly value: Table | Table[] | LocatedValue;
}

function locatedOf(value: Member["value"], line: number): LocatedValue {
  if (value instanceof Table) return value.located();
  if (!Array.isArray(value)) return value;
  return { kind: "list", line, items: value.map((table) => table.located()) };
}

/** Puts what stands under `[table]` or `[[table]]` where it belongs. */
function fill(root: Table, node: AST.TOMLTable): void {
  const { line } = node.loc.start;
  if (node.resolvedKey.length > MAX_DEPTH) throw tooDeep(line);
  let table = root;
  // A number says which of the tables of its name it is; it stands behind the name.
  for (const [index, key] of node.resolvedKey.entries()) {
    if (typeof key === "number") continue;
    const number = node.resolvedKey[index + 1];
    table = childOf(table, key, typeof number === "number" ? number : undefined, line);
  }
  for (const pair of node.body) put(table, pair, 0);
}

/** The table `key` below `parent`, or the one of this number; made where it is not there yet. */
function childOf(parent: Table, key: string, number: number | undefined, line: number): Table {
  const known = parent.get(key);
  if (known instanceof Table) return known;
  if (number === undefined) {
    const made = new Table(line);
    parent.set(key, line, made);
    return made;
  }
  const list = Array.isArray(known) ? known : [];
  if (known === undefined) parent.set(key, line, list);
  const table = list[number] ?? new Table(line);
  list[number] = table;
  return table;
}

/** Puts `a.b.c = value`: tables for all but the last part of the key. */
function put(table: Table, pair: AST.TOMLKeyValue, depth: number): void {
  const names = pair.key.keys.map((part) => (part.type === "TOMLBare" ? part.name : part.value));
  const { line } = pair.loc.start;
  if (depth + names.length > MAX_DEPTH) throw tooDeep(line);
  let target = table;
  for (const name of names.slice(0, -1)) target = childOf(target, name, undefined, line);
  target.set(names.at(-1) ?? "", line, valueOf(pair.value, depth + names.length));
}

function valueOf(node: AST.TOMLContentNode, depth: number): Table | LocatedValue {
  const { line } = node.loc.start;
  if (depth > MAX_DEPTH) throw tooDeep(line);
  switch (node.type) {
    case "TOMLInlineTable": {
      const table = new Table(line);
      for (const pair of node.body) put(table, pair, depth);
      return table;
    }
    case "TOMLArray": {
      const items = node.elements.map((item) => locatedOf(valueOf(item, depth + 1), line));
      return { kind: "list", line, items };
    }
    case "TOMLValue": {
      if (node.value instanceof Date) throw new ProblemAt(line, "expected no date, got one");
      return { kind: "scalar", line, value: node.value };
    }
    default:
      return assertNever(node);
  }
}

function tooDeep(line: number, cause?: unknown): ProblemAt {
  const message = `expected at most ${MAX_DEPTH} tables and lists in one another, got more`;
  return new ProblemAt(line, message, { cause });
}
