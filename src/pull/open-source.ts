import { formatImageName, imageNameOf, type ImageName, type ImageSource } from "../image/index.ts";
import { openRegistrySource } from "../registry/index.ts";
import type { PullContext } from "./pull-context.ts";

/** A reference as it was read, with the place that it is pulled from. */
export interface OpenedSource {
  readonly name: ImageName;
  readonly source: ImageSource;
  /** The canonical name, for messages and records. */
  readonly what: string;
}

/**
 * Opens the source that `reference` names.
 *
 * @throws ImageError `REFERENCE_INVALID`, or `REFERENCE_TRANSPORT` for one that is not pulled from
 *   a registry
 */
export function openSource(reference: string, context: PullContext): OpenedSource {
  const name = imageNameOf(reference);
  const { client, authenticator, limits } = context;
  return {
    name,
    source: openRegistrySource({ name, client, authenticator, limits }),
    what: formatImageName(name),
  };
}
