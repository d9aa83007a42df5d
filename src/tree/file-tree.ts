import { limitError, type Limits } from "../base/index.ts";
import { HeldBytes } from "./held-bytes.ts";
import { INODE_KIND, InodeTable, type InodeFacts } from "./inode-table.ts";
import { NameTable, NONE } from "./name-table.ts";
import { components, isDots, lengthWithout, text } from "./path-bytes.ts";
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
/** The longest name that Linux knows. */
const NAME_BYTES = 255;
const SLASH = 0x2f;

export const ROOT = 0;

/** What happens where a path leads through something that is missing or no directory. */
export type MissingParents =
  /** Answer NONE. */
  | "stop"
  /** Make a directory there, also in place of a file. */
  | "create";

/**
 * Called at a symbolic link on the way; true stops the walk. `spelling` is what the followed path
 * calls the link, undefined where another link led to it.
 */
export type StopAtLink = (node: number, spelling: Uint8Array | undefined) => boolean;

/** How far a path leads. */
interface Walk {
  readonly end: "path" | "link" | "loop";
  /** The last directory on the way. */
  readonly node: number;
  /** What the path names below it, none of which is a directory. */
  readonly rest: readonly Step[];
}

interface Step {
  readonly name: Uint8Array;
  /** Whether the path itself says so, and no link on the way. */
  readonly isOwn: boolean;
}

/**
 * A tree of names over inodes, changed in place while layers are merged into it. Paths are bytes
 * and never leave it: `..` stays at the root, links are followed inside.
 */
export class FileTree {
  readonly names: NameTable;
  readonly inodes: InodeTable;
  /** Counts what the merge holds besides names and link targets, too. */
  readonly held: HeldBytes;
  /** Changes whenever a directory goes or a link comes or goes, so that paths may lead elsewhere. */
  generation = 0;
  /** Directories that were made because something below them was. */
  impliedDirectories = 0;
  readonly #limits: Limits;
  #linkSteps = 0;

  constructor(limits: Limits, seed = 0) {
    this.#limits = limits;
    this.held = new HeldBytes(limits);
    this.names = new NameTable(limits, this.held, seed);
    this.inodes = new InodeTable(limits, this.held);
    this.names.inode[ROOT] = this.inodes.add(IMPLIED_DIRECTORY, 0);
  }

  /** The inode under `node` now, or NONE. */
  inodeOf(node: number): number {
    return this.names.inode[node] ?? NONE;
  }

  isKind(node: number, kind: keyof typeof INODE_KIND): boolean {
    return this.#isInode(this.inodeOf(node), kind);
  }

  /**
   * Follows `path` (cleaned; "" is the root) to a directory, through symbolic links. A `..` in one
   * takes back the name before it, whether or not that exists.
   *
   * @param layer - the number of the layer that makes what is missing
   * @returns the directory's node, or NONE where `missing` is "stop" and it does not exist
   * @throws TreeError `TREE_LINK_LOOP`, or `TREE_PARENT` when a link on the way leads to a file, or
   * to what no directory can be called
   * @throws LimitError `LIMIT_LINK_STEPS`, and those of names
   */
  resolveDirectory(
    path: Uint8Array,
    layer: number,
    missing: MissingParents,
    stopAtLink?: StopAtLink,
  ): number {
    const { end, node, rest } = this.#walk(path, (name) => this.inodeOf(name), stopAtLink);
    if (end === "loop") {
      throw new TreeError("TREE_LINK_LOOP", `${text(path)}: too many symbolic links on the way`);
    }
    if (end === "link") return NONE;
    if (rest.length > 0 && missing === "stop") return NONE;
    let at = node;
    for (const step of rest) at = this.#addDirectory(at, step, layer, path);
    return at;
  }

  /** The directory that `path` leads to, or NONE, links that lead nowhere or in a circle included. */
  findDirectory(path: Uint8Array): number {
    const { end, node, rest } = this.#walk(path, (name) => this.inodeOf(name));
    return end === "path" && rest.length === 0 ? node : NONE;
  }

  /** Puts `inode` under `name` in `parent`, in place of whatever is there. */
  place(parent: number, name: Uint8Array, inode: number, layer: number): number {
    const node = this.names.findOrAdd(parent, name);
    if (this.inodeOf(node) !== NONE) this.kill(node, layer);
    this.#keepLower(node, layer);
    this.names.relist(node);
    this.names.inode[node] = inode;
    if (this.#isInode(inode, "symlink")) this.generation += 1;
    this.touch(node, layer);
    return node;
  }

  /** Gives a name another inode than the one that it was placed with, if it still has that one. */
  exchange(node: number, placed: number, inode: number): void {
    if (this.inodeOf(node) !== placed) return;
    this.names.inode[node] = inode;
    if (this.#isInode(inode, "symlink")) this.generation += 1;
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

  /** Takes away what lies under `node` with everything below it. */
  kill(node: number, layer: number): void {
    const pending = [node];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const inode = this.inodeOf(next);
      if (inode === NONE) continue;
      this.#keepLower(next, layer);
      this.names.inode[next] = NONE;
      const isDirectory = this.#isInode(inode, "directory");
      if (isDirectory || this.#isInode(inode, "symlink")) this.generation += 1;
      if (isDirectory) {
        for (const child of this.names.unlistChildren(next)) pending.push(child);
      }
    }
  }

  /**
   * Takes away everything below `directory` that `layer` has not touched.
   *
   * @param done - directories of which that is known; the ones walked now are added
   */
  killUntouched(directory: number, layer: number, done: Set<number>): void {
    const pending = [directory];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (done.has(next)) continue;
      done.add(next);
      for (const child of this.children(next)) {
        if (this.names.touched[child] !== layer) this.kill(child, layer);
        else if (this.isKind(child, "directory")) pending.push(child);
      }
    }
  }

  /** What is under `name` in the directory of that path, as it was before `layer` began; or NONE. */
  lowerInode(directory: Uint8Array, name: Uint8Array, layer: number): number {
    const { names } = this;
    const lowerOf = (node: number): number =>
      (names.lowerLayer[node] === layer ? names.lower[node] : names.inode[node]) ?? NONE;
    const { end, node, rest } = this.#walk(directory, lowerOf);
    if (end !== "path" || rest.length > 0) return NONE;
    const found = names.find(node, name);
    return found === NONE ? NONE : lowerOf(found);
  }

  /** The names in a directory that have something under them, in no order. */
  *children(directory: number): Iterable<number> {
    const { names } = this;
    for (let node = names.firstChild(directory); node !== NONE; node = names.nextSibling(node)) {
      if (this.inodeOf(node) !== NONE) yield node;
    }
  }

  /** The names that lead from the root to a node. */
  namesTo(node: number): Uint8Array[] {
    const parts: Uint8Array[] = [];
    for (let at = node; at !== ROOT; at = this.names.parent[at] ?? ROOT) {
      parts.push(this.names.name(at));
    }
    return parts.reverse();
  }

  /** Follows `path` by the inodes that `inodeAt` finds under names; changes nothing. */
  #walk(path: Uint8Array, inodeAt: (node: number) => number, stopAtLink?: StopAtLink): Walk {
    let node = ROOT;
    let hops = 0;
    const rest: Step[] = [];
    const pending = components(path).reverse();
    // The path's own names lie below those of links, so that many of them are still to come.
    let own = pending.length;
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      const isOwn = pending.length < own;
      if (isOwn) own = pending.length;
      if (isDots(name, 2)) {
        if (rest.pop() === undefined) node = this.names.parent[node] ?? ROOT;
        continue;
      }
      const next = rest.length === 0 ? this.names.find(node, name) : NONE;
      const inode = next === NONE ? NONE : inodeAt(next);
      if (this.#isInode(inode, "directory")) {
        node = next;
      } else if (this.#isInode(inode, "symlink")) {
        if (stopAtLink !== undefined) {
          this.#countLinkSteps(this.names.depth[next] ?? 0);
          const length = isOwn ? lengthWithout(path, pending.length) : undefined;
          const spelling = length === undefined ? undefined : path.subarray(0, length);
          if (stopAtLink(next, spelling)) return { end: "link", node, rest };
        }
        if ((hops += 1) > MOST_HOPS) return { end: "loop", node, rest };
        const target = this.inodes.linkTarget(inode);
        if (target[0] === SLASH) node = ROOT;
        const names = components(target).reverse();
        this.#countLinkSteps(names.length);
        pending.push(...names);
      } else {
        rest.push({ name, isOwn });
      }
    }
    return { end: "path", node, rest };
  }

  /** Forty links of two thousand names each may stand in one short path: that adds up. */
  #countLinkSteps(count: number): void {
    this.#linkSteps += count;
    if (this.#linkSteps > this.#limits.linkSteps) {
      throw limitError(this.#limits, "linkSteps", "image");
    }
  }

  #isInode(inode: number, kind: keyof typeof INODE_KIND): boolean {
    return inode !== NONE && this.inodes.kind[inode] === INODE_KIND[kind];
  }

  #keepLower(node: number, layer: number): void {
    const { lower, lowerLayer } = this.names;
    if (lowerLayer[node] === layer) return;
    lowerLayer[node] = layer;
    lower[node] = this.inodeOf(node);
  }

  #addDirectory(parent: number, { name, isOwn }: Step, layer: number, path: Uint8Array): number {
    const node = this.names.find(parent, name);
    const isFile = node !== NONE && this.inodeOf(node) !== NONE;
    // What an entry is put below must be a directory; what a link happens to lead to need not.
    if (!isOwn && (isFile || name.length > NAME_BYTES)) {
      const what = isFile ? "is no directory" : `has a name of more than ${NAME_BYTES} bytes`;
      const way = "a symbolic link on the way leads to";
      throw new TreeError("TREE_PARENT", `${text(path)}: ${way} ${text(name)}, which ${what}`);
    }
    this.impliedDirectories += 1;
    return this.place(parent, name, this.inodes.add(IMPLIED_DIRECTORY, layer), layer);
  }
}
