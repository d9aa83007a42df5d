import type { Limits } from "../base/index.ts";
import type { Compression, Layout, Owners, Platform } from "../image/index.ts";
import type { OnPullEvent } from "../pull/index.ts";

/** A call that can be stopped. */
export interface Stoppable {
  /** What was begun is removed when it aborts, and the call throws its reason. */
  readonly signal?: AbortSignal;
}

/** How images come to this machine. Everything has a usual value. */
export interface SourceSettings {
  /** `HOST[:PORT]` of registries that speak plain http; loopback ones need not be named. */
  readonly plainHttp?: readonly string[];
  readonly limits?: Partial<Limits>;
  /** Which SIF files of this host `local.file` may name; absent: any that can be read. */
  readonly localDirectories?: readonly string[];
  /** Absolute paths of SIF files by what stands behind `local.file/`. */
  readonly localAliases?: Readonly<Record<string, string>>;
}

/** What one pull may ask for; everything has a usual value. */
export interface PullWish extends Stoppable {
  /** Absent: Linux on this machine's architecture. */
  readonly platform?: Platform;
  /** Absent: any that is there already, else gzip, which every runtime reads. */
  readonly compression?: Compression;
  /** Absent: any that is there already, else as the image says. */
  readonly owners?: Owners;
  /**
   * What is added to the image's files: for SingularityCE and Apptainer what they look for
   * (`runtime`), for runtimes that only need the OCI configuration nothing (`plain`). Absent: any
   * that is there already, else `runtime`.
   */
  readonly layout?: Layout;
  /** Compressing threads; absent: one for each core, 8 at most. */
  readonly jobs?: number;
  /** Directory that layers over 16 MiB are spooled in; absent: beside the result. */
  readonly tmpDirectory?: string;
  readonly onProgress?: OnPullEvent;
}
