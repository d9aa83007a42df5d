import type { Digest, ImageName, OciConfig, Profile } from "../image/index.ts";
import { loadConversion } from "./load-conversion.ts";
import { inRoom } from "./make-room.ts";
import { openSource } from "./open-source.ts";
import { finishOutput, placeFile } from "./place-file.ts";
import type { PullContext, PullOptions } from "./pull-context.ts";
import { conversionChoice, spoolDirectory } from "./pull-options.ts";
import { resolveAndTell } from "./resolve-and-tell.ts";
import { makeScratchDirectory } from "./scratch-directory.ts";

/** A SIF that was pulled to where the caller wanted it. */
export interface PulledFile {
  /** SHA-256 of the file: 64 lower-case hex digits. */
  readonly id: string;
  /** Bytes. */
  readonly size: number;
  readonly path: string;
  readonly profile: Profile;
  readonly config: OciConfig;
  /** What was asked for. */
  readonly name: ImageName;
  /** What that meant: digest of an index or a manifest. */
  readonly rootDigest: Digest;
}

/**
 * Pulls `reference` to a file, without a store. The file appears whole, when it is on stable
 * storage; beside it stands one hidden directory while the pull runs.
 *
 * @param nameOf - the file's path, given the id; in the same file system as `directory`
 * @param options.force - replaces a file that is there already
 * @throws PullError `OUTPUT_EXISTS`, `OUTPUT_FAILED`, `NO_SPACE`, and as `pullToStore`
 */
export async function pullToFile(
  directory: string,
  nameOf: (id: string) => string,
  reference: string,
  context: PullContext,
  options: PullOptions & { readonly force: boolean },
  signal: AbortSignal,
): Promise<PulledFile> {
  const opened = openSource(reference, context);
  const { source, what } = opened;
  const root = await source.resolve(signal);
  const image = await resolveAndTell(opened, root, context, options, signal);
  const { convertImage, LayerReuse, requireRoomToConvert } = await loadConversion();
  const reuse = LayerReuse.of(options.cache, undefined, source, context);
  return await inRoom(reuse?.cache, async () => {
    await using scratch = await makeScratchDirectory(directory, context.now());
    await using spool = await spoolDirectory(options.tmpDirectory, scratch.path);
    const choice = conversionChoice(options, context);
    await requireRoomToConvert(image, { choice, directory: scratch.path, reuse, what });
    const file = await convertImage(
      image,
      source,
      {
        choice,
        compressors: context.compressors,
        jobs: options.jobs,
        limits: context.limits,
        what,
        directory: scratch.path,
        spoolDirectory: spool.path,
        tmpDirectory: options.tmpDirectory,
        reuse,
        onEvent: options.onEvent,
      },
      signal,
    );
    await finishOutput(file.path);
    const path = nameOf(file.id);
    await placeFile(file.path, path, options);
    return {
      id: file.id,
      size: file.size,
      path,
      profile: file.profile,
      config: image.config.config,
      name: opened.name,
      rootDigest: root.digest,
    };
  });
}
