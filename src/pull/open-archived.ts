import { resolve } from "node:path";
import { openArchive } from "../archive/index.ts";
import { realPath } from "../base/index.ts";
import {
  formatArchiveInput,
  formatImageName,
  ImageError,
  parseArchiveInput,
  STANDARD_INPUT,
  storeTagOf,
  type ArchiveInput,
} from "../image/index.ts";
import { openNameless } from "./nameless-file.ts";
import type { OpenedSource } from "./open-source.ts";
import type { PullContext, PullOptions } from "./pull-context.ts";
import { outputError } from "./pull-error.ts";
import type { ScratchDirectory } from "./scratch-directory.ts";

/**
 * Opens the layout or archive that `reference` names. An archive proves no digest of a registry, so its
 * images have tags alone.
 *
 * @param spoolIn - makes a directory for what cannot be read as it is; used only while this runs
 * @throws as `openArchive`; ImageError `REFERENCE_TRANSPORT` where archives are not read; PullError
 *   `OUTPUT_FAILED`, `NO_SPACE`
 */
export async function openArchived(
  reference: string,
  { archives, limits }: PullContext,
  { names, onEvent }: PullOptions,
  spoolIn: () => Promise<ScratchDirectory>,
  signal: AbortSignal,
): Promise<OpenedSource> {
  if (archives === undefined) {
    const message = `${reference}: expected an image of a registry; archives are not read here`;
    throw new ImageError("REFERENCE_TRANSPORT", message);
  }
  const input = await placed(parseArchiveInput(reference), archives.workingDirectory);
  const given = names?.map(tagOf);
  let spoolPlace = "";
  const archive = await openArchive(
    input,
    {
      limits,
      warn: (message) => {
        onEvent({ kind: "warning", message });
      },
      async openSpool() {
        await using directory = await spoolIn();
        spoolPlace = directory.path;
        return await openNameless(directory.path);
      },
      standardInput: archives.standardInput,
    },
    signal,
  ).catch((error: unknown) => {
    throw outputError(spoolPlace, error);
  });
  return {
    kind: "image",
    source: archive.source,
    what: formatArchiveInput(input),
    repository: undefined,
    names: () => ({ tags: given ?? archive.names.map(formatImageName), digests: [] }),
    [Symbol.asyncDispose]: () => archive[Symbol.asyncDispose](),
  };
}

/**
 * Whatever directory is the current one later, and in whatever log it stands: one place. It is read at the
 * path that it is judged by.
 */
async function placed(input: ArchiveInput, workingDirectory: string): Promise<ArchiveInput> {
  if (input.path === STANDARD_INPUT) return input;
  return { ...input, path: await realPath(resolve(workingDirectory, input.path)) };
}

/** @throws ImageError `REFERENCE_INVALID` */
function tagOf(name: string): string {
  const tag = storeTagOf(name);
  if (tag !== undefined) return tag;
  throw new ImageError("REFERENCE_INVALID", `${name}: expected a name without a digest`);
}
