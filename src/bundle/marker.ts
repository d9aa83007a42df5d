import { constants } from "node:fs";
import { open, writeFile, type FileHandle } from "node:fs/promises";
import { isErrno } from "../base/index.ts";
import { isRecord, parseStrictJson } from "../image/index.ts";
import { BundleError } from "./bundle-error.ts";

/** The file that makes a directory a bundle of ours: written first, removed last. */
export const MARKER_NAME = "siflet-bundle.json";

/** What is to be given back when a bundle is deleted. */
export interface Marker {
  /** Of the image: 64 lower-case hex digits. */
  readonly image: string;
  /** Who borrows it. */
  readonly borrower: string;
  /** Absolute path of the store that it is in. */
  readonly store: string;
  /** Where the bundle was made, and the number of that directory: a copy of it has neither. */
  readonly directory: string;
  readonly inode: string;
}

const FORMAT = 1;
const MAX_BYTES = 64 * 1024;
const MODE = 0o600;

/** Writes the marker of a new bundle, durably. */
export async function writeMarker(path: string, marker: Marker): Promise<void> {
  const text = `${JSON.stringify({ format: FORMAT, ...marker }, undefined, 2)}\n`;
  await writeFile(path, text, { flag: "wx", mode: MODE, flush: true });
}

/**
 * Reads the marker at `path`.
 *
 * @param uid - whose it must be: others could have us act on what they wrote
 * @throws BundleError `BUNDLE_NOT_OURS`
 */
export async function readMarker(path: string, uid: number): Promise<Marker> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    const found = await file.stat();
    if (!found.isFile() || found.size > MAX_BYTES) throw notOurs(path, "is no marker of a bundle");
    if (found.uid !== uid) throw notOurs(path, `belongs to user ${found.uid}`);
    return parseMarker(await contentOf(file), path);
  } catch (error) {
    if (isErrno(error, "ENOENT")) throw notOurs(path, "is not there", error);
    if (isErrno(error, "ELOOP")) throw notOurs(path, "is a symbolic link", error);
    throw error;
  }
}

async function contentOf(file: FileHandle): Promise<Uint8Array> {
  const buffer = Buffer.alloc(MAX_BYTES);
  const { bytesRead } = await file.read(buffer, 0, MAX_BYTES, 0);
  return buffer.subarray(0, bytesRead);
}

function parseMarker(bytes: Uint8Array, path: string): Marker {
  let value: unknown;
  try {
    value = parseStrictJson(bytes, path);
  } catch (error) {
    throw notOurs(path, "is no marker of a bundle", error);
  }
  if (!isRecord(value)) throw notOurs(path, "is no marker of a bundle");
  const { format, image, borrower, store, directory, inode } = value;
  if (format !== FORMAT) throw notOurs(path, "was written by another version of siflet");
  const fields = { image, borrower, store, directory, inode };
  if (!isMarker(fields)) throw notOurs(path, "is no marker of a bundle");
  return fields;
}

function isMarker(fields: Readonly<Record<keyof Marker, unknown>>): fields is Marker {
  return Object.values(fields).every((field) => typeof field === "string" && field !== "");
}

function notOurs(path: string, why: string, cause?: unknown): BundleError {
  const message = `${path} ${why}: this directory is no bundle of ours, and stays as it is`;
  return new BundleError("BUNDLE_NOT_OURS", message, { cause });
}
