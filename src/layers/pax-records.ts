import { SparsePaxKeys, type PaxSparse } from "./pax-sparse.ts";
import { paxInteger, paxName, paxTime } from "./pax-values.ts";
import { quoteBytes, tarError, type TarContext } from "./tar-context.ts";

/** An extended attribute as a record has it, before its name is looked at. */
export interface PaxXattr {
  /** Whose record: LIBARCHIVE encodes names and values, SCHILY writes them as they are. */
  readonly dialect: "SCHILY" | "LIBARCHIVE";
  readonly name: Uint8Array;
  readonly value: Uint8Array;
}

/** What the extended header before an entry says of it; undefined = nothing. */
export interface PaxRecords {
  readonly path: Uint8Array | undefined;
  readonly linkPath: Uint8Array | undefined;
  /** Bytes that the archive stores for the entry. */
  readonly size: number | undefined;
  /** Not yet checked for range. */
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** Seconds, rounded down. */
  readonly mtime: number | undefined;
  readonly xattrs: readonly PaxXattr[];
  readonly sparse: PaxSparse | undefined;
}

const SPACE = 0x20;
const NEWLINE = 0x0a;
const EQUALS = 0x3d;
const SCHILY_XATTR = "SCHILY.xattr.";
const LIBARCHIVE_XATTR = "LIBARCHIVE.xattr.";

/**
 * Reads the body of a PAX extended header; the results are views of `body`. Of a keyword that
 * comes twice the last record counts. An empty value is as good as no record, but for xattrs.
 *
 * @throws LayerError `TAR_PAX`, `TAR_SPARSE`
 * @throws LimitError `LIMIT_SPARSE_SEGMENTS`
 * @see layers.md §3.1
 */
export function parsePaxRecords(body: Uint8Array, context: TarContext): PaxRecords {
  const records: { -readonly [K in keyof PaxRecords]: PaxRecords[K] } = {
    path: undefined,
    linkPath: undefined,
    size: undefined,
    uid: undefined,
    gid: undefined,
    mtime: undefined,
    xattrs: [],
    sparse: undefined,
  };
  const xattrs: PaxXattr[] = [];
  let sparse: SparsePaxKeys | undefined;
  forEachPaxRecord(body, context, (key, value, rawKey) => {
    switch (key) {
      case "path":
        records.path = paxName(key, value, context);
        return;
      case "linkpath":
        records.linkPath = paxName(key, value, context);
        return;
      case "size":
        records.size = paxInteger(key, value, context, 0);
        return;
      case "uid":
      case "gid":
        records[key] = paxInteger(key, value, context, -Infinity);
        return;
      case "mtime":
        records.mtime = paxTime(key, value, context);
        return;
    }
    if (key.startsWith(SCHILY_XATTR)) {
      xattrs.push({ dialect: "SCHILY", name: rawKey.subarray(SCHILY_XATTR.length), value });
    } else if (key.startsWith(LIBARCHIVE_XATTR)) {
      xattrs.push({ dialect: "LIBARCHIVE", name: rawKey.subarray(LIBARCHIVE_XATTR.length), value });
    } else if (key.startsWith("GNU.sparse.")) {
      sparse ??= new SparsePaxKeys(context);
      sparse.add(key, value);
    }
  });
  records.xattrs = xattrs;
  records.sparse = sparse?.finish();
  return records;
}

/**
 * Calls `take` for every `LEN key=value\n` record of `body`: the key as Latin-1 text and as bytes.
 *
 * @throws LayerError `TAR_PAX` for a body that is not made of such records
 */
export function forEachPaxRecord(
  body: Uint8Array,
  context: TarContext,
  take: (key: string, value: Uint8Array, rawKey: Uint8Array) => void,
): void {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  for (let at = 0; at < body.length;) {
    let length = 0;
    let from = at;
    for (; from < body.length && length <= body.length; from++) {
      const digit = (body[from] ?? 0) - 0x30;
      if (digit < 0 || digit > 9) break;
      length = length * 10 + digit;
    }
    const end = at + length;
    const equals = body.indexOf(EQUALS, from);
    // The shortest record is `5 a=\n`: a key of at least one byte, and the newline in its place.
    const isRecord =
      body[from] === SPACE &&
      end <= body.length &&
      equals > from + 1 &&
      equals < end - 1 &&
      body[end - 1] === NEWLINE;
    if (!isRecord) {
      const got = quoteBytes(body.subarray(at, at + 40));
      throw tarError(context, "TAR_PAX", `expected a pax record "LENGTH key=value\\n", got ${got}`);
    }
    const key = text.toString("latin1", from + 1, equals);
    take(key, body.subarray(equals + 1, end - 1), body.subarray(from + 1, equals));
    at = end;
  }
}
