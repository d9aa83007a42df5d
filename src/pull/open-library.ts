import {
  formatLibraryName,
  ImageError,
  libraryNameOf,
  type Descriptor,
  type LibraryName,
} from "../image/index.ts";
import type { Names } from "../store/index.ts";
import type { OpenedSource } from "./open-source.ts";
import type { PullContext, PullOptions } from "./pull-context.ts";
import { platformOf } from "./resolve-and-tell.ts";
import type { ScratchDirectory } from "./scratch-directory.ts";
import { spoolUnverified } from "./spool-unverified.ts";

/**
 * Looks up the image that `reference` names in a library, for the platform that is pulled. Where the
 * library may leave out of what bytes it is, these are fetched now.
 *
 * @param spoolIn - makes a directory for such bytes; used only while this runs
 * @throws as `Libraries.find`; ImageError `REFERENCE_INVALID`; and as `spoolUnverified`
 */
export async function openLibrary(
  reference: string,
  context: PullContext,
  options: PullOptions,
  spoolIn: () => Promise<ScratchDirectory>,
  signal: AbortSignal,
): Promise<OpenedSource> {
  const name = libraryNameOf(reference);
  const what = formatLibraryName(name);
  if (options.names !== undefined) {
    const message = `${what}: expected no other names for an image of a library`;
    throw new ImageError("REFERENCE_INVALID", message);
  }
  const { architecture } = platformOf(options, context);
  const warn = (message: string): void => {
    options.onEvent({ kind: "warning", message });
  };
  const wish = { architecture, token: options.libraryToken, warn };
  const libraries = await context.libraries();
  const found = await libraries.find(name, wish, signal);
  const place = { what, repository: name.path, async [Symbol.asyncDispose]() {} };
  const names = (root: Descriptor): Names => namesOf(name, root);
  switch (found.kind) {
    case "file":
      return { ...place, ...found, names };
    case "image":
      // A hash in a library is that of a SIF, and no manifest has one.
      return { ...place, ...found, names: () => ({ tags: [what], digests: [] }) };
    case "unverified": {
      const { limits } = context;
      const spooled = await spoolUnverified(found, { what, limits, spoolIn }, signal);
      // Of one whose sha256 was known, by its name or by the library, only the size was not told.
      const isUnverified = found.digest === undefined;
      if (isUnverified) {
        warn(`${what}: the library does not say of what bytes it is; it came unverified`);
      }
      return { ...place, ...spooled, kind: "file", names, isUnverified };
    }
  }
}

function namesOf(name: LibraryName, { digest }: Descriptor): Names {
  const byHash = { ...name, tag: digest.replace(":", ".") };
  return {
    tags: name.digest === undefined ? [formatLibraryName(name)] : [],
    digests: [formatLibraryName(byHash)],
  };
}
