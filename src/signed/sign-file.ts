import { chmod, chown, open, realpath, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isErrno, takeTurn } from "../base/index.ts";
import {
  makeScratchDirectory,
  outputError,
  placeFile,
  PullError,
  readable,
} from "../pull/index.ts";
import { fileIdentity } from "../store/index.ts";
import { signCopy, type SignedCopy, type Signing } from "./sign-copy.ts";

/** How long others that sign the same file are waited for: they hash all of it. */
const MAX_WAIT_MS = 600_000;

/** Where a signed file goes. */
export type SignedPlace =
  | { readonly kind: "in-place" }
  | { readonly kind: "output"; readonly path: string; readonly force: boolean };

/** A file that was signed, and where it is now. */
export interface SignedFile extends SignedCopy {
  readonly path: string;
}

/**
 * Signs the SIF file at `path`. The file with the signature is made beside its place and then renamed to
 * it, so that whatever stops this, the old file or the new one is there; it has the old one's mode. A link is
 * followed, and stays; other names of the same file (hard links) keep the file as it was. Processes of siflet
 * sign one file one after the other, so that each signature is there at the end.
 *
 * @throws ImageError `NOT_FOUND`; PullError `LOCAL_FILE_UNREADABLE`, `LOCAL_FILE_REFUSED` where the file
 *   changed meanwhile, `OUTPUT_EXISTS`, `OUTPUT_FAILED`, `NO_SPACE`; as `signSif`; the signal's reason
 */
export async function signFile(
  path: string,
  place: SignedPlace,
  signing: Signing,
  signal: AbortSignal,
): Promise<SignedFile> {
  await using _turn = await takeTurn(await realOf(path), MAX_WAIT_MS, signal);
  const { real, identity } = await readableFile(path);
  const target = place.kind === "output" ? place.path : real;
  await using scratch = await makeScratchDirectory(dirname(target), signing.now);
  const copy = join(scratch.path, "signed.sif");
  try {
    const signed = await signCopy(real, copy, signing, signal);
    await keepMode(real, copy);
    // Another program may have signed it in place at this time: ours knows nothing of that signature.
    if ((await fileIdentity(real)) !== identity) {
      const message = `${path}: expected a file that stays as it is while it is signed`;
      throw new PullError("LOCAL_FILE_REFUSED", message);
    }
    await placeFile(copy, target, { force: place.kind === "in-place" || place.force });
    return { ...signed, path: target };
  } catch (error) {
    throw outputError(target, error);
  }
}

/** Without links; a file that is not there is told of later. */
async function realOf(path: string): Promise<string> {
  return await realpath(path).catch(() => path);
}

interface ReadableFile {
  /** Without links. */
  readonly real: string;
  readonly identity: string;
}

async function readableFile(path: string): Promise<ReadableFile> {
  return await readable(path, async () => {
    const real = await realpath(path);
    const identity = await fileIdentity(real);
    if (identity === undefined) {
      throw new PullError("LOCAL_FILE_UNREADABLE", `${path}: expected a regular file`);
    }
    await using _file = await open(real, "r");
    return { real, identity };
  });
}

/** Gives `to` the mode of `from`, and its owner where we may. */
async function keepMode(from: string, to: string): Promise<void> {
  const { mode, uid, gid } = await stat(from);
  const made = await stat(to);
  if (uid !== made.uid || gid !== made.gid) {
    try {
      await chown(to, uid, gid);
    } catch (error) {
      // Whoever may write in the directory may replace the file, and then it is his.
      if (!isErrno(error, "EPERM")) throw error;
    }
  }
  await chmod(to, mode & 0o777);
  await using file = await open(to, "r");
  await file.sync();
}
