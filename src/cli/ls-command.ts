import { openImageTree, type ImageFile, type ImageTree } from "../pull/index.ts";
import { ChunkedOutput } from "./chunked-output.ts";
import { escapedName } from "./escaped-name.ts";
import { fileJson, longColumns } from "./file-facts.ts";
import { findImageToUse, openStoreToLookInto } from "./session-store.ts";
import type { Session } from "./session.ts";

export interface LsFlags {
  readonly long?: boolean;
  readonly recursive?: boolean;
  readonly json?: boolean;
}

const SLASH = Buffer.from("/");
const NEWLINE = Buffer.from("\n");
const ARROW = Buffer.from(" -> ");

/** One file to list. */
interface Listed extends ImageFile {
  /** What is printed for it: its path below the directory that was asked for. */
  readonly name: Uint8Array;
}

/** `siflet ls`: the files of an image, read from its SIF. */
export async function lsCommand(
  text: string,
  path: string,
  flags: LsFlags,
  session: Session,
): Promise<void> {
  const { signal } = session;
  const { limits } = (await session.config()).values;
  await using store = await openStoreToLookInto(text, session);
  const { image } = await findImageToUse(store, text, session);
  await using opened = await openImageTree(image.path, limits, signal);
  const found = await opened.tree.stat(path, { follow: true }, signal);
  const files = listed(opened.tree, found, path, flags.recursive === true, signal);
  const output = new ChunkedOutput(session);
  await (flags.json === true
    ? printJson(files, opened.tree, output, session)
    : printLines(files, flags.long === true, output, session));
  await output.flush();
}

/** What is in a directory, or below it; anything else is listed itself, by the name it was given. */
async function* listed(
  tree: ImageTree["tree"],
  found: ImageFile,
  asked: string,
  isRecursive: boolean,
  signal: AbortSignal,
): AsyncGenerator<Listed, void, undefined> {
  const { inode, path } = found;
  if (inode.kind !== "directory") {
    yield { name: Buffer.from(asked), path: Buffer.concat([SLASH, path]), inode };
    return;
  }
  const prefix = path.length === 0 ? SLASH : Buffer.concat([SLASH, path, SLASH]);
  if (isRecursive) {
    for await (const file of tree.walk(inode, signal)) {
      if (file.path.length === 0) continue;
      const below = Buffer.concat([prefix, file.path]);
      yield { name: file.path, path: below, inode: file.inode };
    }
    return;
  }
  for await (const entry of tree.readdir(inode, signal)) {
    const below = Buffer.concat([prefix, entry.name]);
    yield { name: entry.name, path: below, inode: await tree.inodeOf(entry, signal) };
  }
}

async function printLines(
  files: AsyncIterable<Listed>,
  isLong: boolean,
  output: ChunkedOutput,
  session: Session,
): Promise<void> {
  // As it is where a program reads it: that opens the file by the name.
  const isTerminal = session.environment.stdout.isTTY === true;
  const shown = (bytes: Uint8Array): Uint8Array =>
    isTerminal ? Buffer.from(escapedName(bytes)) : bytes;
  for await (const { name, inode } of files) {
    if (session.isReaderGone) return;
    if (isLong) await output.add(`${longColumns(inode)} `);
    await output.add(shown(name));
    if (isLong && inode.kind === "symlink") {
      await output.add(Buffer.concat([ARROW, shown(inode.target)]));
    }
    await output.add(NEWLINE);
  }
}

async function printJson(
  files: AsyncIterable<Listed>,
  tree: ImageTree["tree"],
  output: ChunkedOutput,
  session: Session,
): Promise<void> {
  let separator = "[";
  for await (const { path, inode } of files) {
    if (session.isReaderGone) return;
    const xattrs = await tree.xattrs(inode, session.signal);
    await output.add(`${separator}${fileJson(path, inode, xattrs)}`);
    separator = ",\n";
  }
  await output.add(separator === "[" ? "[]\n" : "]\n");
}
