import { ByteList, viewOf } from "../base/index.ts";
import type { EntryKind, TarEntry, Xattr } from "../layers/index.ts";

/**
 * Where the bytes of a file lie in its layer's pack. Blocks are numbered from 0 in the order in
 * which they were appended.
 */
export type FileData =
  | { readonly kind: "empty" }
  /** The whole file lies in fragment `fragment`, `offset` bytes into its uncompressed block. */
  | { readonly kind: "fragment"; readonly fragment: number; readonly offset: number }
  /**
   * Stored blocks from `firstBlock` on. `runs` is undefined where every block is stored, else
   * alternately the number of stored blocks and of holes, from the file's start, beginning with
   * stored ones.
   */
  | {
      readonly kind: "blocks";
      readonly firstBlock: number;
      readonly runs: Uint32Array | undefined;
    };

/** One entry of a layer as the pack's log keeps it; byte strings are views into the log. */
export interface LayerRecord extends TarEntry {
  readonly data: FileData;
}

const KINDS: readonly EntryKind[] = [
  "file",
  "directory",
  "symlink",
  "hardlink",
  "character",
  "block",
  "fifo",
];
const KIND_NUMBERS: Readonly<Record<EntryKind, number>> = {
  file: 0,
  directory: 1,
  symlink: 2,
  hardlink: 3,
  character: 4,
  block: 5,
  fifo: 6,
};
const DATA_EMPTY = 0;
const DATA_FRAGMENT = 1;
const DATA_BLOCKS = 2;
const HEADER_BYTES = 56;
const NO_BYTES = new Uint8Array(0);
const EMPTY: FileData = { kind: "empty" };

/**
 * Appends one record: 4 B length of the whole record, then a header of fixed fields, then path,
 * link target, runs and attributes. Everything is little-endian and a function of the layer alone.
 */
export function writeLayerRecord(log: ByteList, entry: TarEntry, data: FileData): void {
  const runs = data.kind === "blocks" ? data.runs : undefined;
  const xattrBytes = entry.xattrs.reduce((sum, x) => sum + 8 + x.name.length + x.value.length, 0);
  const length =
    HEADER_BYTES +
    entry.path.length +
    entry.linkTarget.length +
    (runs?.length ?? 0) * 4 +
    xattrBytes;
  let at = log.reserve(length);
  const { view, buffer } = log;
  view.setUint32(at, length, true);
  view.setUint8(at + 4, KIND_NUMBERS[entry.kind]);
  view.setUint16(at + 6, entry.mode, true);
  view.setUint32(at + 8, entry.uid, true);
  view.setUint32(at + 12, entry.gid, true);
  view.setFloat64(at + 16, entry.mtime, true);
  view.setFloat64(at + 24, entry.size, true);
  view.setUint32(at + 40, entry.path.length, true);
  view.setUint32(at + 44, entry.linkTarget.length, true);
  view.setUint32(at + 48, runs?.length ?? 0, true);
  view.setUint32(at + 52, entry.xattrs.length, true);
  switch (data.kind) {
    case "empty":
      view.setUint8(at + 5, DATA_EMPTY);
      view.setUint32(at + 32, entry.deviceMajor, true);
      view.setUint32(at + 36, entry.deviceMinor, true);
      break;
    case "fragment":
      view.setUint8(at + 5, DATA_FRAGMENT);
      view.setUint32(at + 32, data.fragment, true);
      view.setUint32(at + 36, data.offset, true);
      break;
    case "blocks":
      view.setUint8(at + 5, DATA_BLOCKS);
      view.setUint32(at + 32, data.firstBlock, true);
      view.setUint32(at + 36, 0, true);
      break;
  }
  at += HEADER_BYTES;
  buffer.set(entry.path, at);
  at += entry.path.length;
  buffer.set(entry.linkTarget, at);
  at += entry.linkTarget.length;
  for (const run of runs ?? []) {
    view.setUint32(at, run, true);
    at += 4;
  }
  for (const { name, value } of entry.xattrs) {
    view.setUint32(at, name.length, true);
    view.setUint32(at + 4, value.length, true);
    buffer.set(name, at + 8);
    buffer.set(value, at + 8 + name.length);
    at += 8 + name.length + value.length;
  }
}

/** The records in `log`, in order; each is valid as long as the bytes of `log` are. */
export function* readLayerRecords(log: Uint8Array): Iterable<LayerRecord> {
  const view = viewOf(log);
  let at = 0;
  while (at < log.length) {
    const length = view.getUint32(at, true);
    yield readRecord(log, view, at);
    at += length;
  }
}

function readRecord(log: Uint8Array, view: DataView, start: number): LayerRecord {
  const pathStart = start + HEADER_BYTES;
  const linkStart = pathStart + view.getUint32(start + 40, true);
  const runsStart = linkStart + view.getUint32(start + 44, true);
  const runCount = view.getUint32(start + 48, true);
  const kind = KINDS[view.getUint8(start + 4)];
  if (kind === undefined) throw new Error("a layer log holds an unknown kind");
  const first = view.getUint32(start + 32, true);
  const second = view.getUint32(start + 36, true);
  const dataKind = view.getUint8(start + 5);
  const isDevice = kind === "character" || kind === "block";
  return {
    kind,
    path: log.subarray(pathStart, linkStart),
    mode: view.getUint16(start + 6, true),
    uid: view.getUint32(start + 8, true),
    gid: view.getUint32(start + 12, true),
    mtime: view.getFloat64(start + 16, true),
    size: view.getFloat64(start + 24, true),
    linkTarget: runsStart === linkStart ? NO_BYTES : log.subarray(linkStart, runsStart),
    deviceMajor: isDevice ? first : 0,
    deviceMinor: isDevice ? second : 0,
    xattrs: readXattrs(log, view, runsStart + runCount * 4, view.getUint32(start + 52, true)),
    data:
      dataKind === DATA_FRAGMENT
        ? { kind: "fragment", fragment: first, offset: second }
        : dataKind === DATA_BLOCKS
          ? { kind: "blocks", firstBlock: first, runs: readRuns(view, runsStart, runCount) }
          : EMPTY,
  };
}

function readRuns(view: DataView, start: number, count: number): Uint32Array | undefined {
  if (count === 0) return undefined;
  return Uint32Array.from({ length: count }, (_, index) => view.getUint32(start + index * 4, true));
}

function readXattrs(log: Uint8Array, view: DataView, start: number, count: number): Xattr[] {
  const xattrs: Xattr[] = [];
  let at = start;
  for (let index = 0; index < count; index += 1) {
    const nameEnd = at + 8 + view.getUint32(at, true);
    const valueEnd = nameEnd + view.getUint32(at + 4, true);
    xattrs.push({ name: log.subarray(at + 8, nameEnd), value: log.subarray(nameEnd, valueEnd) });
    at = valueEnd;
  }
  return xattrs;
}
