import { join } from "node:path";
import { CodedError, editFile } from "../base/index.ts";
import {
  keyBytes,
  mergedKey,
  publicKeyOf,
  type Certificate,
  type RingEntry,
} from "../signing/index.ts";
import { PUBLIC_RING, SECRET_RING, type KeyPlaces } from "./key-places.ts";
import { KeysError } from "./keys-error.ts";
import { MAX_RING_BYTES, readRing, ringError } from "./read-ring.ts";

/** What became of a key that was to be kept. */
export type KeyChange = "added" | "updated" | "unchanged";

export interface KeptKey {
  readonly key: Certificate;
  readonly change: KeyChange;
}

/**
 * Puts certificates into siflet's own keyrings: joined with what is there of them, so that nothing is lost. A
 * secret one is put into both, the secret one first: whatever stops this, its owner can go on.
 *
 * @returns for each of `keys` what it changed
 * @throws KeysError `KEYRING_FILE`; SigningError `KEY_UNREADABLE` for a keyring that is none; the
 *   signal's reason when aborted
 */
export async function keepKeys(
  { own }: KeyPlaces,
  keys: readonly Certificate[],
  signal: AbortSignal,
): Promise<readonly KeptKey[]> {
  const directory = requirePlace(own);
  const secret = keys.filter((key) => key.isPrivate());
  const changes = await addTo(join(directory, SECRET_RING), secret, signal);
  const open = await addTo(join(directory, PUBLIC_RING), keys.map(publicKeyOf), signal);
  return keys.map((key, at) => ({
    key,
    change: (key.isPrivate() ? changes[secret.indexOf(key)] : open[at]) ?? "unchanged",
  }));
}

/**
 * Removes a certificate from siflet's own keyrings.
 *
 * @param rings - `both` for one with its secret
 * @returns whether one was there
 * @throws as `keepKeys`
 */
export async function removeKey(
  { own }: KeyPlaces,
  fingerprint: string,
  rings: "public" | "both",
  signal: AbortSignal,
): Promise<boolean> {
  const directory = requirePlace(own);
  const names = rings === "both" ? [SECRET_RING, PUBLIC_RING] : [PUBLIC_RING];
  let isFound = false;
  for (const name of names) {
    const isHere = await editRing(
      join(directory, name),
      (entries) => {
        const left = entries.filter(({ key }) => key?.getFingerprint() !== fingerprint);
        return Promise.resolve(left.length === entries.length ? undefined : left);
      },
      signal,
    );
    isFound ||= isHere;
  }
  return isFound;
}

function requirePlace(own: string | undefined): string {
  if (own !== undefined) return own;
  throw new KeysError(
    "KEYRING_FILE",
    "no home directory for keys: expected SIFLET_KEYSDIR to name a directory",
  );
}

async function addTo(
  path: string,
  keys: readonly Certificate[],
  signal: AbortSignal,
): Promise<readonly KeyChange[]> {
  let changes: KeyChange[] = [];
  if (keys.length === 0) return changes;
  await editRing(
    path,
    async (known) => {
      // Edited anew where another process came first.
      changes = [];
      const ring = new Map(known.map((entry, at) => [entry.key?.getFingerprint() ?? at, entry]));
      for (const key of keys) changes.push(await addOne(ring, key));
      return changes.every((change) => change === "unchanged") ? undefined : [...ring.values()];
    },
    signal,
  );
  return changes;
}

/** @param ring - by fingerprint; what is not understood by its place */
async function addOne(ring: Map<string | number, RingEntry>, key: Certificate): Promise<KeyChange> {
  const fingerprint = key.getFingerprint();
  const known = ring.get(fingerprint)?.key;
  const merged = known === undefined ? key : await mergedKey(known, key);
  const bytes = keyBytes(merged);
  if (known !== undefined && Buffer.compare(bytes, keyBytes(known)) === 0) return "unchanged";
  ring.set(fingerprint, { bytes, key: merged });
  return known === undefined ? "added" : "updated";
}

/**
 * Edits one keyring. What of it is not touched, or not understood, keeps its bytes.
 *
 * @returns whether it was written
 */
async function editRing(
  path: string,
  edit: (entries: readonly RingEntry[]) => Promise<readonly RingEntry[] | undefined>,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    return await editFile(
      path,
      async (target) => {
        const entries = await edit(await readRing(target));
        if (entries === undefined) return undefined;
        const bytes = Buffer.concat(entries.map((entry) => entry.bytes));
        if (bytes.length <= MAX_RING_BYTES) return bytes;
        const message = `expected at most ${MAX_RING_BYTES} bytes of keys, got ${bytes.length}`;
        throw new KeysError("KEYRING_FILE", `keyring ${path}: ${message}`);
      },
      signal,
    );
  } catch (error) {
    if (signal.aborted || error instanceof CodedError) throw error;
    throw ringError(path, "write", error);
  }
}
