import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { copyHashed, isErrno } from "../base/index.ts";
import {
  ContentError,
  digestHex,
  formatPlatform,
  ImageError,
  normalizePlatform,
  type Descriptor,
  type BlobSource,
  type Platform,
} from "../image/index.ts";
import type { Publication } from "../store/index.ts";
import { describeSif, type SifFacts } from "./describe-sif.ts";
import { fetchFile } from "./fetch-file.ts";
import { isInterruption } from "./interruption.ts";
import { isDeliveredAnew } from "./or-once-more.ts";
import type { Partials } from "./partials.ts";
import type { PulledName } from "./publication-of.ts";
import type { OnPullEvent } from "./pull-events.ts";
import { outputError } from "./pull-error.ts";
import { requireFreeBytes } from "./require-room.ts";
import type { ResolvedSif } from "./resolve-image.ts";

/** Smaller files are not worth being taken up again. */
const KEPT_BYTES = 16 * 1024 * 1024;
const CONTENT_KEY = /^sif ([0-9a-f]{64})$/;

export interface FetchSifOptions {
  /** Where the file goes; in the file system that it stays in. */
  readonly directory: string;
  /** What earlier pulls could not finish; absent: nothing is kept. */
  readonly partials?: Partials | undefined;
  /** The image, as messages name it. */
  readonly what: string;
  readonly platform: Platform;
  readonly onEvent: OnPullEvent;
}

/** A SIF file as its source has it, checked and yet to be published. */
export interface FetchedSif extends SifFacts {
  readonly path: string;
  /** SHA-256: 64 lower-case hex digits. */
  readonly id: string;
}

/** What is recorded as the content of an artifact: the file, which is never converted. */
export function sifContentKey({ digest }: Descriptor): string {
  return `sif ${digestHex(digest)}`;
}

/** The file that a recorded content is; undefined for one that is converted. */
export function sifIdOf(contentKey: string): string | undefined {
  return CONTENT_KEY.exec(contentKey)?.[1];
}

/**
 * Fetches a SIF artifact's file as it is: size, digest, what the file says of itself and the platform
 * are checked, and not a byte is changed.
 *
 * @throws ContentError; SifError for what is no SIF; ImageError `PLATFORM_NOT_FOUND` for one of another
 *   architecture, `OCI_SIF`; PullError `NO_SPACE`, `OUTPUT_FAILED`
 * @see registry.md §11
 */
export async function fetchSif(
  { file }: ResolvedSif,
  source: BlobSource,
  options: FetchSifOptions,
  signal: AbortSignal,
): Promise<FetchedSif> {
  const { directory, what, platform, onEvent } = options;
  const path = join(directory, "image.sif");
  try {
    const partials = file.size > KEPT_BYTES ? options.partials : undefined;
    await using kept = await partials?.open(file, "sif");
    await requireFreeBytes(directory, file.size - (kept?.bytes ?? 0), what);
    const place = kept ?? { path, bytes: 0 };
    await fetchChecked(file, source, place, options, signal);
    if (place.path !== path) await move(place.path, path, signal);
  } catch (error) {
    throw outputError(directory, error);
  }
  onEvent({ kind: "layer-done", layer: 0 });
  const facts = await describeSif(path, signal);
  requirePlatform(facts.platform, platform, what);
  return { ...facts, path, id: digestHex(file.digest) };
}

/** Fetches to `place`, and anew from the beginning where what came or was there is not the file. */
async function fetchChecked(
  file: Descriptor,
  source: BlobSource,
  place: { readonly path: string; readonly bytes: number },
  { what, onEvent }: FetchSifOptions,
  signal: AbortSignal,
): Promise<void> {
  const fetchFrom = async (from: number): Promise<void> => {
    const resumed = from === 0 ? {} : { resumed: from };
    const onBytes = (bytes: number): void => {
      onEvent({ kind: "fetched", layer: 0, bytes, ...resumed });
    };
    try {
      await fetchFile(file, source, place.path, { what, from, onBytes }, signal);
    } catch (error) {
      if (!isInterruption(error, signal)) await rm(place.path, { force: true });
      throw error;
    }
  };
  try {
    await fetchFrom(place.bytes);
  } catch (error) {
    if (!(error instanceof ContentError)) throw error;
    if (place.bytes === 0 && !isDeliveredAnew(source)) throw error;
    await fetchFrom(0);
  }
}

async function move(from: string, to: string, signal: AbortSignal): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!isErrno(error, "EXDEV")) throw error;
    await copyHashed(from, to, 0o600, signal);
    await rm(from);
  }
}

function requirePlatform(have: Platform, wanted: Platform, what: string): void {
  const [own, want] = [normalizePlatform(have), normalizePlatform(wanted)];
  if (own.architecture === want.architecture) return;
  throw new ImageError(
    "PLATFORM_NOT_FOUND",
    `${what} is for ${formatPlatform(own)}, expected ${formatPlatform(want)}`,
  );
}

/** What the store is told of a fetched file. */
export function sifPublicationOf(
  { reference, host, isUnverified, root, names, manifest, now }: PulledName,
  { manifestDigest, file }: ResolvedSif,
  sif: FetchedSif,
): Publication {
  return {
    file: sif.path,
    id: sif.id,
    size: sif.size,
    names,
    origin: "sif",
    platform: sif.platform,
    ...(sif.ociConfigJson === undefined ? {} : { ociConfigJson: sif.ociConfigJson }),
    source: {
      reference,
      ...(host === undefined ? {} : { host }),
      ...(isUnverified ? { unverified: true } : {}),
      ...(manifestDigest !== undefined && {
        ...(manifestDigest !== root.digest && { indexDigest: root.digest }),
        manifestDigest,
      }),
      layers: [],
    },
    createdAt: now,
    ...(host === undefined ? { sideLoaded: true } : {}),
    ...(manifest === undefined
      ? {}
      : { manifest: { ...manifest, contentKey: sifContentKey(file) } }),
  };
}
