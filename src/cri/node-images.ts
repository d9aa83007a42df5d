import type { GivenCredentials } from "../credentials/index.ts";
import type { PullContext, PullOptions, SharedPulls } from "../pull/index.ts";
import type { Store } from "../store/index.ts";

/** What of a pull is different for one runtime handler. */
export type HandlerOptions = Pick<PullOptions, "platform" | "compression" | "owners" | "layout">;

/** How images come to a node, as the configuration has it; a reload makes another one. */
export interface ImageSources {
  /** Pulls that may be one: those of another configuration never are. */
  readonly pulls: SharedPulls;
  readonly context: PullContext;
  /** Makes what comes with a request into credentials. */
  readonly given: GivenCredentials;
  readonly defaults: Pick<PullOptions, "jobs" | "cache" | "tmpDirectory">;
  /** Blobs, or parts of them, that come now, and that wait until they may. */
  readonly transferLoad: () => { readonly running: number; readonly waiting: number };
  /** Names and patterns of images that count as pinned. */
  readonly pins: readonly string[];
  /** Kubernetes' runtime handlers that pulls may name, besides the usual one, which has no name. */
  readonly runtimeHandlers: ReadonlyMap<string, HandlerOptions>;
  /** Key of the annotation that says for which platform a pull is; undefined: none does. */
  readonly platformAnnotation: string | undefined;
  /** Of all settings, `sha256:…`: equal where they are. */
  readonly configDigest: string;
}

/** The images of a node, and what is needed to serve them. */
export interface NodeImages {
  readonly store: Store;
  /**
   * The same store, opened to be read: a thread of its own, so that no look-up waits until a write is on
   * the disk.
   */
  readonly reader: Store;
  /** Those in force now. */
  readonly sources: () => ImageSources;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}
