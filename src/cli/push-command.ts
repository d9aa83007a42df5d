import { basename, resolve } from "node:path";
import { hashFile, isErrno } from "../base/index.ts";
import {
  ContentError,
  formatImageName,
  ImageError,
  imageNameOf,
  isFilePath,
  isLibraryName,
  parseDigest,
  type ImageName,
} from "../image/index.ts";
import { describeSif, type SifFacts } from "../pull/index.ts";
import { pushSif, type PushedSif, type SifToPush } from "../push/index.ts";
import type { StoredImage } from "../store/index.ts";
import { usageError } from "./cli-error.ts";
import { contextSettings } from "./context-settings.ts";
import { credentialsOf } from "./credentials-of.ts";
import { formatSize } from "./format.ts";
import { configWith } from "./login-command.ts";
import { printable } from "./printable.ts";
import { openProgress } from "./progress.ts";
import { defaultFile } from "./pull-request.ts";
import type { LoginFlags } from "./read-login.ts";
import { findImageToUse, openStoreToUse } from "./session-store.ts";
import type { Session } from "./session.ts";
import { formatTable } from "./table.ts";

const SCHEME = "oras://";

export interface PushFlags extends LoginFlags {
  readonly authfile?: string;
  readonly plainHttp?: readonly string[];
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly library?: string;
}

/** `siflet push`: puts a SIF file into a registry or a library. */
export async function pushCommand(
  image: string,
  target: string,
  flags: PushFlags,
  session: Session,
): Promise<void> {
  if (isLibraryName(target)) {
    const { pushToLibraryCommand } = await import("./push-to-library.ts");
    await pushToLibraryCommand(image, target, flags, session);
    return;
  }
  if (flags.library !== undefined) throw usageError("--library: expected library:// as target");
  const name = targetOf(target);
  const config = await configWith(flags, session);
  const sif = await sifToPush(image, name, session);
  const credentials = await credentialsOf("push", target, flags, config, session);
  const settings = contextSettings(config, credentials);
  await using context = await session.environment.openContext(settings);
  const pushed = await pushWithProgress(sif, name, context.registries, flags, session);
  await session.print(
    flags.json === true ? `${JSON.stringify(jsonOf(sif, pushed))}\n` : textOf(sif, pushed),
  );
}

/** @throws CliError `USAGE`; ImageError `REFERENCE_INVALID` */
function targetOf(target: string): ImageName {
  if (!target.startsWith(SCHEME)) {
    throw usageError(
      `push: expected ${SCHEME}HOST/NAME:TAG or library://E/C/N:TAG as target, got ${JSON.stringify(target)}`,
    );
  }
  const name = imageNameOf(target);
  if (name.digest !== undefined) {
    throw usageError("push: expected a target without a digest, which what is pushed has itself");
  }
  return { ...name, tag: name.tag ?? "latest" };
}

/** A SIF file to be pushed, with what it says of itself. */
export interface PushableSif extends SifToPush {
  readonly facts: Pick<SifFacts, "isSigned" | "isEncrypted"> & { readonly architecture: string };
}

/**
 * The file that is meant by a path, or by a name or an id of the store.
 *
 * @param name - where it goes; absent: into no registry
 */
export async function sifToPush(
  image: string,
  name: ImageName | undefined,
  session: Session,
): Promise<PushableSif> {
  return isFilePath(image)
    ? await fileToPush(image, session)
    : await imageToPush(image, name, session);
}

/** A file anywhere, hashed and looked into: what is no SIF is no image to push. */
async function fileToPush(file: string, { environment, signal }: Session): Promise<PushableSif> {
  const path = resolve(environment.workingDirectory, file);
  try {
    const id = await hashFile(path, signal);
    const { size, facts } = await describe(path, signal);
    const digest = parseDigest(`sha256:${id}`);
    return { path, digest, size, facts, title: basename(path) };
  } catch (error) {
    if (!isErrno(error, "ENOENT", "ENOTDIR")) throw error;
    throw new ImageError("NOT_FOUND", `${path}: no such file`, { cause: error });
  }
}

async function describe(
  path: string,
  signal: AbortSignal,
): Promise<Pick<PushableSif, "size" | "facts">> {
  const { size, platform, isSigned, isEncrypted } = await describeSif(path, signal);
  return { size, facts: { architecture: platform.architecture, isSigned, isEncrypted } };
}

/** An image of the store, whose file is hashed again: a disk may have changed it. */
async function imageToPush(
  text: string,
  name: ImageName | undefined,
  session: Session,
): Promise<PushableSif> {
  await using opened = await openStoreToUse(session);
  const { store, image } = await findImageToUse(opened, text, session);
  const { id, path, size } = image;
  const got = await hashFile(path, session.signal);
  if (got !== id) {
    throw new ContentError("CONTENT_DIGEST_MISMATCH", `${path}: expected sha256 ${id}, got ${got}`);
  }
  await store.touch(id);
  const { facts } = await describe(path, session.signal);
  const mountFrom = name && repositoryIn(name.domain, image);
  return {
    path,
    digest: parseDigest(`sha256:${id}`),
    size,
    facts,
    title: name === undefined ? basename(path) : defaultFile(name),
    ...(mountFrom === undefined ? {} : { mountFrom }),
  };
}

/** The repository of `domain` that a finished SIF came from. */
function repositoryIn(domain: string, { origin, source }: StoredImage): string | undefined {
  if (origin !== "sif" || source.host !== domain || isLibraryName(source.reference))
    return undefined;
  return imageNameOf(source.reference).repository;
}

async function pushWithProgress(
  sif: SifToPush,
  name: ImageName,
  registries: Parameters<typeof pushSif>[2],
  { quiet = false }: PushFlags,
  session: Session,
): Promise<PushedSif> {
  const { digest, size } = sif;
  using progress = await openProgress(formatImageName(name), session, { quiet });
  const { onEvent } = progress;
  onEvent({ kind: "resolved", digest, layers: [{ index: 0, digest, size }] });
  const onSent = (bytes: number): void => {
    onEvent({ kind: "fetched", layer: 0, bytes });
  };
  const pushed = await pushSif(sif, name, registries, { onSent }, session.signal);
  onEvent({ kind: "layer-done", layer: 0 });
  return pushed;
}

function jsonOf({ digest: file, size }: SifToPush, pushed: PushedSif): object {
  const { name, descriptor, wasThere } = pushed;
  return { name, digest: descriptor.digest, file, size, wasThere };
}

function textOf({ size, path }: SifToPush, { name, wasThere }: PushedSif): string {
  return (
    `${printable(name)}\n` +
    formatTable([
      ["  file", printable(path)],
      ["  size", formatSize(size)],
      ["  sent", wasThere ? "nothing, the registry had the file" : formatSize(size)],
      ["  pull", printable(`siflet pull ${SCHEME}${name}`)],
    ])
  );
}
