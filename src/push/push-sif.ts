import { open } from "node:fs/promises";
import { inOneChunk } from "../base/index.ts";
import {
  MEDIA_TYPES,
  repositoryName,
  SIF_CONFIG,
  type Descriptor,
  type Digest,
  type ImageName,
} from "../image/index.ts";
import type { BlobBytes, Registries } from "../registry/index.ts";
import { SIF_CONFIG_BYTES, sifManifest } from "./sif-manifest.ts";

/** A SIF file to be pushed; it was hashed and read before. */
export interface SifToPush {
  readonly path: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** What clients that pull it may call it: `app.sif`. */
  readonly title: string;
  /** Another repository of the target's registry that may have the file. */
  readonly mountFrom?: string;
}

export interface PushOptions {
  /** Told how many bytes of the file are at the registry. */
  readonly onSent: (bytes: number) => void;
}

/** What was pushed. */
export interface PushedSif {
  /** Of the artifact's manifest. */
  readonly descriptor: Descriptor;
  /** `registry.example/team/app@sha256:…`. */
  readonly name: string;
  /** Whether the registry had the file already. */
  readonly wasThere: boolean;
}

/**
 * Pushes a SIF file as an OCI artifact, as Singularity and Apptainer pull it by `oras://`: the file and
 * an empty configuration first, then the manifest under the tag of `name`.
 *
 * @param name - with a tag
 * @throws RegistryError, HttpError, ContentError, and what hosts and credentials throw
 * @see registry.md §1.6, §11
 */
export async function pushSif(
  sif: SifToPush,
  name: ImageName,
  registries: Registries,
  { onSent }: PushOptions,
  signal: AbortSignal,
): Promise<PushedSif> {
  const { tag } = name;
  if (tag === undefined) throw new Error(`${repositoryName(name)}: no tag to push to`);
  const target = registries.openTarget(name);
  const { mountFrom, path, digest, size, title } = sif;
  const file: BlobBytes = {
    descriptor: { mediaType: MEDIA_TYPES.sifLayer, digest, size },
    read: (from, to) => readPart(path, from, to),
  };
  const config: BlobBytes = {
    descriptor: SIF_CONFIG,
    read: (from, to) => inOneChunk(SIF_CONFIG_BYTES.subarray(from, to)),
  };
  const from = mountFrom === undefined ? {} : { from: mountFrom };
  const wasSent = await target.putBlob(file, { ...from, onSent }, signal);
  await target.putBlob(config, {}, signal);
  const { descriptor, bytes } = sifManifest(sif, title);
  await target.putManifest(tag, descriptor, bytes, signal);
  const named = `${repositoryName(name)}@${descriptor.digest}`;
  return { descriptor, name: named, wasThere: !wasSent };
}

/** The bytes of a file from `from` on, to but not including `to`. */
export async function* readPart(path: string, from: number, to: number): AsyncIterable<Uint8Array> {
  await using file = await open(path, "r");
  const stream: AsyncIterable<Uint8Array> = file.createReadStream({
    start: from,
    end: to - 1,
    autoClose: false,
    highWaterMark: 1024 * 1024,
  });
  yield* stream;
}
