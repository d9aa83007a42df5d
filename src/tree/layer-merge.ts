import { limitError, type Limits } from "../base/index.ts";
import type { LayerRecord } from "../packs/index.ts";
import { FileTree, ROOT } from "./file-tree.ts";
import { INODE_KIND, type InodeFacts, type InodeKind } from "./inode-table.ts";
import { NONE } from "./name-table.ts";
import { components, latin1, splitPath, startsWith, text } from "./path-bytes.ts";
import { PathSet } from "./path-set.ts";
import { TreeError } from "./tree-error.ts";

const SLASH = 0x2f;
const WHITEOUT = bytesOf(".wh.");
const AUFS = bytesOf(".wh..wh.");
const AUFS_LINKS = bytesOf(".wh..wh.plnk/");
const OPAQUE = ".wh..wh..opq";
const NO_BYTES = new Uint8Array(0);

/** The log of one layer, read as often as the merge needs it. */
export interface LayerLog {
  readonly hasWhiteouts: boolean;
  records(): Iterable<LayerRecord>;
}

/** A hard link that stood before its target. */
interface LateLink {
  readonly path: Uint8Array;
  readonly target: Uint8Array;
}

/** What is under the name of a late link until its layer ends. */
const PLACEHOLDER: InodeFacts = {
  kind: "file",
  mode: 0,
  uid: 0,
  gid: 0,
  mtime: 0,
  size: 0,
  linkTarget: NO_BYTES,
  deviceMajor: 0,
  deviceMinor: 0,
  xattrs: [],
  data: { kind: "empty" },
};

/**
 * Applies layers, lowest first, to one tree.
 *
 * @see layers.md §5; OCI image-spec, filesystem layers, applying changesets
 */
export class LayerMerge {
  readonly tree: FileTree;
  readonly #limits: Limits;
  readonly #seed: number;
  readonly #warn: (message: string) => void;
  /** Files below AUFS' own directory, which only hard links may still name. */
  readonly #aufsFiles = new Map<string, number>();
  #entries = 0;
  #logicalBytes = 0;
  #hasWarned = false;
  #layer = 0;
  /** What the layer's own entries call directories; undefined where it hides nothing. */
  #ownDirectories: PathSet | undefined;
  /** Directories that hold nothing but what this layer brought. */
  readonly #emptied = new Set<number>();
  /** Placeholder inodes of this layer; what each stands for until the layer ends. */
  readonly #lateLinks = new Map<number, LateLink>();
  /** Names that were linked to them. */
  #lateNames: { readonly node: number; readonly placeholder: number }[] = [];
  #lastParent = { path: NO_BYTES, node: ROOT, generation: 0 };

  constructor(limits: Limits, warn: (message: string) => void, seed = 0) {
    this.tree = new FileTree(limits, seed);
    this.#limits = limits;
    this.#seed = seed;
    this.#warn = warn;
  }

  /**
   * @throws TreeError for what the layers cannot mean together
   * @throws LimitError `LIMIT_ENTRIES`, directories that are only implied included;
   *   `LIMIT_NAME_BYTES`, `LIMIT_PATH_DEPTH`, `LIMIT_PATH_BYTES`, `LIMIT_LINK_STEPS`,
   *   `LIMIT_IMAGE_XATTR_BYTES`, `LIMIT_LOGICAL_BYTES`
   */
  apply(log: LayerLog): void {
    this.#layer += 1;
    this.#emptied.clear();
    this.#ownDirectories = log.hasWhiteouts ? this.#directoriesOf(log) : undefined;
    for (const record of log.records()) {
      this.#entries += 1;
      this.#applyRecord(record);
      if (this.#entries + this.tree.impliedDirectories > this.#limits.entries) {
        throw limitError(this.#limits, "entries", "image");
      }
    }
    if (this.#lateLinks.size > 0) this.#resolveLateLinks();
  }

  #applyRecord(record: LayerRecord): void {
    const { path } = record;
    if (path.length === 0) {
      this.#applyDirectory(record, ROOT);
      return;
    }
    const [parent, name] = splitPath(path);
    if (hasWhiteoutComponent(parent)) {
      this.#keepAufsFile(record);
    } else if (startsWith(name, WHITEOUT)) {
      this.#applyWhiteout(record, parent, name);
    } else if (record.kind === "hardlink") {
      this.#link(record, parent, name);
    } else {
      this.#put(record, parent, name);
    }
  }

  #put(record: LayerRecord, parentPath: Uint8Array, name: Uint8Array): void {
    const parent = this.#parent(parentPath);
    if (record.kind === "directory") {
      const node = this.tree.names.find(parent, name);
      if (node !== NONE && this.tree.isKind(node, "directory")) {
        this.#applyDirectory(record, node);
        return;
      }
    }
    this.tree.place(parent, name, this.#addInode(record), this.#layer);
  }

  #applyDirectory(record: LayerRecord, node: number): void {
    this.tree.inodes.setAttributes(this.tree.inodeOf(node), record);
    this.tree.touch(node, this.#layer);
  }

  #addInode(record: LayerRecord): number {
    this.#logicalBytes += record.size;
    if (this.#logicalBytes > this.#limits.logicalBytes) {
      throw limitError(this.#limits, "logicalBytes", "image");
    }
    const kind = record.kind === "hardlink" ? "file" : (record.kind satisfies InodeKind);
    return this.tree.inodes.add({ ...record, kind }, this.#layer);
  }

  /** The directory of most entries is that of the entry before. */
  #parent(path: Uint8Array): number {
    const last = this.#lastParent;
    const { generation } = this.tree;
    if (last.generation === generation && Buffer.compare(last.path, path) === 0) return last.node;
    const node = this.tree.resolveDirectory(path, this.#layer, "create");
    this.#lastParent = { path: path.slice(), node, generation: this.tree.generation };
    return node;
  }

  #applyWhiteout(record: LayerRecord, parentPath: Uint8Array, name: Uint8Array): void {
    const what = latin1(name);
    if (what === OPAQUE) {
      const directory = this.#whiteoutParent(parentPath);
      if (directory !== NONE) this.#killUntouched(directory);
      return;
    }
    if (startsWith(name, AUFS)) return;
    const target = name.subarray(WHITEOUT.length);
    if (target.length === 0 || what === ".wh.." || what === ".wh...") {
      throw new TreeError("TREE_WHITEOUT", `whiteout ${text(record.path)} names nothing`);
    }
    const directory = this.#whiteoutParent(parentPath);
    if (directory === NONE) return;
    const node = this.tree.names.find(directory, target);
    if (node === NONE || this.tree.inodeOf(node) === NONE) return;
    if (this.tree.names.touched[node] !== this.#layer) this.tree.kill(node, this.#layer);
    else if (this.tree.isKind(node, "directory")) this.#killUntouched(node);
  }

  /**
   * Where a whiteout applies. A link of a lower layer is not followed when this layer brings a
   * directory of that name: what the whiteout is about is then new and has nothing below it.
   */
  #whiteoutParent(path: Uint8Array): number {
    const own = this.#ownDirectories;
    if (own === undefined || own.isEmpty) {
      return this.tree.resolveDirectory(path, this.#layer, "stop");
    }
    return this.tree.resolveDirectory(path, this.#layer, "stop", (link, spelling) => {
      if (this.tree.names.touched[link] === this.#layer) return false;
      if (own.has(this.tree.namesTo(link))) return true;
      return spelling !== undefined && own.has(components(spelling));
    });
  }

  #killUntouched(directory: number): void {
    this.tree.killUntouched(directory, this.#layer, this.#emptied);
  }

  #link(record: LayerRecord, parentPath: Uint8Array, name: Uint8Array): void {
    const { path, linkTarget: target } = record;
    let inode = this.#linkedInode(path, target);
    const parent = this.#parent(parentPath);
    const node = this.tree.names.find(parent, name);
    if (inode !== NONE && node !== NONE && this.tree.inodeOf(node) === inode) {
      if (Buffer.compare(path, target) === 0) {
        this.#warnOfSelfLink(path);
      }
      this.tree.touch(node, this.#layer);
      return;
    }
    if (inode === NONE) {
      this.tree.held.add(path.length + target.length);
      inode = this.tree.inodes.add(PLACEHOLDER, this.#layer);
      this.#lateLinks.set(inode, { path: path.slice(), target: target.slice() });
    }
    const placed = this.tree.place(parent, name, inode, this.#layer);
    if (this.#lateLinks.has(inode)) this.#lateNames.push({ node: placed, placeholder: inode });
  }

  /** Once for an image: it may have a million of them. */
  #warnOfSelfLink(path: Uint8Array): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#warn(`left out ${text(path)}, a hard link to itself`);
  }

  /**
   * The inode that a hard link to `target` shares now: a file there, else the file that was there
   * before this layer, else one that AUFS put aside; NONE where there is none of them.
   */
  #linkedInode(path: Uint8Array, target: Uint8Array): number {
    const [parentPath, name] = splitPath(target);
    const directory = this.tree.resolveDirectory(parentPath, this.#layer, "stop");
    const node = directory === NONE ? NONE : this.tree.names.find(directory, name);
    const inode = node === NONE ? NONE : this.tree.inodeOf(node);
    if (target.length === 0 || (inode !== NONE && this.tree.isKind(node, "directory"))) {
      throw linkError(path, target, "is a directory");
    }
    if (inode !== NONE) return inode;
    const lower = this.tree.lowerInode(parentPath, name, this.#layer);
    if (lower !== NONE && this.tree.inodes.kind[lower] !== INODE_KIND.directory) return lower;
    return this.#aufsFiles.get(latin1(target)) ?? NONE;
  }

  /** Gives the names of links that stood before their targets the inodes that are there now. */
  #resolveLateLinks(): void {
    const found = new Map<number, number>();
    for (const [placeholder, { path, target }] of this.#lateLinks) {
      const inode = this.#linkedInode(path, target);
      if (inode === NONE) throw linkError(path, target, "does not exist");
      found.set(placeholder, inode);
    }
    for (const [placeholder, { path, target }] of this.#lateLinks) {
      // A target may itself be such a link; what was passed is shortened, so that chains cost once.
      const passed: number[] = [];
      let inode = placeholder;
      for (let next = found.get(inode); next !== undefined; next = found.get(inode)) {
        passed.push(inode);
        found.set(inode, placeholder);
        inode = next;
        if (inode === placeholder) throw linkError(path, target, "is a link to it");
      }
      for (const each of passed) found.set(each, inode);
    }
    for (const { node, placeholder } of this.#lateNames) {
      this.tree.exchange(node, placeholder, found.get(placeholder) ?? NONE);
    }
    this.#lateLinks.clear();
    this.#lateNames = [];
  }

  #directoriesOf(log: LayerLog): PathSet {
    const paths = new PathSet(this.#limits, this.#seed);
    for (const { kind, path } of log.records()) {
      if (kind === "directory") paths.add(path);
    }
    return paths;
  }

  #keepAufsFile(record: LayerRecord): void {
    if (record.kind !== "file" || !startsWith(record.path, AUFS_LINKS)) return;
    this.tree.held.add(record.path.length);
    this.#aufsFiles.set(latin1(record.path), this.#addInode(record));
  }
}

function linkError(path: Uint8Array, target: Uint8Array, what: string): TreeError {
  const message = `hard link ${text(path)}: its target ${text(target)} ${what}`;
  return new TreeError("TREE_LINK_TARGET", message);
}

function hasWhiteoutComponent(path: Uint8Array): boolean {
  for (let at = 0; at < path.length;) {
    if (startsWith(path.subarray(at), WHITEOUT)) return true;
    const slash = path.indexOf(SLASH, at);
    if (slash === -1) return false;
    at = slash + 1;
  }
  return false;
}

function bytesOf(ascii: string): Uint8Array {
  return Buffer.from(ascii, "latin1");
}
