import type { Limits } from "../base/index.ts";
import type { Libraries, LibraryToken } from "../library/index.ts";
import type { PackCacheOptions } from "../packs/index.ts";
import type { Credentials, Registries } from "../registry/index.ts";
import type { Store } from "../store/index.ts";
import type { KnownCodecs, Platform, ProfileChoice, ProfileWish } from "../image/index.ts";
import type { ConversionSlots } from "./conversion-slots.ts";
import type { LocalFiles } from "./local-file.ts";
import type { OnPullEvent } from "./pull-events.ts";
import type { TrustGate } from "./trust-gate.ts";

/** Which layouts and archives a pull may name: any that this process can read. */
export interface ArchiveAccess {
  /** Absolute; paths that are not begin here. */
  readonly workingDirectory: string;
  /** Absent: an archive cannot come from there. */
  readonly standardInput?: ((signal: AbortSignal) => AsyncIterable<Uint8Array>) | undefined;
}

/** What an edge of the program makes once and every pull uses. */
export interface PullContext {
  readonly registries: Registries;
  /** Asked for when a name is one of a library: most pulls do without them. */
  readonly libraries: () => Promise<Libraries>;
  readonly limits: Limits;
  /** What is pulled when nobody says otherwise. */
  readonly hostPlatform: Platform;
  /** What is converted to when nobody says otherwise; absent: the usual. */
  readonly defaults?: ProfileChoice;
  /**
   * URL of the module of block compressors that images are converted with; absent: siflet's own.
   * What it makes is held to the golden vectors as those are.
   */
  readonly compressors?: string;
  /** What is known of the codecs of this process; absent: each conversion finds out for itself. */
  readonly codecs?: KnownCodecs;
  /** What a conversion waits for; absent: nothing. */
  readonly conversions?: ConversionSlots;
  /** Which files of this host may be named; absent: any, without aliases. */
  readonly localFiles?: LocalFiles;
  /** How layouts and archives of this host are read; absent: they are not. */
  readonly archives?: ArchiveAccess;
  /** Stores that an image is copied from before anything of it is fetched; the caller closes them. */
  readonly otherStores?: readonly Store[];
  /** Judges every image before it gets a name or becomes a file; absent: whoever calls does. */
  readonly trust?: TrustGate;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * What one caller wants of one pull; what is left out is the usual. Whoever names nothing of a
 * profile gets any image of the content that is there already, else one of the context's defaults.
 */
export interface PullOptions extends ProfileWish {
  readonly platform?: Platform | undefined;
  /** Compressing threads. */
  readonly jobs: number;
  /** Directory that large layers are spooled in; absent: beside the growing image. */
  readonly tmpDirectory?: string | undefined;
  /** Converted layers of earlier pulls; absent: none are used or kept. */
  readonly cache?: Pick<PackCacheOptions, "directory" | "maxBytes"> | undefined;
  /**
   * References, each with a tag, that an image of a layout or an archive gets instead of what it is
   * called there; absent: the names that stand there. An image of a registry has its own.
   */
  readonly names?: readonly string[] | undefined;
  /** In place of the context's; pulls that shall be one have the same object. */
  readonly credentials?: Credentials | undefined;
  /** Shown to the library of the reference in place of what is configured for it. */
  readonly libraryToken?: LibraryToken | undefined;
  readonly onEvent: OnPullEvent;
}
