import { withoutArmor } from "./armored-keys.ts";
import type { Certificate, OpenPgpKey, OpenPgpKeys } from "./openpgp-key.ts";
import { libraryKey, loadOpenPgp } from "./openpgp-library.ts";
import { splitKeyring } from "./split-keyring.ts";

/** One certificate of a keyring, and what can be made of it. */
export interface RingEntry {
  /** As it stands there. */
  readonly bytes: Uint8Array;
  /** Absent for one that the library cannot use. */
  readonly key?: Certificate;
}

/**
 * Reads the certificates of a keyring: OpenPGP packets one behind the other, armored or not. A certificate
 * that the library cannot use is passed over, as GnuPG does; secret keys are read as the public ones.
 *
 * @param source - the file, for messages and evidence
 * @throws SigningError `KEY_UNREADABLE` for bytes that are no packets
 * @see RFC 9580 §10.1; sif.md §5.1
 */
export async function readKeys(bytes: Uint8Array, source: string): Promise<readonly OpenPgpKey[]> {
  return (await parseKeys(bytes, source)).map((key) => ({
    key: libraryKey(key).toPublic(),
    source,
  }));
}

/** The same, secret keys with their secrets. */
export async function parseKeys(
  bytes: Uint8Array,
  source: string,
): Promise<readonly Certificate[]> {
  return (await parseRing(bytes, source)).flatMap(({ key }) => key ?? []);
}

/** The same, those that the library cannot use left in. */
export async function parseRing(bytes: Uint8Array, source: string): Promise<readonly RingEntry[]> {
  if (bytes.length === 0) return [];
  const packets = withoutArmor(bytes, source);
  const { readKey } = await loadOpenPgp();
  const entries: RingEntry[] = [];
  for (const raw of splitKeyring(packets, source)) {
    try {
      entries.push({ bytes: raw.bytes, key: await readKey({ binaryKey: raw.bytes }) });
    } catch {
      // The library throws plain errors for whatever it cannot use.
      entries.push({ bytes: raw.bytes });
    }
  }
  return entries;
}

/** The certificates of one keyring, read when they are first asked for. */
export class KeyRing implements OpenPgpKeys {
  readonly #read: () => Promise<readonly OpenPgpKey[]>;
  #keys: Promise<readonly OpenPgpKey[]> | undefined;

  constructor(read: () => Promise<readonly OpenPgpKey[]>) {
    this.#read = read;
  }

  async all(): Promise<readonly OpenPgpKey[]> {
    this.#keys ??= this.#read();
    return await this.#keys;
  }

  async find({ keyId }: { readonly keyId: string }): Promise<readonly OpenPgpKey[]> {
    return (await this.all()).filter(({ key }) =>
      libraryKey(key)
        .getKeys()
        .some((one) => one.getKeyID().toHex() === keyId),
    );
  }
}
