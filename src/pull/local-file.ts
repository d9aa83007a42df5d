import { access, constants, lstat, realpath, stat } from "node:fs/promises";
import { dirname, sep } from "node:path";
import process from "node:process";
import { copyHashed, hashFile, isErrno } from "../base/index.ts";
import { ImageError, LOCAL_URI, parseRef } from "../image/index.ts";
import type { LocalFile, NewImage, Store, StoredImage } from "../store/index.ts";
import { fileIdentity } from "../store/index.ts";
import { describeSif, type SifFacts } from "./describe-sif.ts";
import { writeOutput, type OutputOptions } from "./place-file.ts";
import type { PullContext } from "./pull-context.ts";
import { PullError } from "./pull-error.ts";
import { readable } from "./readable.ts";

/** Which files of this host `local.file` references may name. */
export interface LocalFiles {
  /**
   * Absolute paths of directories that files must lie in, whatever links lead there. Files there, and
   * the directories they lie in, must be writable by their owner alone, and that be root or us. What an
   * alias names need not lie in one. Of files elsewhere nobody learns whether they are there.
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

/** What of a pull's context files of this host go by. */
export type LocalContext = Pick<PullContext, "localFiles" | "trust" | "now">;

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
  return await readable(path, async () => {
    const real = await allowedPath(path, files);
    const identity = await fileIdentity(real);
    if (identity === undefined) throw refused(path, "a regular file");
    const facts = await describeSif(real, signal);
    const id = await hashFile(real, signal);
    if ((await fileIdentity(real)) !== identity) {
      throw refused(path, "a file that stays as it is while it is read");
    }
    return { ...facts, id, path: real, identity };
  });
}

/**
 * What the SIF file at `path` says of itself, without hashing it.
 *
 * @throws ImageError `NOT_FOUND`, PullError `LOCAL_FILE_UNREADABLE`; and as `describeSif`
 */
export async function describeFile(path: string, signal: AbortSignal): Promise<SifFacts> {
  return await readable(path, async () => await describeSif(path, signal));
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

/**
 * Copies the file that `reference` means to `to`. What is described is the copy: what the file becomes
 * meanwhile does not matter.
 *
 * @throws as `describeLocalName`; what the policy refuses it with; PullError `OUTPUT_EXISTS`, `OUTPUT_FAILED`, `NO_SPACE`
 */
export async function copyLocalName(
  reference: string,
  context: LocalContext,
  to: string,
  options: OutputOptions,
  signal: AbortSignal,
): Promise<Omit<DescribedFile, "identity">> {
  const files = localFilesOf(context);
  const tags = parseRef(reference).tags();
  const path = localPath(tags[0] ?? "", files);
  const real = await readable(path, async () => {
    const allowed = await allowedPath(path, files);
    if ((await fileIdentity(allowed)) === undefined) throw refused(path, "a regular file");
    await access(allowed, constants.R_OK);
    return allowed;
  });
  return await writeOutput(to, options, async (copy) => {
    const id = await copyHashed(real, copy, 0o600, signal);
    const facts = await describeSif(copy, signal);
    const file = { path: copy, directory: dirname(to) };
    const judged = { what: reference, names: tags, from: real, file };
    await context.trust?.require(judged, signal);
    return { ...facts, id, path: to };
  });
}

/**
 * Records the file that `reference` means as an image of the store, without copying it.
 *
 * @throws as `describeLocalName`; what the policy refuses it with
 */
export async function recordLocalFile(
  store: Store,
  reference: string,
  context: LocalContext,
  signal: AbortSignal,
): Promise<StoredImage> {
  const tags = parseRef(reference).tags();
  const file = await describeLocalName(reference, localFilesOf(context), signal);
  const { path } = file;
  await context.trust?.require(
    { what: reference, names: tags, from: path, file: { path } },
    signal,
  );
  const now = context.now();
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
  context: LocalContext,
  signal: AbortSignal,
): Promise<StoredImage> {
  const files = localFilesOf(context);
  if (isLocalName(text)) {
    const path = await realIfThere(localPath(parseRef(text).tags()[0] ?? "", files));
    const known = image.localFiles.find((file) => file.path === path);
    if (known !== undefined && (await isUnchanged(known))) {
      await allowedPath(known.path, files);
      return image.origin === "local" ? { ...image, path: known.path } : image;
    }
    return await recordLocalFile(store, text, context, signal);
  }
  if (image.origin !== "local") return image;
  for (const file of image.localFiles) {
    if (!(await isUnchanged(file))) continue;
    await allowedPath(file.path, files);
    return { ...image, path: file.path };
  }
  for (const { path } of image.localFiles) {
    const file = await describedIfThere(path, files, signal);
    // The same bytes as they were when they were judged.
    if (file?.id !== image.id) continue;
    const { tags } = image.names;
    // Who may only read the store cannot note it, and need not.
    if (store.isReadOnly) return { ...image, path };
    const recorded = imageOfFile(file, image.source.reference, tags, context.now());
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
async function allowedPath(path: string, { directories, aliases }: LocalFiles): Promise<string> {
  if (directories === undefined) return await realpath(path);
  const places = [...directories, ...Object.values(aliases)];
  const real = await realIfThere(path);
  if (real === undefined) {
    // Nobody is told whether there is a file elsewhere.
    if (places.some((place) => path === place || isInside(path, place)))
      return await realpath(path);
    throw refusedPlace(path, directories);
  }
  const named = await Promise.all(Object.values(aliases).map(realIfThere));
  const roots = await Promise.all(directories.map(realIfThere));
  const root = named.includes(real)
    ? dirname(real)
    : roots.find((each) => each !== undefined && isInside(real, each));
  if (root === undefined) throw refusedPlace(path, directories);
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

function refusedPlace(path: string, directories: readonly string[]): PullError {
  const allowed = directories.length === 0 ? "" : ` in ${directories.join(" or ")}`;
  return refused(path, `a file${allowed} that the configuration allows`);
}

function refused(path: string, expected: string): PullError {
  return new PullError("LOCAL_FILE_REFUSED", `${path}: expected ${expected}`);
}
