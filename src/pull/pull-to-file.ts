import type { BlobSource, OciConfig, Profile } from "../image/index.ts";
import { ociConfigOf, type Names } from "../store/index.ts";
import { Acceptance } from "./acceptance.ts";
import { convertResolved } from "./convert-resolved.ts";
import { loadConversion } from "./load-conversion.ts";
import { inRoom } from "./make-room.ts";
import { openSource, rootOf } from "./open-source.ts";
import type { Partials } from "./partials.ts";
import { finishOutput, placeFile } from "./place-file.ts";
import type { PullContext, PullOptions } from "./pull-context.ts";
import { ownDirectory } from "./pull-options.ts";
import { fetchSif } from "./pull-sif.ts";
import { platformOf, resolveAndTell } from "./resolve-and-tell.ts";
import { namesOf } from "./trust-gate.ts";
import { makeScratchDirectory, type ScratchDirectory } from "./scratch-directory.ts";

/** A SIF that was pulled to where the caller wanted it. */
export interface PulledFile {
  /** SHA-256 of the file: 64 lower-case hex digits. */
  readonly id: string;
  /** Bytes. */
  readonly size: number;
  readonly path: string;
  /** `layers`: converted here; `sif`: taken as it is. */
  readonly origin: "layers" | "sif";
  /** What it was converted with. */
  readonly profile: Profile | undefined;
  /** Absent where the file holds none. */
  readonly config: OciConfig | undefined;
  /** Those that a store would record. */
  readonly names: Names;
  /** What it was pulled by. */
  readonly from: string;
  /** What a store would keep of signatures beside it, by name. */
  readonly kept: ReadonlyMap<string, string>;
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
  const spoolIn = async (): Promise<ScratchDirectory> =>
    options.tmpDirectory === undefined
      ? await makeScratchDirectory(directory, context.now())
      : await ownDirectory(options.tmpDirectory);
  await using opened = await openSource(reference, context, options, spoolIn, signal);
  const { source, what } = opened;
  const root = await rootOf(opened, signal);
  const image = await resolveAndTell(opened, root, context, options, signal);
  const place = async (file: { readonly path: string; readonly id: string }): Promise<string> => {
    await finishOutput(file.path);
    signal.throwIfAborted();
    const path = nameOf(file.id);
    await placeFile(file.path, path, options);
    return path;
  };
  const names = opened.names(root);
  const acceptance = new Acceptance(context.trust, opened, namesOf(names), options.onEvent);
  acceptance.resolved(image);
  if (image.kind === "sif") {
    await using scratch = await makeScratchDirectory(directory, context.now());
    const platform = platformOf(options, context);
    const { onEvent } = options;
    const partials = await partialsOf(source, context, options);
    const how = { directory: scratch.path, partials, what, platform, onEvent };
    const sif = await fetchSif(image, source, how, signal);
    await acceptance.requireFile({ path: sif.path, directory }, signal);
    const path = await place(sif);
    const { id, size } = sif;
    const about = { from: what, kept: acceptance.kept, names };
    const config = ociConfigOf(sif);
    return { id, size, path, origin: "sif", profile: undefined, config, ...about };
  }
  await acceptance.requireConverted(signal);
  const { LayerReuse } = await loadConversion();
  const reuse = LayerReuse.of(options.cache, undefined, source, context);
  return await inRoom(reuse?.cache, async () => {
    await using scratch = await makeScratchDirectory(directory, context.now());
    const at = { directory: scratch.path, reuse };
    const file = await convertResolved(image, opened, at, context, options, signal);
    const path = await place(file);
    return {
      id: file.id,
      size: file.size,
      path,
      origin: "layers",
      profile: file.profile,
      config: image.config.config,
      names,
      from: what,
      kept: acceptance.kept,
    };
  });
}

/** Where a file that does not come to its end is kept; undefined without a cache. */
async function partialsOf(
  source: BlobSource,
  context: PullContext,
  options: PullOptions,
): Promise<Partials | undefined> {
  const { cache, tmpDirectory } = options;
  if (cache === undefined || tmpDirectory !== undefined) return undefined;
  const { LayerReuse } = await loadConversion();
  return LayerReuse.of(cache, undefined, source, context)?.partials;
}
