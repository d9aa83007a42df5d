import { SigningError } from "./signing-error.ts";

const BEGIN = /^-----BEGIN PGP (PUBLIC|PRIVATE) KEY BLOCK-----$/;

/**
 * The packets of a keyring, armored or not. Several blocks may stand one behind the other, with any text
 * between them.
 *
 * @throws SigningError `KEY_UNREADABLE` for armor that is broken or holds something else than keys
 * @see RFC 9580 §6.2; the checksum is not looked at (§6.1), for it proves nothing
 */
export function withoutArmor(bytes: Uint8Array, source: string): Uint8Array {
  // The first bit of every packet is set, and of no letter.
  if (((bytes[0] ?? 0x80) & 0x80) !== 0) return bytes;
  const lines = Buffer.from(bytes)
    .toString("latin1")
    .split("\n")
    .map((line) => line.trimEnd());
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const kind = BEGIN.exec(lines[at] ?? "")?.[1];
    if (kind === undefined) continue;
    const end = lines.indexOf(`-----END PGP ${kind} KEY BLOCK-----`, at);
    const packets = end < 0 ? undefined : packetsOf(lines.slice(at + 1, end));
    if (packets === undefined) throw unreadable(source);
    blocks.push(packets);
    at = end;
  }
  if (blocks.length === 0) throw unreadable(source);
  return Buffer.concat(blocks);
}

function unreadable(source: string): SigningError {
  return new SigningError("KEY_UNREADABLE", `${source}: expected OpenPGP keys`);
}

/** @returns undefined for what is no base64 behind headers and an empty line */
function packetsOf(lines: readonly string[]): Uint8Array | undefined {
  const start = lines.indexOf("");
  if (start < 0 || !lines.slice(0, start).every((line) => /^[!-9;-~]+:/.test(line))) {
    return undefined;
  }
  const text = lines
    .slice(start + 1)
    .filter((line) => !/^=[A-Za-z0-9+/]{4}$/.test(line))
    .join("");
  const isBase64 = text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text);
  return isBase64 ? Buffer.from(text, "base64") : undefined;
}
