import type { Descriptor, Platform } from "../image/index.ts";
import type { OpenedSource } from "./open-source.ts";
import type { PullContext, PullOptions } from "./pull-context.ts";
import { resolveImage, type ResolvedImage } from "./resolve-image.ts";

/** What a pull is for: the caller's platform, else this machine's. */
export function platformOf(options: PullOptions, context: PullContext): Platform {
  return options.platform ?? context.hostPlatform;
}

/** Reads the documents below `root`, and tells what is going to be fetched. */
export async function resolveAndTell(
  { source, what }: OpenedSource,
  root: Descriptor,
  context: PullContext,
  options: PullOptions,
  signal: AbortSignal,
): Promise<ResolvedImage> {
  const platform = platformOf(options, context);
  const image = await resolveImage(source, root, platform, what, context.limits, signal);
  const layers = image.layers.map(({ descriptor: { digest, size } }, index) => {
    return { index, digest, size };
  });
  options.onEvent({ kind: "resolved", digest: root.digest, layers });
  return image;
}
