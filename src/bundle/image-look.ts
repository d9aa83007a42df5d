import { CodedError, type Limits } from "../base/index.ts";
import { openImageTree, type ImageFile, type ImageTree } from "../pull/index.ts";
import { BundleError } from "./bundle-error.ts";

/** What is at a path of an image. */
export interface ImagePlace {
  /** Absolute, without links. */
  readonly path: string;
  readonly isDirectory: boolean;
  /** Of a directory: whether nothing is in it. */
  readonly isEmpty: boolean;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** The files of an image, as far as a bundle looks at them. */
export interface ImageLook {
  /** Links are followed inside the image; undefined where nothing is there. */
  find(path: string): Promise<ImagePlace | undefined>;
  /** A file as text; undefined where there is none. */
  text(path: string): Promise<string | undefined>;
}

/** Real ones have some kilobytes. */
const MAX_TEXT_BYTES = 4 * 1024 * 1024;

const ABSENT = ["PATH_NOT_FOUND", "PATH_WRONG_TYPE", "PATH_LINK_LOOP"];

/**
 * Hands `use` a look into the SIF at `path`, read without mounting it: no path of an image is ever
 * followed on the host.
 *
 * @throws what `openImageTree` and its tree throw; BundleError `BUNDLE_USER` for an enormous text
 */
export async function lookIntoImage<Result>(
  path: string,
  limits: Limits,
  use: (look: ImageLook) => Promise<Result>,
  signal: AbortSignal,
): Promise<Result> {
  await using opened = await openImageTree(path, limits, signal);
  const { tree } = opened;
  return await use({
    find: (name) => orAbsent(findPlace(tree, name, signal)),
    text: (name) => orAbsent(readText(tree, name, signal)),
  });
}

type Tree = ImageTree["tree"];

async function findPlace(tree: Tree, name: string, signal: AbortSignal): Promise<ImagePlace> {
  const { path, inode } = await tree.stat(name, { follow: true }, signal);
  return {
    path: `/${Buffer.from(path).toString()}`,
    isDirectory: inode.kind === "directory",
    isEmpty: inode.kind === "directory" && (await isEmpty(tree, inode, signal)),
    mode: inode.mode & 0o7777,
    uid: inode.uid,
    gid: inode.gid,
  };
}

type Directory = Extract<ImageFile["inode"], { readonly kind: "directory" }>;

async function isEmpty(tree: Tree, inode: Directory, signal: AbortSignal): Promise<boolean> {
  for await (const _entry of tree.readdir(inode, signal)) return false;
  return true;
}

async function readText(tree: Tree, name: string, signal: AbortSignal): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of tree.read(name, {}, signal)) {
    length += chunk.length;
    if (length > MAX_TEXT_BYTES) {
      const message = `the image's ${name}: expected at most ${MAX_TEXT_BYTES} bytes, got more`;
      throw new BundleError("BUNDLE_USER", `${message}; give --user UID:GID`);
    }
    // Chunks are shared with the tree's caches.
    chunks.push(Uint8Array.from(chunk));
  }
  return Buffer.concat(chunks).toString();
}

async function orAbsent<Result>(answer: Promise<Result>): Promise<Result | undefined> {
  try {
    return await answer;
  } catch (error) {
    const code: unknown = error instanceof CodedError ? error.code : undefined;
    if (ABSENT.some((absent) => absent === code)) return undefined;
    throw error;
  }
}
