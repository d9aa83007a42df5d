import { findKey, keyPlaces, keyRings, secretKeyRings } from "../keys/index.ts";
import { armoredKey, keyBytes } from "../signing/index.ts";
import { fingerprintOf } from "./key-text.ts";
import type { Session } from "./session.ts";

export interface KeyExportFlags {
  readonly secret?: boolean;
  readonly binary?: boolean;
}

/** `siflet key export`: prints a key of any keyring. */
export async function keyExportCommand(
  text: string,
  flags: KeyExportFlags,
  session: Session,
): Promise<void> {
  const fingerprint = fingerprintOf(text, "key export");
  const places = keyPlaces(session.environment);
  const { key } =
    flags.secret === true
      ? await findKey(secretKeyRings(places), fingerprint, "secret key")
      : await findKey(keyRings(places), fingerprint, "key");
  await session.print(flags.binary === true ? keyBytes(key) : armoredKey(key));
}
