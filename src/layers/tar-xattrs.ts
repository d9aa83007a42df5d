import { compareBytes } from "../base/index.ts";
import type { PaxXattr } from "./pax-records.ts";
import { quoteBytes, tarError, tarLimitError, type TarContext } from "./tar-context.ts";
import type { EntryKind, Xattr } from "./tar-entry.ts";

const NONE: readonly Xattr[] = [];

/** The longest attribute name that Linux knows, namespace included. */
const NAME_BYTES = 255;

/**
 * The attributes that an entry keeps of those its extended header names: decoded, sorted by name,
 * in arrays of their own.
 *
 * @throws LayerError `TAR_PAX` for a name or encoding that no system makes
 * @throws LimitError `LIMIT_XATTR_BYTES`
 * @see layers.md §3.1, §5.2
 */
export function entryXattrs(
  records: readonly PaxXattr[],
  kind: EntryKind,
  path: Uint8Array,
  context: TarContext,
): readonly Xattr[] {
  // Attributes of a link's entry would become those of the other names too: the file's own count.
  if (records.length === 0 || kind === "hardlink") return NONE;
  const kept = new Map<string, PaxXattr>();
  for (const record of records) {
    const name = attributeName(record, context);
    const isOutranked = record.dialect === "LIBARCHIVE" && kept.get(name)?.dialect === "SCHILY";
    if (!isOutranked && isKept(name, kind, path, context)) kept.set(name, record);
  }
  const xattrs: Xattr[] = [];
  let bytes = 0;
  for (const [name, record] of kept) {
    const xattr = { name: latin1Bytes(name), value: attributeValue(record, context) };
    bytes += xattr.name.length + xattr.value.length;
    xattrs.push(xattr);
  }
  if (bytes > context.limits.xattrBytes) {
    const thing = `extended attributes of ${quoteBytes(path)}`;
    throw tarLimitError(context, "xattrBytes", thing, bytes);
  }
  return xattrs.sort((a, b) => compareBytes(a.name, b.name));
}

/** The full name, one character for each byte. */
function attributeName(record: PaxXattr, context: TarContext): string {
  const raw = Buffer.from(record.name).toString("latin1");
  const name =
    record.dialect === "SCHILY"
      ? raw
      : raw.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
          String.fromCharCode(parseInt(hex, 16)),
        );
  const isNamespaceAlone = name.indexOf(".") === name.length - 1;
  if (!isNamespaceAlone && name.length <= NAME_BYTES && !name.includes("\0")) return name;
  throw tarError(
    context,
    "TAR_PAX",
    `extended attribute: expected a name of 1 to ${NAME_BYTES} bytes without NUL and with ` +
      `something behind its namespace, got ${quoteBytes(record.name)}`,
  );
}

function attributeValue(record: PaxXattr, context: TarContext): Uint8Array {
  if (record.dialect === "SCHILY") return new Uint8Array(record.value);
  const text = Buffer.from(record.value).toString("latin1");
  const digits = text.replace(/={1,2}$/, "");
  // Buffer's decoder skips what it does not know and would make other bytes of it.
  if (!/^[A-Za-z0-9+/]*$/.test(digits) || digits.length % 4 === 1) {
    const message = `extended attribute ${quoteBytes(record.name)}: expected a value in base64`;
    throw tarError(context, "TAR_PAX", `${message}, got ${quoteBytes(record.value)}`);
  }
  return new Uint8Array(Buffer.from(digits, "base64"));
}

/** Whether an image keeps the attribute `name` of such an entry. */
function isKept(name: string, kind: EntryKind, path: Uint8Array, context: TarContext): boolean {
  // Only true on the host where the layer was made.
  if (name === "security.selinux" || name === "user.rootlesscontainers") return false;
  // Orders to an overlay file system, which would obey them when the image is its lower layer.
  if (name.startsWith("trusted.overlay.") || name.startsWith("user.overlay.")) return false;
  if (name.startsWith("user.")) {
    if (kind === "file" || kind === "directory") return true;
    const message = `${quoteBytes(path)}: left out attribute ${quoteName(name)}: Linux has user`;
    context.warnOnce("user xattr", `${message} attributes on files and directories only`);
    return false;
  }
  if (name.startsWith("trusted.") || name.startsWith("security.")) return true;
  const message = `${quoteBytes(path)}: left out attribute ${quoteName(name)}: squashfs has only`;
  context.warnOnce("xattr namespace", `${message} user, trusted and security attributes`);
  return false;
}

function quoteName(name: string): string {
  return quoteBytes(latin1Bytes(name));
}

function latin1Bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "latin1"));
}
