import { resolve } from "node:path";
import { readAtMost } from "../base/index.ts";
import { keepKeys, keyPlaces, MAX_RING_BYTES } from "../keys/index.ts";
import { parseRing, SigningError } from "../signing/index.ts";
import { usageError } from "./cli-error.ts";
import { counted } from "./format.ts";
import { keptText } from "./key-text.ts";
import { printable } from "./printable.ts";
import { STANDARD_INPUT } from "./read-passphrase.ts";
import { readInput } from "./read-secret.ts";
import type { Session } from "./session.ts";

/** `siflet key import`: puts the keys of a file into siflet's own keyrings. */
export async function keyImportCommand(file: string, session: Session): Promise<void> {
  const isInput = file === STANDARD_INPUT;
  const path = resolve(session.environment.workingDirectory, file);
  const source = isInput ? "standard input" : path;
  const bytes = isInput ? await readInput(MAX_RING_BYTES, session) : await bytesOf(path);
  if (bytes === undefined) {
    throw usageError(`key import: ${source}: expected at most ${MAX_RING_BYTES} bytes of keys`);
  }
  const entries = await parseRing(bytes, source);
  const keys = entries.flatMap(({ key }) => key ?? []);
  const unknown = entries.length - keys.length;
  if (unknown > 0) {
    session.warn(
      `${printable(source)}: left out ${counted(unknown, "key")} of kinds that prove nothing here`,
    );
  }
  if (keys.length === 0) {
    throw new SigningError("KEY_UNREADABLE", `${source}: expected OpenPGP keys, got none`);
  }
  const kept = await keepKeys(keyPlaces(session.environment), keys, session.signal);
  await session.print(keptText(kept));
}

async function bytesOf(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readAtMost(path, MAX_RING_BYTES);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SigningError("KEY_UNREADABLE", `cannot read ${path}: ${reason}`, { cause });
  }
}
