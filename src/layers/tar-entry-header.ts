import { cleanPath } from "./clean-path.ts";
import type { PaxRecords, PaxXattr } from "./pax-records.ts";
import { gnuRealSize, readGnuSegments, type SparseMap } from "./sparse-map.ts";
import { quoteBytes, tarError, tarLimitError, type TarContext } from "./tar-context.ts";
import type { EntryKind, TarEntry } from "./tar-entry.ts";
import type { EntryExtensions } from "./tar-extensions.ts";
import {
  FIELDS,
  headerFormat,
  numberField,
  textField,
  TYPE_AT,
  type Field,
  type HeaderFormat,
} from "./tar-header.ts";
import { entryXattrs } from "./tar-xattrs.ts";

/** Where the map of a sparse file is found. */
export type SparsePlan =
  | { readonly kind: "map"; readonly map: SparseMap }
  /** Decimal lines before the data. */
  | { readonly kind: "lines"; readonly realSize: number }
  /** Further blocks of segments before the data, which are to be added to these. */
  | { readonly kind: "blocks"; readonly realSize: number; readonly segments: number[] };

export interface EntryHeader {
  readonly entry: TarEntry;
  /** Bytes that the archive holds for a file, without padding; 0 for every other kind. */
  readonly stored: number;
  /** How to play a sparse file; undefined where the stored bytes are the file. */
  readonly sparse: SparsePlan | undefined;
}

const EMPTY = new Uint8Array(0);
const NO_XATTRS: readonly PaxXattr[] = [];
const SLASH = 0x2f;
/** The id −1 means "leave as it is" to chown, so nobody can own a file with it. */
const MAX_ID = 2 ** 32 - 2;
const MAX_MAJOR = 4095;
const MAX_MINOR = 2 ** 20 - 1;

/** Bytes that follow the header, by itself or by the extended header before it. */
export function storedSize(
  block: Uint8Array,
  pax: PaxRecords | undefined,
  context: TarContext,
): number {
  const size = pax?.size ?? numberField(block, FIELDS.size, context);
  if (Number.isSafeInteger(size) && size >= 0) return size;
  throw tarError(context, "TAR_HEADER", `expected a size from 0 to 2^53 - 1, got ${size}`);
}

/**
 * Reads the header of an entry, with what the headers before it say. The result holds no view of
 * `block`.
 *
 * @throws LayerError `TAR_HEADER`, `TAR_TYPE`, `TAR_PATH`, `TAR_ID`, `TAR_DEVICE`, `TAR_PAX`,
 *   `TAR_SPARSE`
 * @throws LimitError for paths, link targets, attributes and segments
 * @see layers.md §3, §4
 */
export function readEntryHeader(
  block: Uint8Array,
  extensions: EntryExtensions,
  context: TarContext,
): EntryHeader {
  const { pax } = extensions;
  const format = headerFormat(block);
  const rawName =
    pax?.sparse?.name ?? pax?.path ?? extensions.longName ?? headerName(block, format);
  const kind = entryKind(block, rawName, context);
  const path = cleanPath(rawName, context);
  if (path.length === 0 && kind !== "directory") {
    throw tarError(
      context,
      "TAR_PATH",
      `expected a directory under the name of the root ${quoteBytes(rawName)}, got a ${kind}`,
    );
  }
  const isFile = kind === "file";
  const stored = isFile ? storedSize(block, pax, context) : 0;
  const sparse = sparsePlan(block, format, pax, context);
  if (sparse !== undefined && !isFile) {
    throw tarError(context, "TAR_SPARSE", `expected a file of a sparse map, got a ${kind}`);
  }
  const isDevice = (kind === "character" || kind === "block") && format !== "v7";
  const mode = numberField(block, FIELDS.mode, context) & 0o7777;
  const entry: TarEntry = {
    kind,
    path,
    mode: kind === "symlink" ? 0o777 : mode,
    uid: checkedId(pax?.uid, block, FIELDS.uid, context),
    gid: checkedId(pax?.gid, block, FIELDS.gid, context),
    mtime: pax?.mtime ?? numberField(block, FIELDS.mtime, context),
    size: sparse === undefined ? stored : realSizeOf(sparse),
    linkTarget: linkTarget(block, kind, extensions, context),
    deviceMajor: isDevice ? deviceNumber(block, FIELDS.deviceMajor, MAX_MAJOR, context) : 0,
    deviceMinor: isDevice ? deviceNumber(block, FIELDS.deviceMinor, MAX_MINOR, context) : 0,
    xattrs: entryXattrs(pax?.xattrs ?? NO_XATTRS, kind, path, context),
  };
  return { entry, stored, sparse };
}

function headerName(block: Uint8Array, format: HeaderFormat): Uint8Array {
  const name = textField(block, FIELDS.name);
  if (format !== "ustar" && format !== "star") return name;
  const prefix = textField(block, format === "star" ? FIELDS.starPrefix : FIELDS.prefix);
  if (prefix.length === 0) return name;
  const joined = new Uint8Array(prefix.length + 1 + name.length);
  joined.set(prefix);
  joined[prefix.length] = SLASH;
  joined.set(name, prefix.length + 1);
  return joined;
}

function entryKind(block: Uint8Array, rawName: Uint8Array, context: TarContext): EntryKind {
  const type = String.fromCharCode(block[TYPE_AT] ?? 0);
  switch (type) {
    case "\0":
      // Before there was a type for directories, the slash said it.
      return rawName.at(-1) === SLASH ? "directory" : "file";
    case "0":
    case "7": // "contiguous": a hint on how to store a file
    case "S":
      return "file";
    case "1":
      return "hardlink";
    case "2":
      return "symlink";
    case "3":
      return "character";
    case "4":
      return "block";
    case "5":
      return "directory";
    case "6":
      return "fifo";
    default:
      throw tarError(
        context,
        "TAR_TYPE",
        `${quoteBytes(rawName)}: expected a known entry type, got ${JSON.stringify(type)}`,
      );
  }
}

function linkTarget(
  block: Uint8Array,
  kind: EntryKind,
  extensions: EntryExtensions,
  context: TarContext,
): Uint8Array {
  if (kind !== "symlink" && kind !== "hardlink") return EMPTY;
  const { pax, longLink } = extensions;
  const raw = pax?.linkPath ?? longLink ?? textField(block, FIELDS.linkName);
  const target = kind === "hardlink" ? cleanPath(raw, context) : new Uint8Array(raw);
  if (target.length === 0) {
    throw tarError(context, "TAR_PATH", `expected a target of a ${kind}, got ${quoteBytes(raw)}`);
  }
  if (kind === "symlink" && target.length > context.limits.linkTargetBytes) {
    throw tarLimitError(context, "linkTargetBytes", "target of a symlink", target.length);
  }
  return target;
}

function sparsePlan(
  block: Uint8Array,
  format: HeaderFormat,
  pax: PaxRecords | undefined,
  context: TarContext,
): SparsePlan | undefined {
  const isGnu = block[TYPE_AT] === 0x53; // "S"
  if (!isGnu) {
    if (pax?.sparse === undefined) return undefined;
    const { realSize, segments } = pax.sparse;
    if (segments === undefined) return { kind: "lines", realSize };
    return { kind: "map", map: { realSize, segments } };
  }
  if (format !== "gnu" || pax?.sparse !== undefined) {
    const got = pax?.sparse === undefined ? `a ${format} header` : "GNU.sparse records too";
    throw tarError(context, "TAR_SPARSE", `type S: expected a GNU header alone, got ${got}`);
  }
  const realSize = gnuRealSize(block, context);
  const segments: number[] = [];
  return readGnuSegments(block, "header", segments, context)
    ? { kind: "blocks", realSize, segments }
    : { kind: "map", map: { realSize, segments } };
}

function realSizeOf(sparse: SparsePlan): number {
  return sparse.kind === "map" ? sparse.map.realSize : sparse.realSize;
}

function checkedId(
  fromPax: number | undefined,
  block: Uint8Array,
  field: Field,
  context: TarContext,
): number {
  const id = fromPax ?? numberField(block, field, context);
  if (id >= 0 && id <= MAX_ID) return id;
  // Other tools make 0 of such numbers, which is root.
  throw tarError(context, "TAR_ID", `${field.name}: expected 0 to ${MAX_ID}, got ${id}`);
}

function deviceNumber(block: Uint8Array, field: Field, most: number, context: TarContext): number {
  const number = numberField(block, field, context);
  if (number >= 0 && number <= most) return number;
  // Linux has 12 and 20 bits for them: a larger one would be another device.
  throw tarError(context, "TAR_DEVICE", `${field.name}: expected 0 to ${most}, got ${number}`);
}
