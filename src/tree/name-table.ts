import { ByteList, grown, limitError, type Limits } from "../base/index.ts";
import type { HeldBytes } from "./held-bytes.ts";

/** No node, no inode, no attribute set: all bits set, as squashfs writes it too. */
export const NONE = 0xffff_ffff;
/** In place of a name's next sibling: its directory does not list it. */
const UNLISTED = 0xffff_fffe;

/**
 * The names of a tree: node 0 is the root, every other node a name in a parent. A node once made
 * stays; `inode[node] === NONE` says that nothing lies under that name now. Some 65 bytes a name,
 * in typed arrays, because an image may have millions.
 */
export class NameTable {
  /** Inode under each name, or NONE. */
  inode: Uint32Array;
  /** Directory that each name is in; the root's is the root. */
  parent: Uint32Array;
  /** Number (from 1) of the layer that last put something at or below the name; 0 for none. */
  touched: Uint16Array;
  /** What lay under the name before layer `lowerLayer` first changed it, or NONE. */
  lower: Uint32Array;
  lowerLayer: Uint16Array;
  /** Names from the root to each name; 0 for the root. */
  depth: Uint16Array;
  readonly #limits: Limits;
  readonly #held: HeldBytes;
  readonly #seed: number;
  /** Bytes of the path from the root to each name. */
  #pathBytes: Uint32Array;
  #nameStart: Uint32Array;
  #nameLength: Uint8Array;
  #firstChild: Uint32Array;
  #nextSibling: Uint32Array;
  #names = new ByteList(16_384);
  #slots: Uint32Array;
  #count = 0;

  /** @param seed - of the hash; where layers may be hostile, one that nobody knows */
  constructor(limits: Limits, held: HeldBytes, seed: number) {
    this.#limits = limits;
    this.#held = held;
    this.#seed = seed;
    const capacity = 1024;
    this.inode = new Uint32Array(capacity);
    this.parent = new Uint32Array(capacity);
    this.touched = new Uint16Array(capacity);
    this.lower = new Uint32Array(capacity);
    this.lowerLayer = new Uint16Array(capacity);
    this.depth = new Uint16Array(capacity);
    this.#pathBytes = new Uint32Array(capacity);
    this.#nameStart = new Uint32Array(capacity);
    this.#nameLength = new Uint8Array(capacity);
    this.#firstChild = new Uint32Array(capacity);
    this.#nextSibling = new Uint32Array(capacity);
    this.#slots = new Uint32Array(capacity * 2).fill(NONE);
    this.#append(0, new Uint8Array(0), 0, 0);
  }

  /** Nodes made so far, dead ones included. */
  get count(): number {
    return this.#count;
  }

  /** The node `name` in `parent`, dead or alive, or NONE. */
  find(parent: number, name: Uint8Array): number {
    return this.#slots[this.#slotOf(parent, name)] ?? NONE;
  }

  /**
   * The node `name` in `parent`, made if it was never there.
   *
   * @throws LimitError `LIMIT_NAME_BYTES`, `LIMIT_PATH_DEPTH`, `LIMIT_PATH_BYTES`: links lead deeper
   *   than any path that a layer spells out
   */
  findOrAdd(parent: number, name: Uint8Array): number {
    const slot = this.#slotOf(parent, name);
    const found = this.#slots[slot] ?? NONE;
    if (found !== NONE) return found;
    const depth = (this.depth[parent] ?? 0) + 1;
    const above = this.#pathBytes[parent] ?? 0;
    const pathBytes = above + name.length + (parent === 0 ? 0 : 1);
    const { pathDepth, pathBytes: most } = this.#limits;
    if (depth > pathDepth) throw limitError(this.#limits, "pathDepth", "image", depth);
    if (pathBytes > most) throw limitError(this.#limits, "pathBytes", "image", pathBytes);
    this.#held.add(name.length);
    const node = this.#append(parent, name, depth, pathBytes);
    this.#slots[slot] = node;
    this.#list(node);
    if (this.#count * 2 > this.#slots.length) this.#rehash();
    return node;
  }

  /** The bytes of a name; valid until the next node is made. */
  name(node: number): Uint8Array {
    const start = this.#nameStart[node] ?? 0;
    return this.#names.buffer.subarray(start, start + (this.#nameLength[node] ?? 0));
  }

  nameLength(node: number): number {
    return this.#nameLength[node] ?? 0;
  }

  /** Order of two names as bytes. */
  compareNames(a: number, b: number): number {
    const bytes = this.#names.buffer;
    const aStart = this.#nameStart[a] ?? 0;
    const bStart = this.#nameStart[b] ?? 0;
    const aLength = this.#nameLength[a] ?? 0;
    const bLength = this.#nameLength[b] ?? 0;
    const shared = Math.min(aLength, bLength);
    for (let index = 0; index < shared; index += 1) {
      const difference = (bytes[aStart + index] ?? 0) - (bytes[bStart + index] ?? 0);
      if (difference !== 0) return difference;
    }
    return aLength - bLength;
  }

  firstChild(node: number): number {
    return this.#firstChild[node] ?? NONE;
  }

  nextSibling(node: number): number {
    return this.#nextSibling[node] ?? NONE;
  }

  /**
   * The names in `directory`, dead ones too, none of which it lists from here on: a directory that
   * comes and goes a million times must not be walked a million times.
   */
  *unlistChildren(directory: number): Iterable<number> {
    let node = this.firstChild(directory);
    this.#firstChild[directory] = NONE;
    while (node !== NONE) {
      const next = this.nextSibling(node);
      this.#nextSibling[node] = UNLISTED;
      yield node;
      node = next;
    }
  }

  /** Has a name's directory list it again. */
  relist(node: number): void {
    if (this.#nextSibling[node] === UNLISTED) this.#list(node);
  }

  #list(node: number): void {
    const parent = this.parent[node] ?? 0;
    this.#nextSibling[node] = this.firstChild(parent);
    this.#firstChild[parent] = node;
  }

  #append(parent: number, name: Uint8Array, depth: number, pathBytes: number): number {
    if (this.#count === this.inode.length) this.#grow();
    const node = this.#count++;
    this.inode[node] = NONE;
    this.parent[node] = parent;
    this.depth[node] = depth;
    this.#pathBytes[node] = pathBytes;
    this.#nameStart[node] = this.#names.push(name);
    this.#nameLength[node] = name.length;
    this.#firstChild[node] = NONE;
    this.#nextSibling[node] = NONE;
    return node;
  }

  #slotOf(parent: number, name: Uint8Array): number {
    const mask = this.#slots.length - 1;
    let slot = hash(parent ^ this.#seed, name) & mask;
    while (true) {
      const node = this.#slots[slot] ?? NONE;
      if (node === NONE || (this.parent[node] === parent && this.#equals(node, name))) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #equals(node: number, name: Uint8Array): boolean {
    if (this.#nameLength[node] !== name.length || node === 0) return false;
    const start = this.#nameStart[node] ?? 0;
    const bytes = this.#names.buffer;
    for (let index = 0; index < name.length; index += 1) {
      if (bytes[start + index] !== name[index]) return false;
    }
    return true;
  }

  #grow(): void {
    const capacity = this.inode.length * 2;
    this.inode = grown(this.inode, new Uint32Array(capacity));
    this.parent = grown(this.parent, new Uint32Array(capacity));
    this.touched = grown(this.touched, new Uint16Array(capacity));
    this.lower = grown(this.lower, new Uint32Array(capacity));
    this.lowerLayer = grown(this.lowerLayer, new Uint16Array(capacity));
    this.depth = grown(this.depth, new Uint16Array(capacity));
    this.#pathBytes = grown(this.#pathBytes, new Uint32Array(capacity));
    this.#nameStart = grown(this.#nameStart, new Uint32Array(capacity));
    this.#nameLength = grown(this.#nameLength, new Uint8Array(capacity));
    this.#firstChild = grown(this.#firstChild, new Uint32Array(capacity));
    this.#nextSibling = grown(this.#nextSibling, new Uint32Array(capacity));
  }

  #rehash(): void {
    const slots = new Uint32Array(this.#slots.length * 2).fill(NONE);
    const mask = slots.length - 1;
    for (let node = 1; node < this.#count; node += 1) {
      let slot = hash((this.parent[node] ?? 0) ^ this.#seed, this.name(node)) & mask;
      while (slots[slot] !== NONE) slot = (slot + 1) & mask;
      slots[slot] = node;
    }
    this.#slots = slots;
  }
}

/** FNV-1a over the parent's number and the name, mixed once more because few bits are used. */
function hash(parent: number, name: Uint8Array): number {
  let value = Math.imul(parent ^ 0x811c_9dc5, 0x9e37_79b1);
  for (let index = 0; index < name.length; index += 1) {
    value = Math.imul(value ^ (name[index] ?? 0), 0x0100_0193);
  }
  return (value ^ (value >>> 15)) >>> 0;
}
