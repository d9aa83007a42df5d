import type { Latin1, Stack, StackEntry } from "./stack-entry.ts";

/**
 * What layers mean, written down from layers.md §5 as plainly as possible and not from src/tree: a
 * tree of objects, copied whole before every layer, searched anew for every entry.
 */
export interface MergedModel {
  readonly root: ModelDirectory;
  /** Rows marked (dev) that the stack made use of: there umoci does otherwise. */
  readonly deviations: readonly Deviation[];
}

/** Where in the stack something was decided; `entry` counts from 0 in its layer. */
export interface Place {
  readonly layer: number;
  readonly entry: number;
}

export interface Deviation extends Place {
  readonly what: string;
}

/** An entry that makes the whole stack invalid. */
export class ModelError extends Error {
  readonly code: string;
  readonly place: Place;

  constructor(code: string, place: Place) {
    super(`${code} at entry ${place.entry} of layer ${place.layer}`);
    this.code = code;
    this.place = place;
  }
}

interface Attributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  readonly xattrs: readonly string[];
}

export interface ModelDirectory {
  readonly kind: "directory";
  attributes: Attributes;
  readonly children: Map<Latin1, ModelNode>;
}

/** Anything but a directory; names that are hard-linked hold the same object. */
export interface ModelFile {
  readonly kind: "file" | "symlink" | "fifo" | "character";
  readonly attributes: Attributes;
  /** Content, target or device. */
  readonly value: string;
}

/** A hard link whose target has not come yet. */
interface PendingLink {
  readonly kind: "pending";
  readonly target: Latin1;
  readonly place: Place;
}

type ModelNode = ModelDirectory | ModelFile | PendingLink;

const IMPLIED: Attributes = { mode: 0o755, uid: 0, gid: 0, mtime: 0, xattrs: [] };
const MOST_HOPS = 40;

/** @throws ModelError with the code that a conversion of these layers fails with */
export function mergeStack(stack: Stack): MergedModel {
  const model = new Model();
  for (const layer of stack) model.apply(layer);
  return { root: model.root, deviations: model.deviations };
}

/** A cleaned path as the list of its names. */
export function cleanNames(raw: Latin1): Latin1[] {
  const names: Latin1[] = [];
  for (const name of raw.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return names;
}

interface Way {
  readonly name: Latin1;
  /** Whether a symbolic link brought the name in. */
  readonly isOfLink: boolean;
}

class Model {
  root: ModelDirectory = { kind: "directory", attributes: IMPLIED, children: new Map() };
  readonly deviations: Deviation[] = [];
  /** The tree as it was before this layer. */
  #lower: ModelDirectory = this.root;
  /** Names under which this layer put something, and the directories above them. */
  #touched = new Set<Latin1>();
  /** Directories by the names that this layer's entries call them. */
  #ownDirectories = new Set<Latin1>();
  readonly #aufs = new Map<Latin1, ModelFile>();
  #place: Place = { layer: -1, entry: 0 };

  apply(layer: readonly StackEntry[]): void {
    this.#lower = copy(this.root);
    this.#touched = new Set();
    this.#ownDirectories = new Set(
      layer
        .filter(({ kind }) => kind === "directory")
        .map(({ path }) => cleanNames(path).join("/")),
    );
    const pending: PendingLink[] = [];
    const index = this.#place.layer + 1;
    for (const [entry, record] of layer.entries()) {
      this.#place = { layer: index, entry };
      this.#applyEntry(record, pending);
    }
    this.#settle(pending);
    this.#place = { layer: index, entry: 0 };
  }

  #applyEntry(entry: StackEntry, pending: PendingLink[]): void {
    const names = cleanNames(entry.path);
    const name = names.pop();
    if (name === undefined) {
      this.root.attributes = attributesOf(entry);
    } else if (names.some((each) => each.startsWith(".wh."))) {
      this.#deviates("below a marker");
      const isKept = entry.kind === "file" && names[0] === ".wh..wh.plnk";
      if (isKept) this.#aufs.set([...names, name].join("/"), fileOf(entry));
    } else if (name === ".wh..wh..opq") {
      const directory = this.#whiteoutParent(names);
      if (directory !== undefined) this.#removeLower(directory);
    } else if (name.startsWith(".wh..wh.")) {
      return;
    } else if (name.startsWith(".wh.")) {
      this.#whiteout(names, name.slice(".wh.".length));
    } else if (entry.kind === "hardlink") {
      this.#link(names, name, cleanNames(entry.target), pending);
    } else {
      const path = [...this.#makeParent(names), name];
      const there = lookUp(this.root, path);
      if (entry.kind === "directory" && there?.kind === "directory") {
        there.attributes = attributesOf(entry);
        this.#touch(path);
      } else {
        this.#put(path, entry.kind === "directory" ? directoryOf(entry) : fileOf(entry));
      }
    }
  }

  #whiteout(names: Latin1[], target: Latin1): void {
    if (target === "" || target === "." || target === "..") this.#fail("TREE_WHITEOUT");
    const parent = this.#whiteoutParent(names);
    if (parent === undefined) return;
    const path = [...parent, target];
    if (this.#touched.has(path.join("/"))) this.#removeLower(path);
    else this.#directory(parent)?.children.delete(target);
  }

  #removeLower(path: Latin1[]): void {
    const directory = this.#directory(path);
    for (const name of directory?.children.keys() ?? []) {
      const child = [...path, name];
      if (this.#touched.has(child.join("/"))) this.#removeLower(child);
      else directory?.children.delete(name);
    }
  }

  #link(names: Latin1[], name: Latin1, target: Latin1[], pending: PendingLink[]): void {
    const found = this.#linked(target);
    const isFound = found !== undefined && findIn(this.root, target) === found;
    const path = [...this.#makeParent(names), name];
    if (!isFound) this.#deviates("a link to what is not there");
    if (found?.kind === "pending") this.#deviates("a link to a link to what is not there");
    if (found !== undefined && lookUp(this.root, path) === found) {
      if (samePath(this.#resolved(target), path)) this.#deviates("a link to itself");
      this.#touch(path);
      return;
    }
    if (found !== undefined) {
      this.#directory(path.slice(0, -1))?.children.delete(name);
      if (findIn(this.root, target) !== found) this.#deviates("a link on the way to its target");
      this.#put(path, found);
      return;
    }
    const link: PendingLink = { kind: "pending", target: target.join("/"), place: this.#place };
    pending.push(link);
    this.#put(path, link);
  }

  /** What a hard link shares: what is there now, or was before this layer, or AUFS put aside. */
  #linked(target: Latin1[]): ModelNode | undefined {
    if (target.length === 0) this.#fail("TREE_LINK_TARGET");
    const now = this.#find(target);
    if (now?.kind === "directory") this.#fail("TREE_LINK_TARGET");
    if (now !== undefined) return now;
    const before = findIn(this.#lower, target);
    if (before !== "loop" && before !== undefined && before.kind !== "directory") return before;
    return this.#aufs.get(target.join("/"));
  }

  /** At the end of a layer every link must have its target. */
  #settle(pending: readonly PendingLink[]): void {
    const values = new Map<PendingLink, ModelNode>();
    for (const link of pending) {
      this.#place = link.place;
      values.set(link, this.#linked(link.target.split("/")) ?? this.#fail("TREE_LINK_TARGET"));
    }
    const settled = new Map<ModelNode, ModelNode>();
    for (const link of pending) {
      let value: ModelNode = link;
      for (let steps = 0; value.kind === "pending"; steps += 1) {
        this.#place = link.place;
        if (steps > pending.length) this.#fail("TREE_LINK_TARGET");
        value = values.get(value) ?? this.#fail("TREE_LINK_TARGET");
      }
      settled.set(link, value);
    }
    const settle = (directory: ModelDirectory): void => {
      for (const [name, child] of directory.children) {
        if (child.kind === "directory") settle(child);
        else directory.children.set(name, settled.get(child) ?? child);
      }
    };
    settle(this.root);
  }

  /** Where a whiteout applies; below a link that this layer makes a directory, nowhere. */
  #whiteoutParent(names: Latin1[]): Latin1[] | undefined {
    const way = follow(this.root, names, (here, spellings) => {
      if (this.#touched.has(here.join("/"))) return false;
      return spellings.some((path) => this.#ownDirectories.has(path.join("/")));
    });
    if (way === "loop") this.#fail("TREE_LINK_LOOP");
    if (way === "stopped") {
      this.#deviates("a marker before its directory");
      return undefined;
    }
    if (way.some(({ name }) => name.length > 255)) this.#deviates("a marker below an endless name");
    return plain(way);
  }

  #directory(path: Latin1[]): ModelDirectory | undefined {
    const there = lookUp(this.root, path);
    return there?.kind === "directory" ? there : undefined;
  }

  /** Follows the links on the way to a directory, makes what is missing of it, and says its path. */
  #makeParent(names: Latin1[]): Latin1[] {
    const way = follow(this.root, names);
    if (typeof way === "string") this.#fail("TREE_LINK_LOOP");
    let at = this.root;
    for (const [depth, { name, isOfLink }] of way.entries()) {
      let next = at.children.get(name);
      if (next?.kind !== "directory") {
        if (next !== undefined && isOfLink) this.#fail("TREE_PARENT");
        if (name.length > 255) this.#fail("TREE_PARENT");
        if (next !== undefined) this.#deviates("a file as a parent");
        next = { kind: "directory", attributes: IMPLIED, children: new Map() };
        at.children.set(name, next);
        this.#touch(plain(way.slice(0, depth + 1)));
      }
      at = next;
    }
    return plain(way);
  }

  /** Puts a node at a path without links whose directory is there. */
  #put(path: Latin1[], node: ModelNode): void {
    this.#directory(path.slice(0, -1))?.children.set(path.at(-1) ?? "", node);
    this.#touch(path);
  }

  /** Marks a path without links, and all directories above it. */
  #touch(path: Latin1[]): void {
    for (let length = 0; length <= path.length; length += 1) {
      this.#touched.add(path.slice(0, length).join("/"));
    }
  }

  /** The path of a name without links on the way. */
  #resolved(names: Latin1[]): Latin1[] {
    const way = follow(this.root, names.slice(0, -1));
    if (typeof way === "string") this.#fail("TREE_LINK_LOOP");
    return [...plain(way), ...names.slice(-1)];
  }

  #find(path: Latin1[]): ModelNode | undefined {
    const found = findIn(this.root, path);
    return found === "loop" ? this.#fail("TREE_LINK_LOOP") : found;
  }

  #deviates(what: string): void {
    this.deviations.push({ ...this.#place, what });
  }

  #fail(code: string): never {
    throw new ModelError(code, this.#place);
  }
}

type StopAtLink = (link: readonly Latin1[], spellings: readonly (readonly Latin1[])[]) => boolean;

/**
 * Rids a path of symbolic links, inside the tree. What does not exist is passed as it stands, and
 * `..` takes the last name away.
 */
function follow(
  root: ModelDirectory,
  names: readonly Latin1[],
  stop?: StopAtLink,
): Way[] | "loop" | "stopped" {
  const way: Way[] = [];
  const own: Latin1[] = [];
  const left: Way[] = names.map((name) => ({ name, isOfLink: false }));
  let hops = 0;
  for (let step = left.shift(); step !== undefined; step = left.shift()) {
    if (!step.isOfLink) own.push(step.name);
    if (step.name === "..") {
      way.pop();
      continue;
    }
    const here = [...plain(way), step.name];
    const node = lookUp(root, here);
    if (node?.kind !== "symlink") {
      way.push(step);
      continue;
    }
    if (stop?.(here, step.isOfLink ? [here] : [here, own]) === true) return "stopped";
    hops += 1;
    if (hops > MOST_HOPS) return "loop";
    if (node.value.startsWith("/")) way.length = 0;
    const target = node.value.split("/").filter((name) => name !== "" && name !== ".");
    left.unshift(...target.map((name) => ({ name, isOfLink: true })));
  }
  return way;
}

function findIn(root: ModelDirectory, path: readonly Latin1[]): ModelNode | undefined | "loop" {
  const way = follow(root, path.slice(0, -1));
  return typeof way === "string" ? "loop" : lookUp(root, [...plain(way), ...path.slice(-1)]);
}

/** What lies at a path, no link followed. */
function lookUp(root: ModelDirectory, path: readonly Latin1[]): ModelNode | undefined {
  let node: ModelNode | undefined = root;
  for (const name of path) node = node?.kind === "directory" ? node.children.get(name) : undefined;
  return node;
}

function samePath(a: readonly Latin1[], b: readonly Latin1[]): boolean {
  return a.join("/") === b.join("/");
}

function plain(way: readonly Way[]): Latin1[] {
  return way.map(({ name }) => name);
}

/** Directories are copied, files are the same objects. */
function copy(directory: ModelDirectory): ModelDirectory {
  const children = [...directory.children].map(([name, child]): [Latin1, ModelNode] => [
    name,
    child.kind === "directory" ? copy(child) : child,
  ]);
  return { ...directory, children: new Map(children) };
}

function directoryOf(entry: StackEntry): ModelDirectory {
  return { kind: "directory", attributes: attributesOf(entry), children: new Map() };
}

function fileOf(entry: StackEntry): ModelFile {
  const attributes = attributesOf(entry);
  switch (entry.kind) {
    case "file":
      return { kind: "file", attributes, value: entry.content };
    case "symlink":
      return { kind: "symlink", attributes: { ...attributes, mode: 0o777 }, value: entry.target };
    case "fifo":
      return { kind: "fifo", attributes, value: "" };
    case "character":
      return { kind: "character", attributes, value: `1.${entry.minor}` };
    default:
      throw new Error(`${entry.kind} is no file`);
  }
}

function attributesOf({ kind, mode, uid, gid, mtime, xattrs }: StackEntry): Attributes {
  const takesUser = kind === "file" || kind === "directory";
  const kept = Object.entries(xattrs).filter(([name]) => {
    if (name === "security.selinux" || name.startsWith("trusted.overlay.")) return false;
    return takesUser || !name.startsWith("user.");
  });
  return {
    ...{ mode: mode & 0o7777, uid, gid, mtime: Math.min(Math.max(mtime, 0), 2 ** 32 - 1) },
    xattrs: kept.map(([name, value]) => `${name}=${value}`).sort(),
  };
}
