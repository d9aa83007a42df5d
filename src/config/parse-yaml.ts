import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type Node,
} from "yaml";
import {
  ProblemAt,
  type LocatedEntry,
  type LocatedScalar,
  type LocatedValue,
} from "../base/index.ts";

/**
 * Reads one YAML 1.2 document of the core schema. Tags, aliases, `%YAML` of another version, keys
 * that are no text and a second document are refused: a configuration needs none of them, and each
 * can make a small file mean something that nobody sees in it.
 *
 * @returns undefined for an empty document
 * @throws ProblemAt, for the first thing that is wrong
 */
export function parseYaml(text: string): LocatedValue | undefined {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    version: "1.2",
    schema: "core",
    customTags: [],
    resolveKnownTags: false,
    merge: false,
    strict: true,
    stringKeys: true,
    uniqueKeys: true,
    prettyErrors: false,
    lineCounter: lines,
    // "silent" would also keep quiet about a second document.
    logLevel: "error",
  });
  refuseErrors(document, lines);
  const { yaml } = document.directives;
  if (yaml.explicit === true && yaml.version !== "1.2") {
    throw new ProblemAt(1, `expected YAML 1.2, got %YAML ${yaml.version}`);
  }
  return document.contents === null ? undefined : new Reader(lines).read(document.contents);
}

function refuseErrors(document: Document.Parsed, lines: LineCounter): void {
  const [first] = [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0]);
  if (first === undefined) return;
  const { line } = lines.linePos(first.pos[0]);
  throw new ProblemAt(line, first.message, { cause: first });
}

class Reader {
  readonly #lines: LineCounter;

  constructor(lines: LineCounter) {
    this.#lines = lines;
  }

  read(node: Node): LocatedValue {
    const line = this.#lineOf(node);
    if (isAlias(node)) throw new ProblemAt(line, `expected a value, got the alias *${node.source}`);
    if (node.tag !== undefined) throw new ProblemAt(line, `expected no tag, got ${node.tag}`);
    if (isMap<Node, Node | null>(node)) {
      const entries = node.items.map(({ key, value }) => this.#entry(key, value));
      return { kind: "map", line, entries };
    }
    if (isSeq<Node>(node)) {
      return { kind: "list", line, items: node.items.map((item) => this.read(item)) };
    }
    return { kind: "scalar", line, value: scalarOf(node) };
  }

  #entry(key: Node, value: Node | null): LocatedEntry {
    const line = this.#lineOf(key);
    const read = this.read(key);
    if (read.kind !== "scalar")
      throw new ProblemAt(line, `expected text as a key, got a ${read.kind}`);
    return {
      key: String(read.value),
      line,
      value: value === null ? { kind: "scalar", line, value: null } : this.read(value),
    };
  }

  #lineOf(node: Node): number {
    return this.#lines.linePos(node.range?.[0] ?? 0).line;
  }
}

function scalarOf(node: Node): LocatedScalar["value"] {
  const value: unknown = isScalar(node) ? node.value : null;
  switch (typeof value) {
    case "string":
    case "number":
    case "boolean":
      return value;
    default:
      return null;
  }
}
