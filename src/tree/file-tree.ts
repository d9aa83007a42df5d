import type { Limits } from "../base/index.ts";
import { INODE_KIND, InodeTable, type InodeFacts } from "./inode-table.ts";
import { NameTable, NONE } from "./name-table.ts";
import { TreeError } from "./tree-error.ts";

/** Attributes of a directory that no layer names (layers.md §5.1, and our time 0). */
const IMPLIED_DIRECTORY: InodeFacts = {
  kind: "directory",
  mode: 0o755,
  uid: 0,
  gid: 0,
  mtime: 0,
  size: 0,
  linkTarget: new Uint8Array(0),
  deviceMajor: 0,
  deviceMinor: 0,
  xattrs: [],
  data: { kind: "empty" },
};
/** As Linux has it: more links than this in one path are taken for a loop. */
const MOST_HOPS = 40;
const SLASH = 0x2f;
const DOT = 0x2e;

export const ROOT = 0;

/** What stands in the way, or is missing, when a path is followed. */
export type MissingParents =
  /** Answer NONE. */
  | "stop"
  /** Make a directory there, also in place of a file. */
  | "create";

/** Called at a symbolic link on the way; true stops the walk with NONE. */
export type StopAtLink = (linkPath: () => Uint8Array, node: number) => boolean;

/**
 * A tree of names over inodes, changed in place while layers are merged into it. Paths are bytes
 * and never leave it: `..` stays at the root, links are followed inside.
 */
export class FileTree {
  readonly names: NameTable;
  readonly inodes: InodeTable = new InodeTable();
  /** Changes whenever a directory or link is taken away, so that found directories may be kept. */
  generation = 0;

  constructor(limits: Limits) {
    this.names = new NameTable(limits);
    this.names.inode[ROOT] = this.inodes.add(IMPLIED_DIRECTORY, 0);
  }

  /** The inode under `node` now, or NONE. */
  inodeOf(node: number): number {
    return this.names.inode[node] ?? NONE;
  }

  isKind(node: number, kind: keyof typeof INODE_KIND): boolean {
    const inode = this.inodeOf(node);
    return inode !== NONE && this.inodes.kind[inode] === INODE_KIND[kind];
  }

  /**
   * Follows `path` (cleaned; "" is the root) to a directory, through symbolic links.
   *
   * @param layer - the number of the layer that makes what is missing
   * @returns the directory's node, or NONE where `missing` is "stop" and it does not exist
   * @throws TreeError `TREE_LINK_LOOP`, or `TREE_PARENT` when a link on the way leads to a file
   */
  resolveDirectory(
    path: Uint8Array,
    layer: number,
    missing: MissingParents,
    stopAtLink?: StopAtLink,
  ): number {
    let node = ROOT;
    let hops = 0;
    let inLink = 0;
    const pending = components(path).reverse();
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      if (isDots(name, 2)) {
        node = this.names.parent[node] ?? ROOT;
        continue;
      }
      const next = this.names.find(node, name);
      if (next !== NONE && this.isKind(next, "symlink")) {
        if (stopAtLink?.(() => this.pathOf(next), next) === true) return NONE;
        if ((hops += 1) > MOST_HOPS) {
          throw new TreeError(
            "TREE_LINK_LOOP",
            `${text(path)}: too many symbolic links on the way`,
          );
        }
        const target = this.inodes.linkTarget(this.inodeOf(next));
        if (target[0] === SLASH) node = ROOT;
        inLink = pending.length;
        pending.push(...components(target).reverse());
      } else if (next !== NONE && this.isKind(next, "directory")) {
        node = next;
      } else if (missing === "stop") {
        return NONE;
      } else {
        const isFile = next !== NONE && this.inodeOf(next) !== NONE;
        if (isFile && hops > 0 && pending.length >= inLink) {
          throw new TreeError(
            "TREE_PARENT",
            `${text(path)}: a symbolic link on the way leads to ${text(this.pathOf(next))}, which is no directory`,
          );
        }
        node = this.#addDirectory(node, name, layer);
      }
    }
    return node;
  }

  /** Puts `inode` under `name` in `parent`, in place of whatever is there. */
  place(parent: number, name: Uint8Array, inode: number, layer: number): number {
    const node = this.names.findOrAdd(parent, name);
    if (this.inodeOf(node) !== NONE) this.kill(node, layer);
    this.names.inode[node] = inode;
    this.touch(node, layer);
    return node;
  }

  /** Marks a name and all directories above it as touched by `layer`. */
  touch(node: number, layer: number): void {
    const { touched, parent } = this.names;
    let at = node;
    while (touched[at] !== layer) {
      touched[at] = layer;
      at = parent[at] ?? ROOT;
    }
  }

  /** Takes away what lies under `node` with everything below it, remembering it for late links. */
  kill(node: number, layer: number): void {
    const pending = [node];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const inode = this.inodeOf(next);
      if (inode === NONE) continue;
      const { names } = this;
      if (names.lostLayer[next] !== layer && (this.inodes.layer[inode] ?? 0) < layer) {
        names.lost[next] = inode;
        names.lostLayer[next] = layer;
      }
      names.inode[next] = NONE;
      const kind = this.inodes.kind[inode];
      if (kind === INODE_KIND.directory || kind === INODE_KIND.symlink) this.generation += 1;
      if (kind === INODE_KIND.directory) {
        for (const child of this.children(next)) pending.push(child);
      }
    }
  }

  /** Takes away everything below `directory` that `layer` has not touched. */
  killUntouched(directory: number, layer: number): void {
    const pending = [directory];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      for (const child of this.children(next)) {
        if (this.names.touched[child] !== layer) this.kill(child, layer);
        else if (this.isKind(child, "directory")) pending.push(child);
      }
    }
  }

  /**
   * The inode that a cleaned path named before `layer` began, when the layer took it away since.
   * Links on the way are not followed.
   */
  lostInode(path: Uint8Array, layer: number): number {
    let node = ROOT;
    for (const name of components(path)) {
      node = this.names.find(node, name);
      if (node === NONE) return NONE;
    }
    return this.names.lostLayer[node] === layer ? (this.names.lost[node] ?? NONE) : NONE;
  }

  /** The names in a directory that have something under them, in no order. */
  *children(directory: number): Iterable<number> {
    const { names } = this;
    for (let node = names.firstChild(directory); node !== NONE; node = names.nextSibling(node)) {
      if (this.inodeOf(node) !== NONE) yield node;
    }
  }

  /** The root-relative path of a node, for messages and look-ups in a layer's own entries. */
  pathOf(node: number): Uint8Array {
    const parts: Uint8Array[] = [];
    for (let at = node; at !== ROOT; at = this.names.parent[at] ?? ROOT) {
      parts.unshift(this.names.name(at).slice());
    }
    return joinPath(parts);
  }

  #addDirectory(parent: number, name: Uint8Array, layer: number): number {
    return this.place(parent, name, this.inodes.add(IMPLIED_DIRECTORY, layer), layer);
  }
}

/** The names that a path is made of, `.` and empty ones left out. */
export function components(path: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let from = 0;
  while (from < path.length) {
    const slash = path.indexOf(SLASH, from);
    const to = slash === -1 ? path.length : slash;
    const part = path.subarray(from, to);
    if (part.length > 0 && !isDots(part, 1)) parts.push(part);
    from = to + 1;
  }
  return parts;
}

/** A path for a message: escaped, so that no name can speak to a terminal. */
export function text(path: Uint8Array): string {
  return JSON.stringify(Buffer.from(path).toString("utf8").slice(0, 300));
}

function joinPath(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(
    parts.flatMap((part, i) => (i === 0 ? [part] : [Uint8Array.of(SLASH), part])),
  );
}

function isDots(name: Uint8Array, count: number): boolean {
  return name.length === count && name.every((byte) => byte === DOT);
}
