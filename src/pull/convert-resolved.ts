import type { ConvertedFile } from "./convert-image.ts";
import type { LayerReuse } from "./layer-reuse.ts";
import { loadConversion } from "./load-conversion.ts";
import type { OpenedSource } from "./open-source.ts";
import type { PullContext, PullOptions } from "./pull-context.ts";
import { conversionChoice, spoolDirectory } from "./pull-options.ts";
import type { ResolvedImage } from "./resolve-image.ts";

/** Bytes of blobs that are worth one more compressing thread. */
const BYTES_PER_JOB = 2 * 1024 * 1024;

/** Where a conversion works. */
interface ConversionPlace {
  /** The file grows here. */
  readonly directory: string;
  readonly reuse: LayerReuse | undefined;
}

/**
 * Converts `image` with what the context and the caller chose, once there is a place and room for it.
 *
 * @throws as `requireRoomToConvert` and `convertImage`
 */
export async function convertResolved(
  image: ResolvedImage,
  { source, what }: Pick<OpenedSource, "source" | "what">,
  { directory, reuse }: ConversionPlace,
  context: PullContext,
  options: PullOptions,
  signal: AbortSignal,
): Promise<ConvertedFile> {
  const { bytesToConvert, convertImage, requireRoomToConvert } = await loadConversion();
  const choice = conversionChoice(options, context);
  const bytes = await bytesToConvert(image, { reuse, choice });
  using _place = await context.conversions?.take(bytes, signal);
  await using spool = await spoolDirectory(options.tmpDirectory, directory);
  await requireRoomToConvert(image, { choice, directory, reuse, what });
  return await convertImage(
    image,
    source,
    {
      choice,
      compressors: context.compressors,
      codecs: context.codecs,
      jobs: jobsFor(bytes, options.jobs),
      limits: context.limits,
      what,
      directory,
      spoolDirectory: spool.path,
      tmpDirectory: options.tmpDirectory,
      reuse,
      onEvent: options.onEvent,
    },
    signal,
  );
}

/** As many compressing threads as there is work for: starting one costs more than a small layer does. */
function jobsFor(bytes: number, most: number): number {
  return Math.max(1, Math.min(most, Math.ceil(bytes / BYTES_PER_JOB)));
}
