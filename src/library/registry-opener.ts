import type { Secret } from "../base/index.ts";
import type { Descriptor, ImageName, ImageSource } from "../image/index.ts";

/** An image in a registry that a library sends us to. */
export interface NamedRegistry {
  /** Where the registry is, with a slash at the end; its API begins at `v2/` below. */
  readonly base: URL;
  /** Its domain is the host of `base`. */
  readonly name: ImageName;
  /** A ready bearer token for the registry; undefined: nothing is shown. */
  readonly token: Secret | undefined;
  /** PEM certificates that it may be proved by, besides the usual ones. */
  readonly ca?: readonly string[];
  /** The URL of the server that named it: it is connected to only where that one might send us. */
  readonly namedBy: URL;
}

/** A repository to be written to. */
export interface RegistryTarget {
  /**
   * Puts a blob there, unless it is there.
   *
   * @param blob.read - the bytes from `from` on, to but not including `to`; may be asked more than once
   * @param options.onSent - told how many bytes are there
   * @returns whether bytes had to be sent
   */
  putBlob(
    blob: {
      readonly descriptor: Descriptor;
      read(from: number, to: number): AsyncIterable<Uint8Array>;
    },
    options: { readonly onSent?: (bytes: number) => void },
    signal: AbortSignal,
  ): Promise<boolean>;

  /** Puts a manifest or an index there, under a tag. */
  putManifest(
    tag: string,
    descriptor: Descriptor,
    bytes: Uint8Array,
    signal: AbortSignal,
  ): Promise<void>;
}

/** Who reads images of registries, and writes to them. */
export interface RegistryOpener {
  openNamed(place: NamedRegistry): ImageSource;
  openNamedTarget(place: NamedRegistry): RegistryTarget;
}
