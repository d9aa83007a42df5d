import { open } from "node:fs/promises";
import { copyHashed, hashFile, openFileSource, writeFully } from "../base/index.ts";
import { signSif, type SifSigner, type SignedParts } from "../signing/index.ts";

/** Who signs what of a file. */
export interface Signing {
  readonly signer: SifSigner;
  /** Absent: every group. */
  readonly parts: SignedParts | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface SignedCopy {
  /** SHA-256 of what was copied, and of the copy with its signatures: 64 lower-case hex digits. */
  readonly was: string;
  readonly id: string;
}

/**
 * Makes `to` a copy of `from` with a signature more: a reflink where the file system has them. It is on the
 * disk when this returns. System errors come as they are.
 *
 * @throws as `signSif`; the signal's reason when aborted
 */
export async function signCopy(
  from: string,
  to: string,
  { signer, parts, now }: Signing,
  signal: AbortSignal,
): Promise<SignedCopy> {
  const was = await copyHashed(from, to, 0o600, signal);
  const { patches } = await planOf(to, { signer, parts, now }, signal);
  {
    await using file = await open(to, "r+");
    for (const { offset, bytes } of patches) await writeFully(file, bytes, offset);
    await file.sync();
  }
  return { was, id: await hashFile(to, signal) };
}

async function planOf(
  path: string,
  { signer, parts, now }: Signing,
  signal: AbortSignal,
): ReturnType<typeof signSif> {
  await using source = await openFileSource(path);
  return await signSif(source, signer, parts, now, signal);
}
