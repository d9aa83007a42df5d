import type { Descriptor, Platform } from "../image/index.ts";
import type { OpenedSource } from "./open-source.ts";
import type { PullContext, PullOptions } from "./pull-context.ts";
import { resolveImage, type ResolvedImage, type ResolvedSif } from "./resolve-image.ts";

/** What a pull is for: the caller's platform, else this machine's. */
export function platformOf(options: PullOptions, context: PullContext): Platform {
  return options.platform ?? context.hostPlatform;
}

async function resolveOpened(
  opened: OpenedSource,
  root: Descriptor,
  context: PullContext,
  options: PullOptions,
  signal: AbortSignal,
): Promise<ResolvedImage | ResolvedSif> {
  if (opened.kind === "file") {
    return { kind: "sif", root, manifestDigest: undefined, file: opened.file };
  }
  const { source, what } = opened;
  const platform = platformOf(options, context);
  return await resolveImage(source, root, platform, what, context.limits, signal);
}

/** Reads the documents below `root`, and tells what is going to be fetched. */
export async function resolveAndTell(
  opened: OpenedSource,
  root: Descriptor,
  context: PullContext,
  options: PullOptions,
  signal: AbortSignal,
): Promise<ResolvedImage | ResolvedSif> {
  const image = await resolveOpened(opened, root, context, options, signal);
  const blobs = image.kind === "sif" ? [image.file] : image.layers.map((layer) => layer.descriptor);
  const layers = blobs.map(({ digest, size }, index) => ({ index, digest, size }));
  options.onEvent({ kind: "resolved", digest: root.digest, layers });
  return image;
}
