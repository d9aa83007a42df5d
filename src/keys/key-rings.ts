import { join } from "node:path";
import { KeyRing, publicKeyOf, type OpenPgpKey } from "../signing/index.ts";
import { PUBLIC_RING, SECRET_RING, type KeyPlaces } from "./key-places.ts";
import { KeysError } from "./keys-error.ts";
import { readRing } from "./read-ring.ts";

/**
 * The keyrings that signatures are checked with, in the order in which they are asked: the global ones of
 * Singularity and Apptainer (what whoever runs the machine says of a key comes first), siflet's own, the
 * user's of Singularity and of Apptainer. Each is read when it is first asked, and once; none is written.
 *
 * Asking one throws KeysError `KEYRING_FILE` or SigningError `KEY_UNREADABLE`, which names the file: a
 * signer must not become unknown, nor a revoked key good, because a keyring is damaged.
 */
export function keyRings({ global, own, others }: KeyPlaces): readonly KeyRing[] {
  const directories = own === undefined ? others : [own, ...others];
  const files = [...global, ...directories.map((directory) => join(directory, PUBLIC_RING))];
  return files.map((file) => new KeyRing(async () => await readPublic(file)));
}

/** The keyrings of what may be signed with, siflet's own first; their keys are secret ones. */
export function secretKeyRings({ own, others }: KeyPlaces): readonly KeyRing[] {
  const directories = own === undefined ? others : [own, ...others];
  return directories.map((directory) => {
    const file = join(directory, SECRET_RING);
    return new KeyRing(async () => await readSecret(file));
  });
}

/**
 * The first key with this fingerprint.
 *
 * @param what - `key` or `secret key`, for messages
 * @throws KeysError `KEY_NOT_FOUND`, and as `keyRings`
 */
export async function findKey(
  rings: readonly KeyRing[],
  fingerprint: string,
  what: string,
): Promise<OpenPgpKey> {
  for (const ring of rings) {
    const found = (await ring.all()).find(({ key }) => key.getFingerprint() === fingerprint);
    if (found !== undefined) return found;
  }
  throw new KeysError("KEY_NOT_FOUND", `there is no ${what} ${fingerprint} in any keyring`);
}

async function readPublic(file: string): Promise<readonly OpenPgpKey[]> {
  const entries = await readRing(file);
  return entries.flatMap(({ key }) => (key ? { key: publicKeyOf(key), source: file } : []));
}

async function readSecret(file: string): Promise<readonly OpenPgpKey[]> {
  const entries = await readRing(file);
  return entries.flatMap(({ key }) => (key?.isPrivate() === true ? { key, source: file } : []));
}
