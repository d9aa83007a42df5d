import { assertNever } from "../base/index.ts";
import type { LayerRecord } from "../packs/index.ts";
import type { FileTree } from "./file-tree.ts";
import type { InodeKind } from "./inode-table.ts";
import { NONE } from "./name-table.ts";

/**
 * When an entry that the converter itself adds takes the place of the image's own: never, always, or
 * where that is a symbolic link with another target. A directory in place of a directory changes its
 * attributes alone.
 */
export type AdditionPolicy = "if-absent" | "replace" | "replace-symlink";

export interface Addition {
  readonly record: LayerRecord;
  readonly policy: AdditionPolicy;
}

/**
 * Adds entries over a merged tree, in order, as layer number `layer` (one more than the last).
 * Links of the image are followed on the way to an entry, never at its end; an entry below
 * something that is no directory is left out.
 */
export function applyAdditions(tree: FileTree, additions: Iterable<Addition>, layer: number): void {
  for (const { record, policy } of additions) {
    const slash = record.path.lastIndexOf(0x2f);
    const name = record.path.subarray(slash + 1);
    const parentPath = record.path.subarray(0, Math.max(slash, 0));
    const parent = tree.findDirectory(parentPath);
    if (parent === NONE || record.kind === "hardlink") continue;
    const node = tree.names.find(parent, name);
    if (node !== NONE && tree.inodeOf(node) !== NONE) {
      if (!givesWay(tree, node, record, policy)) continue;
      if (record.kind === "directory" && tree.isKind(node, "directory")) {
        tree.inodes.setAttributes(tree.inodeOf(node), record);
        continue;
      }
    }
    const kind: InodeKind = record.kind;
    tree.place(parent, name, tree.inodes.add({ ...record, kind }, layer), layer);
  }
}

function givesWay(
  tree: FileTree,
  node: number,
  record: LayerRecord,
  policy: AdditionPolicy,
): boolean {
  switch (policy) {
    case "if-absent":
      return false;
    case "replace":
      return true;
    case "replace-symlink":
      return (
        tree.isKind(node, "symlink") &&
        Buffer.compare(tree.inodes.linkTarget(tree.inodeOf(node)), record.linkTarget) !== 0
      );
    default:
      return assertNever(policy);
  }
}
