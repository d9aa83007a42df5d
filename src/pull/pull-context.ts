import type { Limits } from "../base/index.ts";
import type { HttpClient } from "../http/index.ts";
import type { PackCacheOptions } from "../packs/index.ts";
import type { Authenticator } from "../registry/index.ts";
import type { Store } from "../store/index.ts";
import type { Platform, ProfileChoice, ProfileWish } from "../image/index.ts";
import type { LocalFiles } from "./local-file.ts";
import type { OnPullEvent } from "./pull-events.ts";

/** What an edge of the program makes once and every pull uses. */
export interface PullContext {
  readonly client: HttpClient;
  /** Keeps what registries gave this client to answer their challenges with. */
  readonly authenticator: Authenticator;
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
  /** Which files of this host may be named; absent: any, without aliases. */
  readonly localFiles?: LocalFiles;
  /** Stores that an image is copied from before anything of it is fetched; the caller closes them. */
  readonly otherStores?: readonly Store[];
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
  readonly onEvent: OnPullEvent;
}
