import { lstat, realpath, stat } from "node:fs/promises";
import { dirname, sep } from "node:path";
import process from "node:process";
import { hashFile, isErrno } from "../base/index.ts";
import { ImageError, LOCAL_URI, parseRef } from "../image/index.ts";
import type { LocalFile, NewImage, Store, StoredImage } from "../store/index.ts";
import { fileIdentity } from "../store/index.ts";
import { describeSif, type SifFacts } from "./describe-sif.ts";
import type { PullContext } from "./pull-context.ts";
import { isSystemError, PullError } from "./pull-error.ts";

/** Which files of this host `local.file` references may name. */
export interface LocalFiles {
  /**
   * Absolute paths of directories that files must lie in, whatever links lead there. Files there, and
   * the directories they lie in, must be writable by their owner alone, and that be root or us.
   * Absent: any file that we can read.
   */
  readonly directories?: readonly string[] | undefined;
  /** Absolute paths by what stands behind `local.file/`. */
  readonly aliases: Readonly<Record<string, string>>;
}

/** A SIF file of this host, as it was when it was hashed. */
export interface DescribedFile extends SifFacts, LocalFile {
  /** SHA-256 of the file: 64 lower-case hex digits. */
  readonly id: string;
}

const ANY: LocalFiles = { aliases: {} };

/** Which files a pull may name. */
export function localFilesOf({ localFiles = ANY }: Pick<PullContext, "localFiles">): LocalFiles {
  return localFiles;
}

/** Whether `text` names a file of this host. */
export function isLocalName(text: string): boolean {
  return text.startsWith(`${LOCAL_URI}/`);
}

/** The file that a `local.file` name means. */
function localPath(name: string, { aliases }: LocalFiles): string {
  const text = name.slice(LOCAL_URI.length + 1);
  return Object.hasOwn(aliases, text) ? (aliases[text] ?? "") : `/${text}`;
}

/**
 * Hashes and describes the SIF file at `path`, where it lies.
 *
 * @throws ImageError `NOT_FOUND` where there is none; PullError `LOCAL_FILE_REFUSED` for one that
 *   `files` does not allow or that changed meanwhile, `LOCAL_FILE_UNREADABLE`; and as `describeSif`
 */
async function describeLocalFile(
  path: string,
  files: LocalFiles,
  signal: AbortSignal,
): Promise<DescribedFile> {
  try {
    const real = await allowedPath(path, files);
    const identity = await fileIdentity(real);
    if (identity === undefined) throw refused(path, "a regular file");
    const facts = await describeSif(real, signal);
    const id = await hashFile(real, signal);
    if ((await fileIdentity(real)) !== identity) {
      throw refused(path, "a file that stays as it is while it is read");
    }
    return { ...facts, id, path: real, identity };
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) {
      throw new ImageError("NOT_FOUND", `${path}: no such file`, { cause: error });
    }
    if (!isSystemError(error)) throw error;
    throw new PullError("LOCAL_FILE_UNREADABLE", `cannot read ${path}: ${error.message}`, {
      cause: error,
    });
  }
}

/**
 * Describes the file that `reference` means.
 *
 * @throws ImageError `REFERENCE_INVALID`; and as `describeLocalFile`
 */
export async function describeLocalName(
  reference: string,
  files: LocalFiles,
  signal: AbortSignal,
): Promise<DescribedFile> {
  return await describeLocalFile(
    localPath(parseRef(reference).tags()[0] ?? "", files),
    files,
    signal,
  );
}

/** Records the file that `reference` means as an image of the store, without copying it. */
export async function recordLocalFile(
  store: Store,
  reference: string,
  files: LocalFiles,
  now: number,
  signal: AbortSignal,
): Promise<StoredImage> {
  const tags = parseRef(reference).tags();
  const file = await describeLocalName(reference, files, signal);
  const image = await store.recordLocal(imageOfFile(file, reference, tags, now));
  // Of several files of these bytes the one that was asked for; what the store has is its own.
  return image.origin === "local" ? { ...image, path: file.path } : image;
}

/**
 * The image that was found by `text`, as it is now. A `local.file` name means what its file holds
 * today. By any other text it is the image that was recorded, where one of its files still holds it.
 * A file that changed is hashed again.
 *
 * @throws ImageError `NOT_FOUND` where its files changed or are gone; and as `describeLocalFile`
 */
export async function freshImage(
  store: Store,
  text: string,
  image: StoredImage,
  files: LocalFiles,
  now: number,
  signal: AbortSignal,
): Promise<StoredImage> {
  if (isLocalName(text)) {
    const path = await realIfThere(localPath(parseRef(text).tags()[0] ?? "", files));
    const known = image.localFiles.find((file) => file.path === path);
    if (known !== undefined && (await isUnchanged(known))) {
      await allowedPath(known.path, files);
      return image.origin === "local" ? { ...image, path: known.path } : image;
    }
    return await recordLocalFile(store, text, files, now, signal);
  }
  if (image.origin !== "local") return image;
  for (const file of image.localFiles) {
    if (!(await isUnchanged(file))) continue;
    await allowedPath(file.path, files);
    return { ...image, path: file.path };
  }
  for (const { path } of image.localFiles) {
    const file = await describedIfThere(path, files, signal);
    if (file?.id !== image.id) continue;
    const { tags } = image.names;
    // Who may only read the store cannot note it, and need not.
    if (store.isReadOnly) return { ...image, path };
    const recorded = imageOfFile(file, image.source.reference, tags, now);
    return { ...(await store.recordLocal(recorded)), path };
  }
  throw new ImageError("NOT_FOUND", `image ${image.id}: ${image.path} changed or is gone`);
}

async function describedIfThere(
  path: string,
  files: LocalFiles,
  signal: AbortSignal,
): Promise<DescribedFile | undefined> {
  try {
    return await describeLocalFile(path, files, signal);
  } catch (error) {
    if (error instanceof ImageError && error.code === "NOT_FOUND") return undefined;
    throw error;
  }
}

function imageOfFile(
  { id, size, platform, ociConfigJson, path, identity }: DescribedFile,
  reference: string,
  tags: readonly string[],
  now: number,
): NewImage {
  return {
    id,
    size,
    names: { tags, digests: [] },
    origin: "local",
    platform,
    ...(ociConfigJson === undefined ? {} : { ociConfigJson }),
    source: { reference, layers: [] },
    createdAt: now,
    localFile: { path, identity },
  };
}

async function isUnchanged({ path, identity }: LocalFile): Promise<boolean> {
  try {
    return (await fileIdentity(path)) === identity;
  } catch {
    // Whatever is wrong with it, looking at it closely will say.
    return false;
  }
}

/** The file without links on the way to it. */
async function allowedPath(path: string, { directories }: LocalFiles): Promise<string> {
  const real = await realpath(path);
  if (directories === undefined) return real;
  const roots = await Promise.all(directories.map(realIfThere));
  const root = roots.find((each) => each !== undefined && isInside(real, each));
  if (root === undefined) throw refused(path, `a file in ${directories.join(" or ")}`);
  for (let at = real; ; at = dirname(at)) {
    await requireTrusted(at);
    if (at === root) return real;
  }
}

async function realIfThere(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}

function isInside(path: string, directory: string): boolean {
  return path.startsWith(directory.endsWith(sep) ? directory : directory + sep);
}

/** What somebody else could have written says nothing that we may stand for. */
async function requireTrusted(path: string): Promise<void> {
  const { uid, mode } = await stat(path);
  if (uid !== 0 && uid !== process.geteuid?.()) throw refused(path, "it owned by root or by us");
  const isSticky = (mode & 0o1000) !== 0 && (await lstat(path)).isDirectory();
  if ((mode & 0o022) !== 0 && !isSticky) throw refused(path, "it writable by its owner alone");
}

function refused(path: string, expected: string): PullError {
  return new PullError("LOCAL_FILE_REFUSED", `${path}: expected ${expected}`);
}
