import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { makeKey, type Certificate } from "../signing/index.ts";
import type { KeyPlaces } from "./key-places.ts";

export const never: AbortSignal = new AbortController().signal;

export async function newDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtempDisposable(join(tmpdir(), "siflet-keys-"));
  t.after(() => directory.remove());
  return directory.path;
}

/** Keyrings below `directory` alone. */
export function placesIn(directory: string): KeyPlaces {
  return {
    global: [join(directory, "global-pgp-public")],
    own: join(directory, "own"),
    others: [join(directory, "other")],
  };
}

/** A secret key that was made a minute ago. */
export async function keyOf(name: string): Promise<Certificate> {
  const email = `${name.toLowerCase()}@example.test`;
  return await makeKey({ name, email }, Date.now() - 60_000);
}
