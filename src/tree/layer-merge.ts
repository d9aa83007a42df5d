import { limitError, type Limits } from "../base/index.ts";
import type { LayerRecord } from "../packs/index.ts";
import { FileTree, ROOT, text } from "./file-tree.ts";
import type { InodeKind } from "./inode-table.ts";
import { NONE } from "./name-table.ts";
import { TreeError } from "./tree-error.ts";

const SLASH = 0x2f;
const WHITEOUT = bytesOf(".wh.");
const AUFS = bytesOf(".wh..wh.");
const OPAQUE = ".wh..wh..opq";
const NO_BYTES = new Uint8Array(0);

/** The log of one layer, read as often as the merge needs it. */
export interface LayerLog {
  readonly hasWhiteouts: boolean;
  records(): Iterable<LayerRecord>;
}

interface LateLink {
  readonly record: LayerRecord;
  readonly path: Uint8Array;
  readonly target: Uint8Array;
}

/**
 * Applies layers, lowest first, to one tree.
 *
 * @see layers.md §5; OCI image-spec, filesystem layers, applying changesets
 */
export class LayerMerge {
  readonly tree: FileTree;
  readonly #limits: Limits;
  readonly #warn: (message: string) => void;
  /** Files below AUFS' own directory, which only hard links may still name. */
  readonly #aufsFiles = new Map<string, number>();
  #entries = 0;
  #layer = 0;
  #ownDirectories: ReadonlySet<string> = new Set();
  #lateLinks: LateLink[] = [];
  #lastParent = { path: NO_BYTES, node: ROOT, generation: 0 };

  constructor(limits: Limits, warn: (message: string) => void) {
    this.tree = new FileTree(limits);
    this.#limits = limits;
    this.#warn = warn;
  }

  /**
   * @throws TreeError for what the layers cannot mean together
   * @throws LimitError `LIMIT_ENTRIES`, `LIMIT_NAME_BYTES`
   */
  apply(log: LayerLog): void {
    this.#layer += 1;
    this.#lateLinks = [];
    this.#ownDirectories = log.hasWhiteouts ? directoriesOf(log) : new Set();
    for (const record of log.records()) {
      this.#entries += 1;
      if (this.#entries > this.#limits.entries) throw limitError(this.#limits, "entries", "image");
      this.#applyRecord(record);
    }
    for (const { record, path, target } of this.#lateLinks) this.#linkLate(record, path, target);
  }

  #applyRecord(record: LayerRecord): void {
    const { path } = record;
    if (path.length === 0) {
      this.#applyDirectory(record, ROOT);
      return;
    }
    const slash = path.lastIndexOf(SLASH);
    const parent = path.subarray(0, Math.max(slash, 0));
    const name = path.subarray(slash + 1);
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
    const what = Buffer.from(name).toString("latin1");
    if (what === OPAQUE) {
      const directory = this.#whiteoutParent(parentPath);
      if (directory !== NONE) this.tree.killUntouched(directory, this.#layer);
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
    else if (this.tree.isKind(node, "directory")) this.tree.killUntouched(node, this.#layer);
  }

  /**
   * Where a whiteout applies. A link of a lower layer is not followed when this layer brings a
   * directory of that name: what the whiteout is about is then new and has nothing below it.
   */
  #whiteoutParent(path: Uint8Array): number {
    return this.tree.resolveDirectory(path, this.#layer, "stop", (linkPath, node) => {
      if (this.#ownDirectories.size === 0 || this.tree.names.touched[node] === this.#layer) {
        return false;
      }
      return this.#ownDirectories.has(Buffer.from(linkPath()).toString("latin1"));
    });
  }

  #link(record: LayerRecord, parentPath: Uint8Array, name: Uint8Array): void {
    const inode = this.#linkTarget(record);
    if (inode === NONE) {
      this.#lateLinks.push({
        record,
        path: record.path.slice(),
        target: record.linkTarget.slice(),
      });
      return;
    }
    const parent = this.#parent(parentPath);
    const node = this.tree.names.find(parent, name);
    if (node !== NONE && this.tree.inodeOf(node) === inode) {
      if (Buffer.compare(record.path, record.linkTarget) === 0) {
        this.#warn(`${text(record.path)} is a hard link to itself`);
      }
      this.tree.touch(node, this.#layer);
      return;
    }
    this.tree.place(parent, name, inode, this.#layer);
  }

  #linkTarget(record: LayerRecord): number {
    const target = record.linkTarget;
    const slash = target.lastIndexOf(SLASH);
    const parentPath = target.subarray(0, Math.max(slash, 0));
    const directory = this.tree.resolveDirectory(parentPath, this.#layer, "stop");
    const node =
      directory === NONE ? NONE : this.tree.names.find(directory, target.subarray(slash + 1));
    const inode = node === NONE ? NONE : this.tree.inodeOf(node);
    if (target.length === 0 || (inode !== NONE && this.tree.isKind(node, "directory"))) {
      throw new TreeError(
        "TREE_LINK_TARGET",
        `hard link ${text(record.path)}: its target ${text(target)} is a directory`,
      );
    }
    if (inode !== NONE) return inode;
    const lost = this.tree.lostInode(target, this.#layer);
    if (lost !== NONE) return lost;
    return this.#aufsFiles.get(Buffer.from(target).toString("latin1")) ?? NONE;
  }

  /** A link that stood before its target: what the layer put under its name since stays. */
  #linkLate(record: LayerRecord, path: Uint8Array, target: Uint8Array): void {
    const inode = this.#linkTarget({ ...record, path, linkTarget: target });
    if (inode === NONE) {
      throw new TreeError(
        "TREE_LINK_TARGET",
        `hard link ${text(path)}: its target ${text(target)} does not exist`,
      );
    }
    const slash = path.lastIndexOf(SLASH);
    const name = path.subarray(slash + 1);
    const parent = this.#parent(path.subarray(0, Math.max(slash, 0)));
    const node = this.tree.names.find(parent, name);
    const isNewer =
      node !== NONE &&
      this.tree.inodeOf(node) !== NONE &&
      this.tree.names.touched[node] === this.#layer;
    if (!isNewer) this.tree.place(parent, name, inode, this.#layer);
  }

  #keepAufsFile(record: LayerRecord): void {
    if (record.kind !== "file") return;
    this.#aufsFiles.set(Buffer.from(record.path).toString("latin1"), this.#addInode(record));
  }
}

function directoriesOf(log: LayerLog): Set<string> {
  const paths = new Set<string>();
  for (const record of log.records()) {
    if (record.kind === "directory") paths.add(Buffer.from(record.path).toString("latin1"));
  }
  return paths;
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

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  if (bytes.length < prefix.length) return false;
  for (let index = 0; index < prefix.length; index += 1) {
    if (bytes[index] !== prefix[index]) return false;
  }
  return true;
}

function bytesOf(ascii: string): Uint8Array {
  return Buffer.from(ascii, "latin1");
}
