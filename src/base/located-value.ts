/** A value of a document that somebody wrote, and the line (from 1) that it stands in. */
export type LocatedValue = LocatedScalar | LocatedList | LocatedMap;

export interface LocatedScalar {
  readonly kind: "scalar";
  readonly line: number;
  /** Null where nothing is given. */
  readonly value: string | number | boolean | null;
}

export interface LocatedList {
  readonly kind: "list";
  readonly line: number;
  readonly items: readonly LocatedValue[];
}

export interface LocatedMap {
  readonly kind: "map";
  readonly line: number;
  /** In the order of the document; no key twice. */
  readonly entries: readonly LocatedEntry[];
}

export interface LocatedEntry {
  readonly key: string;
  /** Of the key. */
  readonly line: number;
  readonly value: LocatedValue;
}

/** The value without its lines, as JSON would have it. */
export function plainValue(located: LocatedValue): unknown {
  switch (located.kind) {
    case "scalar":
      return located.value;
    case "list":
      return located.items.map(plainValue);
    case "map":
      // Not by assignment, which a key `__proto__` would take for the prototype.
      return Object.fromEntries(located.entries.map(({ key, value }) => [key, plainValue(value)]));
  }
}

/** Something in a file that cannot be used; `line` counts from 1. */
export class ProblemAt extends Error {
  readonly line: number;

  constructor(line: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ProblemAt";
    this.line = line;
  }
}
