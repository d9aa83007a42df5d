import { keyPlaces, keyRings, secretKeyRings } from "../keys/index.ts";
import { keyFacts, type KeyFacts } from "../signing/index.ts";
import { jsonText } from "./json-text.ts";
import { dateText, stateOf } from "./key-text.ts";
import { printable } from "./printable.ts";
import type { Session } from "./session.ts";
import { formatTable } from "./table.ts";

export interface KeyListFlags {
  readonly secret?: boolean;
  readonly json?: boolean;
}

/** A key, and the file it is in. */
interface ListedKey extends KeyFacts {
  readonly file: string;
}

/** `siflet key list`: the keys of all keyrings, in the order in which they are asked. */
export async function keyListCommand(flags: KeyListFlags, session: Session): Promise<void> {
  const places = keyPlaces(session.environment);
  const rings = flags.secret === true ? secretKeyRings(places) : keyRings(places);
  const keys: ListedKey[] = [];
  for (const ring of rings) {
    for (const { key, source } of await ring.all()) {
      session.signal.throwIfAborted();
      keys.push({ ...(await keyFacts(key)), file: source });
    }
  }
  const now = session.environment.now();
  await session.print(
    flags.json === true
      ? `${jsonText(keys.map((key) => jsonOf(key, now)))}\n`
      : keys.map((key) => textOf(key, now)).join("\n"),
  );
}

function jsonOf({ isRevoked, isSecret, ...key }: ListedKey, now: number): object {
  const state = stateOf({ ...key, isRevoked, isSecret }, now);
  return { ...key, secret: isSecret, state };
}

function textOf(key: ListedKey, now: number): string {
  const { fingerprint, userIds, algorithm, createdAt, expiresAt, file } = key;
  const state = stateOf(key, now);
  return (
    `${fingerprint}\n` +
    formatTable([
      ...userIds.map((user, at) => [at === 0 ? "  user" : "", printable(user)]),
      ["  kind", algorithm],
      ["  created", dateText(createdAt)],
      ["  expires", expiresAt === undefined ? "never" : dateText(expiresAt)],
      ...(state === "valid" ? [] : [["  state", state]]),
      ["  file", printable(file)],
    ])
  );
}
