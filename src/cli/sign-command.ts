import { resolve } from "node:path";
import { familiarText, isFilePath, storeNamesOf } from "../image/index.ts";
import { findKey, keyPlaces, secretKeyRings } from "../keys/index.ts";
import { describeLocalName, isLocalName } from "../pull/index.ts";
import { signFile, signImage, type SignedPlace, type Signing } from "../signed/index.ts";
import {
  keyFacts,
  parsePrivatePem,
  SigningError,
  unlockedKey,
  type AskPassphrase,
  type Certificate,
  type SifSigner,
  type SignedParts,
} from "../signing/index.ts";
import type { Names, StoredImage } from "../store/index.ts";
import { usageError } from "./cli-error.ts";
import { fingerprintOf, stateOf, userText } from "./key-text.ts";
import { requireOutputPlace } from "./output-place.ts";
import { printable } from "./printable.ts";
import { passphraseAsker, type PassphraseFlags } from "./read-passphrase.ts";
import {
  findImageToUse,
  localFilesIn,
  openStoreToChange,
  openStoreToUse,
} from "./session-store.ts";
import type { Session } from "./session.ts";
import { formatTable } from "./table.ts";
import { readKeyText, trustGate } from "./trust-of.ts";

export interface SignFlags extends PassphraseFlags {
  readonly key?: string;
  readonly pem?: readonly string[];
  readonly group?: readonly string[];
  readonly object?: readonly string[];
  readonly output?: string;
  readonly force?: boolean;
}

/** Who signs, and how he is told. */
interface ShownSigner {
  readonly signer: SifSigner;
  readonly text: string;
}

const NO_NAMES: Names = { tags: [], digests: [] };

/** `siflet sign`: signs a SIF file where it lies, or makes a signed image of one of the store. */
export async function signCommand(text: string, flags: SignFlags, session: Session): Promise<void> {
  const parts = partsOf(flags);
  const place = await placeOf(flags, session);
  const { workingDirectory, now } = session.environment;
  const signingBy = async (): Promise<{ readonly signing: Signing; readonly by: string }> => {
    const { signer, text: by } = await signerOf(flags, session);
    return { signing: { signer, parts, now: now() }, by };
  };
  // First, for most such names end as files do.
  if (isLocalName(text)) {
    const files = localFilesIn(await session.config());
    const { path } = await describeLocalName(text, files, session.signal);
    await signOne(text, path, place, await signingBy(), session);
  } else if (isFilePath(text)) {
    await signOne(text, resolve(workingDirectory, text), place, await signingBy(), session);
  } else {
    await using opened =
      place.kind === "output" ? await openStoreToUse(session) : await openStoreToChange(session);
    const { store, image } = await findImageToUse(opened, text, session);
    const by = await signingBy();
    if (image.origin === "local" || place.kind === "output") {
      await signOne(text, image.path, place, by, session);
      return;
    }
    const names = movedNames(text, image);
    const trust = trustGate(await session.config(), session);
    const signed = await signImage(store, image, names, by.signing, trust, session.signal);
    await session.print(imageText(text, image, signed, by.by));
    if (names.tags.length > 0) {
      session.warn(
        `${printable(text)}: the next pull of this name brings the image without the signature back`,
      );
    }
  }
}

async function signOne(
  text: string,
  path: string,
  place: SignedPlace,
  { signing, by }: { readonly signing: Signing; readonly by: string },
  session: Session,
): Promise<void> {
  const signed = await signFile(path, place, signing, session.signal);
  await session.print(
    `${printable(text)}: signed by ${by}\n` +
      formatTable([
        ["  id", signed.id],
        ["  was", signed.was],
        ["  file", printable(signed.path)],
      ]),
  );
}

function imageText(text: string, old: StoredImage, signed: StoredImage, by: string): string {
  return (
    `${printable(text)}: signed by ${by}, as a new image\n` +
    formatTable([
      ["  id", signed.id],
      ["  was", old.id],
      ["  file", printable(signed.path)],
      ...signed.names.tags.map((name) => ["  name", printable(familiarText(name))]),
    ])
  );
}

/** All tags of an image that is named by one. A digest names other bytes, and an id no name at all. */
function movedNames(text: string, { names }: StoredImage): Names {
  const meant = storeNamesOf(text);
  const isByTag = names.tags.some((tag) => meant.includes(tag));
  return isByTag ? { tags: names.tags, digests: [] } : NO_NAMES;
}

function partsOf({ group, object }: SignFlags): SignedParts | undefined {
  if (group !== undefined && object !== undefined) {
    throw usageError("sign: expected either --group or --object");
  }
  if (group !== undefined) return { kind: "groups", ids: numbersOf(group, "--group") };
  return object && { kind: "objects", ids: numbersOf(object, "--object") };
}

function numbersOf(texts: readonly string[], option: string): readonly number[] {
  const wrong = texts.find((text) => !/^[1-9][0-9]{0,8}$/.test(text));
  if (wrong !== undefined) {
    throw usageError(
      `sign: ${option}: expected a number of 1 or more, got ${JSON.stringify(wrong)}`,
    );
  }
  return [...new Set(texts.map(Number))];
}

async function placeOf({ output, force }: SignFlags, session: Session): Promise<SignedPlace> {
  if (output === undefined) {
    if (force === true) throw usageError("sign: expected --output with --force");
    return { kind: "in-place" };
  }
  if (output === "") throw usageError("sign: --output: expected a path, got an empty one");
  const path = resolve(session.environment.workingDirectory, output);
  await requireOutputPlace(path, force === true);
  return { kind: "output", path, force: force === true };
}

async function signerOf(flags: SignFlags, session: Session): Promise<ShownSigner> {
  const ask = passphraseAsker(flags, "sign", session);
  if (flags.pem === undefined) return await openPgpSigner(flags, ask, session);
  if (flags.key !== undefined) throw usageError("sign: expected either --key or --pem");
  const keys = [];
  for (const file of flags.pem) {
    const path = resolve(session.environment.workingDirectory, file);
    keys.push(await parsePrivatePem(await pemText(path), path, ask));
  }
  return { signer: { kind: "pem", keys }, text: flags.pem.map(printable).join(" and ") };
}

async function pemText(path: string): Promise<string> {
  try {
    return await readKeyText(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SigningError("KEY_UNREADABLE", `cannot read ${path}: ${reason}`, { cause });
  }
}

async function openPgpSigner(
  { key }: SignFlags,
  ask: AskPassphrase,
  session: Session,
): Promise<ShownSigner> {
  const rings = secretKeyRings(keyPlaces(session.environment));
  const fingerprint =
    key === undefined ? await onlyKey(rings, session) : fingerprintOf(key, "sign: --key");
  const found = await findKey(rings, fingerprint, "secret key");
  return {
    signer: { kind: "openpgp", key: await unlockedKey(found.key, ask) },
    text: `${fingerprint} (${userText(found.key)})`,
  };
}

/** The fingerprint of the only key that can sign. */
async function onlyKey(
  rings: ReturnType<typeof secretKeyRings>,
  session: Session,
): Promise<string> {
  const now = session.environment.now();
  const usable = new Map<string, Certificate>();
  for (const ring of rings) {
    for (const { key } of await ring.all()) {
      const facts = await keyFacts(key);
      if (stateOf(facts, now) === "valid") usable.set(facts.fingerprint, key);
    }
  }
  const [only, ...others] = usable.keys();
  if (only === undefined) {
    throw usageError(
      "sign: expected --pem, or a key of `siflet key list --secret`, which has none",
    );
  }
  if (others.length === 0) return only;
  const shown = [...usable].map(([fingerprint, key]) => `${fingerprint} (${userText(key)})`);
  throw usageError(`sign: expected --key with one of ${shown.join(", ")}`);
}
