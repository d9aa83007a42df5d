import { isDeepStrictEqual } from "node:util";

import type { FileFacts, Tree } from "./read-tree.ts";

export interface CompareOptions {
  /** Paths, with all below them, that only the actual tree may have. */
  readonly addedPaths?: readonly string[];
  /** Says of which expected paths the time is not compared. */
  readonly ignoreMtimeOf?: (path: string, facts: FileFacts) => boolean;
  /** Facts that are not compared at all, such as owners after an unprivileged unpacking. */
  readonly ignoredFacts?: readonly (keyof FileFacts)[];
  /** Paths, with all below them, that are not compared. */
  readonly ignoredPaths?: readonly string[];
}

const FACTS = [
  "type",
  "mode",
  "uid",
  "gid",
  "mtime",
  "xattrs",
  "nlink",
  "firstName",
  "size",
  "sha256",
  "target",
  "device",
] as const satisfies readonly (keyof FileFacts)[];

/** One line for each difference, in the order of the paths; none when the trees are the same. */
export function compareTrees(
  expected: Tree,
  actual: Tree,
  options: CompareOptions = {},
): readonly string[] {
  const differences: string[] = [];
  const paths = [...new Set([...expected.keys(), ...actual.keys()])].sort();
  for (const path of paths) {
    if (isWithin(path, options.ignoredPaths ?? [])) continue;
    const wanted = expected.get(path);
    const came = actual.get(path);
    if (wanted === undefined) {
      if (!isWithin(path, options.addedPaths ?? [])) differences.push(`${path}: not expected`);
    } else if (came === undefined) {
      differences.push(`${path}: missing`);
    } else {
      differences.push(...differentFacts(path, wanted, came, options));
    }
  }
  return differences;
}

function isWithin(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => path === folder || path.startsWith(`${folder}/`));
}

function differentFacts(
  path: string,
  wanted: FileFacts,
  came: FileFacts,
  options: CompareOptions,
): string[] {
  const timeless = options.ignoreMtimeOf?.(path, wanted) === true;
  return FACTS.filter((fact) => !(options.ignoredFacts?.includes(fact) ?? false))
    .filter((fact) => !(timeless && fact === "mtime"))
    .filter((fact) => !isDeepStrictEqual(wanted[fact], came[fact]))
    .map((fact) => `${path}: ${fact}: expected ${show(wanted[fact])}, got ${show(came[fact])}`);
}

function show(fact: FileFacts[keyof FileFacts]): string {
  return typeof fact === "object" ? JSON.stringify(fact) : String(fact);
}
