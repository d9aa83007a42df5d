import { keyPlaces, KeysError, removeKey, secretKeyRings } from "../keys/index.ts";
import { usageError } from "./cli-error.ts";
import { fingerprintOf } from "./key-text.ts";
import { printable } from "./printable.ts";
import type { Session } from "./session.ts";

export interface KeyRemoveFlags {
  readonly secret?: boolean;
}

/** `siflet key remove`: removes a key from siflet's own keyrings. */
export async function keyRemoveCommand(
  text: string,
  flags: KeyRemoveFlags,
  session: Session,
): Promise<void> {
  const fingerprint = fingerprintOf(text, "key remove");
  const places = keyPlaces(session.environment);
  const [own] = secretKeyRings({ ...places, others: [] });
  const secrets = (await own?.all()) ?? [];
  const isSecret = secrets.some(({ key }) => key.getFingerprint() === fingerprint);
  if (isSecret && flags.secret !== true) {
    throw usageError(
      `key remove: ${fingerprint} has its secret here, which may be the only copy: ` +
        "--secret removes both",
    );
  }
  const rings = flags.secret === true ? "both" : "public";
  if (!(await removeKey(places, fingerprint, rings, session.signal))) {
    const message = `there is no key ${fingerprint} in siflet's own keyrings`;
    throw new KeysError("KEY_NOT_FOUND", `${message}, ${places.own ?? ""}`);
  }
  await session.print(printable(`removed ${fingerprint}`) + "\n");
}
