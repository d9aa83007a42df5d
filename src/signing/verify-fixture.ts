import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import type { SignatureEvidence } from "../image/index.ts";
import type { KeyRing } from "./key-ring.ts";
import { NOW, never, sourceOf, startGpg, type Gpg } from "./signing-fixture.ts";
import { verifySif } from "./verify-sif.ts";

export const LATER: number = NOW + 60_000;

/** A GnuPG with one key. */
export interface Signer {
  readonly gpg: Gpg;
  /** Of a key whose public half is in `ring`. */
  readonly alice: string;
  readonly ring: KeyRing;
}

export async function startSigner(t: TestContext): Promise<Signer> {
  const gpg = await startGpg(t);
  const alice = await gpg.makeKey("Alice <alice@example.test>");
  return { gpg, alice, ring: await gpg.ring(alice) };
}

/** What is found of the signatures of `file` by who has `keys`. */
export async function evidenceOf(
  file: Uint8Array,
  keys: readonly KeyRing[],
  more: { readonly now?: number; readonly legacyInsecure?: boolean } = {},
): Promise<readonly SignatureEvidence[]> {
  const options = { now: LATER, ...more };
  return (await verifySif(sourceOf(file), { openPgp: keys, pem: [] }, options, never)).signatures;
}

/** The same of a file with one signature. */
export async function oneEvidenceOf(
  ...args: Parameters<typeof evidenceOf>
): Promise<SignatureEvidence> {
  const [first, ...others] = await evidenceOf(...args);
  assert.ok(first !== undefined && others.length === 0, "one signature");
  return first;
}
