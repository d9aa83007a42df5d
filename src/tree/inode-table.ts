import { ByteList, grown, limitError, type Limits } from "../base/index.ts";
import type { Xattr } from "../layers/index.ts";
import type { FileData, LayerRecord } from "../packs/index.ts";
import type { HeldBytes } from "./held-bytes.ts";
import { NONE } from "./name-table.ts";
import { latin1 } from "./path-bytes.ts";

/** What an inode is; the numbers are squashfs' basic inode types. */
export const INODE_KIND = {
  directory: 1,
  file: 2,
  symlink: 3,
  block: 4,
  character: 5,
  fifo: 6,
} as const;

export type InodeKind = keyof typeof INODE_KIND;

/** What one inode is made of; numbers as the archive has them. */
export interface InodeFacts extends Omit<LayerRecord, "kind" | "path"> {
  readonly kind: InodeKind;
}

const DATA_EMPTY = 0;
const DATA_FRAGMENT = 1;
const DATA_BLOCKS = 2;
const MOST_MTIME = 0xffff_ffff;
const EMPTY: FileData = { kind: "empty" };

/**
 * The objects that names refer to, several names where they are hard-linked: 46 bytes each, with
 * link targets, attribute sets and hole runs beside them.
 */
export class InodeTable {
  kind: Uint8Array = new Uint8Array(1024);
  mode: Uint16Array = new Uint16Array(1024);
  uid: Uint32Array = new Uint32Array(1024);
  gid: Uint32Array = new Uint32Array(1024);
  /** Seconds, clamped to what squashfs stores. */
  mtime: Uint32Array = new Uint32Array(1024);
  /** Number (from 1) of the layer that brought the inode and, for a file, its data. */
  layer: Uint16Array = new Uint16Array(1024);
  /** Index in `xattrSets`, or NONE. */
  xattrs: Uint32Array = new Uint32Array(1024);
  /** Bytes of a file; device number (squashfs form) of a device. */
  size: Float64Array = new Float64Array(1024);
  readonly xattrSets: (readonly Xattr[])[] = [];
  readonly #limits: Limits;
  readonly #held: HeldBytes;
  #dataKind = new Uint8Array(1024);
  #dataFirst = new Uint32Array(1024);
  #dataSecond = new Uint32Array(1024);
  readonly #runs = new Map<number, Uint32Array>();
  readonly #targets = new ByteList();
  readonly #xattrIds = new Map<string, number>();
  #xattrBytes = 0;
  #count = 0;

  constructor(limits: Limits, held: HeldBytes) {
    this.#limits = limits;
    this.#held = held;
  }

  get count(): number {
    return this.#count;
  }

  /** @throws LimitError `LIMIT_NAME_BYTES` for link targets, `LIMIT_IMAGE_XATTR_BYTES` */
  add(facts: InodeFacts, layer: number): number {
    if (this.#count === this.kind.length) this.#grow();
    const inode = this.#count++;
    this.kind[inode] = INODE_KIND[facts.kind];
    this.layer[inode] = layer;
    this.setAttributes(inode, facts);
    switch (facts.kind) {
      case "file":
        this.size[inode] = facts.size;
        this.#setData(inode, facts.data);
        break;
      case "symlink":
        this.#held.add(facts.linkTarget.length);
        this.#dataFirst[inode] = this.#targets.push(facts.linkTarget);
        this.#dataSecond[inode] = facts.linkTarget.length;
        break;
      case "block":
      case "character":
        this.size[inode] = encodeDevice(facts.deviceMajor, facts.deviceMinor);
        break;
      case "directory":
      case "fifo":
        break;
    }
    return inode;
  }

  /**
   * Gives an inode other attributes; what it holds stays.
   *
   * @throws LimitError `LIMIT_IMAGE_XATTR_BYTES`
   */
  setAttributes(
    inode: number,
    facts: Pick<InodeFacts, "mode" | "uid" | "gid" | "mtime" | "xattrs">,
  ): void {
    this.mode[inode] = facts.mode;
    this.uid[inode] = facts.uid;
    this.gid[inode] = facts.gid;
    this.mtime[inode] = Math.min(Math.max(facts.mtime, 0), MOST_MTIME);
    this.xattrs[inode] = this.#internXattrs(facts.xattrs);
  }

  /** Where a symbolic link leads; valid until the next inode is added. */
  linkTarget(inode: number): Uint8Array {
    if (this.kind[inode] !== INODE_KIND.symlink) throw new Error(`inode ${inode} is no link`);
    const start = this.#dataFirst[inode] ?? 0;
    return this.#targets.buffer.subarray(start, start + (this.#dataSecond[inode] ?? 0));
  }

  data(inode: number): FileData {
    const first = this.#dataFirst[inode] ?? 0;
    switch (this.#dataKind[inode]) {
      case DATA_FRAGMENT:
        return { kind: "fragment", fragment: first, offset: this.#dataSecond[inode] ?? 0 };
      case DATA_BLOCKS:
        return { kind: "blocks", firstBlock: first, runs: this.#runs.get(inode) };
      default:
        return EMPTY;
    }
  }

  #setData(inode: number, data: FileData): void {
    switch (data.kind) {
      case "empty":
        this.#dataKind[inode] = DATA_EMPTY;
        break;
      case "fragment":
        this.#dataKind[inode] = DATA_FRAGMENT;
        this.#dataFirst[inode] = data.fragment;
        this.#dataSecond[inode] = data.offset;
        break;
      case "blocks":
        this.#dataKind[inode] = DATA_BLOCKS;
        this.#dataFirst[inode] = data.firstBlock;
        if (data.runs !== undefined) this.#runs.set(inode, data.runs);
        break;
    }
  }

  #internXattrs(xattrs: readonly Xattr[]): number {
    if (xattrs.length === 0) return NONE;
    const key = xattrs
      .map(({ name, value }) => `${latin1(name)}\0${value.length}\0${latin1(value)}`)
      .join("");
    const known = this.#xattrIds.get(key);
    if (known !== undefined) return known;
    this.#xattrBytes += xattrs.reduce(
      (sum, { name, value }) => sum + name.length + value.length,
      0,
    );
    if (this.#xattrBytes > this.#limits.imageXattrBytes) {
      throw limitError(this.#limits, "imageXattrBytes", "image");
    }
    // The records' bytes belong to a log that is let go of.
    const set = xattrs.map(({ name, value }) => ({ name: name.slice(), value: value.slice() }));
    const id = this.xattrSets.push(set) - 1;
    this.#xattrIds.set(key, id);
    return id;
  }

  #grow(): void {
    const capacity = this.kind.length * 2;
    this.kind = grown(this.kind, new Uint8Array(capacity));
    this.mode = grown(this.mode, new Uint16Array(capacity));
    this.uid = grown(this.uid, new Uint32Array(capacity));
    this.gid = grown(this.gid, new Uint32Array(capacity));
    this.mtime = grown(this.mtime, new Uint32Array(capacity));
    this.layer = grown(this.layer, new Uint16Array(capacity));
    this.xattrs = grown(this.xattrs, new Uint32Array(capacity));
    this.size = grown(this.size, new Float64Array(capacity));
    this.#dataKind = grown(this.#dataKind, new Uint8Array(capacity));
    this.#dataFirst = grown(this.#dataFirst, new Uint32Array(capacity));
    this.#dataSecond = grown(this.#dataSecond, new Uint32Array(capacity));
  }
}

/** The one 32-bit form of a device number that squashfs and Linux use. */
function encodeDevice(major: number, minor: number): number {
  return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;
}
