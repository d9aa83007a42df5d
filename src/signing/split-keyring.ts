import { SigningError } from "./signing-error.ts";

/** Packets that begin a certificate; RFC 9580 §5. */
const SECRET_KEY = 5;
const PUBLIC_KEY = 6;
/** Packets without meaning: they may stand anywhere. */
const MARKER = 10;
const PADDING = 21;

/** The bytes of one certificate, as they stand in a keyring. */
export interface RawCertificate {
  readonly bytes: Uint8Array;
  readonly isSecret: boolean;
}

interface Packet {
  readonly type: number;
  /** Where it ends. */
  readonly end: number;
}

/**
 * Cuts a keyring into its certificates, whatever is in them: so that one that nothing is known of does
 * not spoil the others, and is not lost when they are written again.
 *
 * @param bytes - packets one behind the other, not armored
 * @param source - the file, for messages
 * @throws SigningError `KEY_UNREADABLE` for bytes that are no packets, or do not begin with a key
 * @see RFC 9580 §4.2, §10.1
 */
export function splitKeyring(bytes: Uint8Array, source: string): readonly RawCertificate[] {
  const found: RawCertificate[] = [];
  let start: number | undefined;
  let isSecret = false;
  const finish = (end: number): void => {
    if (start !== undefined) found.push({ bytes: bytes.subarray(start, end), isSecret });
  };
  for (let at = 0; at < bytes.length;) {
    const packet = packetAt(bytes, at);
    if (packet === undefined) throw unreadable(source, at);
    if (packet.type === SECRET_KEY || packet.type === PUBLIC_KEY) {
      finish(at);
      start = at;
      isSecret = packet.type === SECRET_KEY;
    } else if (start === undefined && packet.type !== MARKER && packet.type !== PADDING) {
      throw unreadable(source, at);
    }
    at = packet.end;
  }
  finish(bytes.length);
  return found;
}

function unreadable(source: string, at: number): SigningError {
  return new SigningError("KEY_UNREADABLE", `${source}: expected OpenPGP keys, at byte ${at}`);
}

/** @returns undefined where no packet of a known length stands there, or one that is cut */
function packetAt(bytes: Uint8Array, at: number): Packet | undefined {
  const tag = bytes[at] ?? 0;
  if ((tag & 0x80) === 0) return undefined;
  const isNew = (tag & 0x40) !== 0;
  const type = isNew ? tag & 0x3f : (tag >> 2) & 0x0f;
  const length = isNew ? newLength(bytes, at + 1) : oldLength(bytes, at + 1, tag & 3);
  if (length === undefined || type === 0) return undefined;
  const end = length.end + length.value;
  return end <= bytes.length ? { type, end } : undefined;
}

interface Length {
  readonly value: number;
  readonly end: number;
}

/** RFC 9580 §4.2.1; partial lengths are for data alone. */
function newLength(bytes: Uint8Array, at: number): Length | undefined {
  const first = bytes[at];
  if (first === undefined) return undefined;
  if (first < 192) return { value: first, end: at + 1 };
  if (first < 224) {
    const value = ((first - 192) << 8) + (bytes[at + 1] ?? 0) + 192;
    return { value, end: at + 2 };
  }
  return first === 255 ? bigEndian(bytes, at + 1, 4) : undefined;
}

/** RFC 9580 §4.2.2; a packet without an end is for data alone. */
function oldLength(bytes: Uint8Array, at: number, kind: number): Length | undefined {
  return kind === 3 ? undefined : bigEndian(bytes, at, 1 << kind);
}

function bigEndian(bytes: Uint8Array, at: number, count: number): Length | undefined {
  if (at + count > bytes.length) return undefined;
  const value = bytes.subarray(at, at + count).reduce((sum, byte) => sum * 256 + byte, 0);
  return { value, end: at + count };
}
