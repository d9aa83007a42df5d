import { DEFAULT_LIMITS } from "../../src/base/index.ts";
import type { LayerRecord } from "../../src/packs/index.ts";
import {
  INODE_KIND,
  LayerMerge,
  NONE,
  sortTree,
  TreeError,
  type FileTree,
  type SortedTree,
} from "../../src/tree/index.ts";
import { contentOf, readTar, tar, type TarItem } from "../fixtures/tar/index.ts";
import { mergeStack, ModelError, type ModelDirectory } from "./reference-model.ts";
import { tarItem, type Latin1, type Stack } from "./stack-entry.ts";

/**
 * A merged tree as one line for each name, with all its facts and the first of the names that share
 * its inode; or the code of the refusal. Names ascend by bytes.
 */
export type Outcome = readonly string[] | { readonly code: string };

/** What the reference model makes of a stack. */
export function expectedOutcome(stack: Stack): Outcome {
  try {
    return describeModel(mergeStack(stack).root);
  } catch (error) {
    if (error instanceof ModelError) return { code: error.code };
    throw error;
  }
}

/** What reading the layers as archives and merging the records makes of it. */
export function mergedOutcome(stack: Stack): Outcome {
  try {
    const { tree, contents } = mergeArchives(stack.map((layer) => layer.map(tarItem)));
    return describeSorted(sortTree(tree), contents);
  } catch (error) {
    if (error instanceof TreeError) return { code: error.code };
    throw error;
  }
}

/** Reads archives, lowest first, and merges them; a file's data is its place in `contents`. */
export function mergeArchives(layers: readonly (readonly TarItem[])[]): {
  readonly tree: FileTree;
  readonly contents: Latin1[];
} {
  const contents: Latin1[] = [];
  const merge = new LayerMerge(DEFAULT_LIMITS, () => undefined);
  for (const layer of layers) {
    const records = readTar(tar(layer)).entries.map((entry): LayerRecord => {
      if (entry.kind !== "file") return { ...entry, data: { kind: "empty" } };
      const fragment = contents.push(latin1(contentOf(entry))) - 1;
      return { ...entry, data: { kind: "fragment", fragment, offset: 0 } };
    });
    const hasWhiteouts = records.some(({ path }) => latin1(path).includes(".wh."));
    merge.apply({ hasWhiteouts, records: () => passing(records) });
  }
  return { tree: merge.tree, contents };
}

/** Records as a log hands them out: the bytes of each are good until the next one. */
function* passing(records: readonly LayerRecord[]): Iterable<LayerRecord> {
  for (const record of records) {
    const path = record.path.slice();
    const linkTarget = record.linkTarget.slice();
    yield { ...record, path, linkTarget };
    path.fill(0xee);
    linkTarget.fill(0xee);
  }
}

interface Described {
  readonly name: string;
  readonly inode: unknown;
  readonly text: string;
  /** Names that refer to the inode, as the tree says. */
  readonly links: number;
}

function describeModel(root: ModelDirectory): string[] {
  const all: Described[] = [];
  const counts = new Map<unknown, number>();
  const add = (node: ModelDirectory, name: string): void => {
    const children = [...node.children].sort(([a], [b]) => (a < b ? -1 : 1));
    const folders = children.filter(([, child]) => child.kind === "directory").length;
    all.push({
      name,
      inode: node,
      text: show("directory", node.attributes, ""),
      links: 2 + folders,
    });
    for (const [last, child] of children) {
      const path = `${name}/${last}`;
      if (child.kind === "directory") add(child, path);
      else if (child.kind === "pending") throw new Error(`${path} is left without a target`);
      else {
        counts.set(child, (counts.get(child) ?? 0) + 1);
        const text = show(child.kind, child.attributes, child.value);
        all.push({ name: path, inode: child, text, links: 0 });
      }
    }
  };
  add(root, "");
  return lines(all.map((each) => ({ ...each, links: each.links + (counts.get(each.inode) ?? 0) })));
}

function describeSorted(tree: SortedTree, contents: readonly string[]): string[] {
  const all: Described[] = [];
  const pending = [{ node: tree.root, name: "" }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const inode = tree.inodeOf(next.node);
    const text = describeInode(tree, inode, contents);
    all.push({ name: next.name, inode, text, links: tree.linkCounts[inode] ?? 0 });
    if (tree.inodes.kind[inode] !== INODE_KIND.directory) continue;
    for (const node of tree.children(next.node).toReversed()) {
      pending.push({ node, name: `${next.name}/${latin1(tree.name(node))}` });
    }
  }
  const inodes = new Set(all.map(({ inode }) => inode)).size;
  if (tree.nameCount !== all.length || tree.inodeCount !== inodes) {
    throw new Error(`${all.length} names of ${inodes} inodes are not what the tree counted`);
  }
  return lines(all);
}

function describeInode(tree: SortedTree, inode: number, contents: readonly string[]): string {
  const { inodes } = tree;
  const set = inodes.xattrSets[inodes.xattrs[inode] ?? NONE] ?? [];
  const attributes = {
    mode: inodes.mode[inode] ?? 0,
    uid: inodes.uid[inode] ?? 0,
    gid: inodes.gid[inode] ?? 0,
    mtime: inodes.mtime[inode] ?? 0,
    xattrs: set.map(({ name, value }) => `${latin1(name)}=${latin1(value)}`),
  };
  const device = inodes.size[inode] ?? 0;
  switch (inodes.kind[inode]) {
    case INODE_KIND.directory:
      return show("directory", attributes, "");
    case INODE_KIND.symlink:
      return show("symlink", attributes, latin1(inodes.linkTarget(inode)));
    case INODE_KIND.fifo:
      return show("fifo", attributes, "");
    case INODE_KIND.character:
      return show("character", attributes, `${device >> 8}.${device & 0xff}`);
    default: {
      const data = inodes.data(inode);
      const content = data.kind === "fragment" ? contents[data.fragment] : undefined;
      return show("file", attributes, content ?? "no content");
    }
  }
}

interface Shown {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  readonly xattrs: readonly string[];
}

function show(kind: string, facts: Shown, value: string): string {
  const { mode, uid, gid, mtime, xattrs } = facts;
  const numbers = `0${mode.toString(8)} ${uid}:${gid} ${mtime}`;
  return `${kind} ${numbers} ${JSON.stringify(xattrs)} ${JSON.stringify(value)}`;
}

function lines(all: readonly Described[]): string[] {
  const firstNames = new Map<unknown, string>();
  return all.map(({ name, inode, text, links }) => {
    const first = firstNames.get(inode);
    if (first === undefined) firstNames.set(inode, name);
    const shared = first === undefined ? "" : ` is ${JSON.stringify(first)}`;
    return `${JSON.stringify(name)} ${text} *${links}${shared}`;
  });
}

function latin1(bytes: Uint8Array): Latin1 {
  return Buffer.from(bytes).toString("latin1");
}
