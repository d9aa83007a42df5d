import { join } from "node:path";
import { isErrno } from "../base/index.ts";
import { ContentError } from "../image/index.ts";
import { describeSif, isSystemError, PullError, type TrustGate } from "../pull/index.ts";
import { storeFailure, type Names, type Store, type StoredImage } from "../store/index.ts";
import { signCopy, type Signing } from "./sign-copy.ts";

/**
 * Signs an image of the store: the signed file is another image, for the id of one is the hash of its
 * file. The image that is signed stays, less the names that the other one gets.
 *
 * @param names - those that the signed image gets; they are judged as those of any image that is brought
 * @throws ContentError `CONTENT_DIGEST_MISMATCH` where the disk has changed the file; as `signSif`;
 *   StoreError; what `trust` throws; the signal's reason
 */
export async function signImage(
  store: Store,
  image: StoredImage,
  names: Names,
  signing: Signing,
  trust: TrustGate,
  signal: AbortSignal,
): Promise<StoredImage> {
  await using staging = await store.stage();
  const file = join(staging.path, "signed.sif");
  const { was, id } = await copied(image, file, signing, signal);
  if (was !== image.id) {
    const message = `${image.path}: expected sha256 ${image.id}, got ${was}`;
    throw new ContentError("CONTENT_DIGEST_MISMATCH", message);
  }
  const { size, platform, ociConfigJson } = await describeSif(file, signal);
  const digests = new Map<string, string>();
  const { imagesDirectory: directory } = store;
  await trust.require(
    {
      what: names.tags[0] ?? `signed image ${id}`,
      names: [...names.tags, ...names.digests],
      // It gets names of the image: what is asked of those does not end with a signature of anybody's.
      from: image.source.reference,
      file: { path: file, directory, digests },
    },
    signal,
  );
  const signed = await store.publish(
    {
      file,
      id,
      size,
      names,
      origin: "sif",
      platform,
      ...(ociConfigJson === undefined ? {} : { ociConfigJson }),
      // What it was made of its layers says nothing of this file.
      source: { reference: image.source.reference, layers: [] },
      createdAt: signing.now,
      ...(image.sideLoaded ? { sideLoaded: true } : {}),
    },
    signal,
  );
  await store.evidence.recordObjectDigests(signed.id, digests);
  return signed;
}

async function copied(
  { path }: StoredImage,
  file: string,
  signing: Signing,
  signal: AbortSignal,
): ReturnType<typeof signCopy> {
  try {
    return await signCopy(path, file, signing, signal);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    if (isErrno(error, "ENOSPC", "EDQUOT")) throw storeFailure(error, file);
    throw new PullError("LOCAL_FILE_UNREADABLE", `cannot read ${path}: ${error.message}`, {
      cause: error,
    });
  }
}
