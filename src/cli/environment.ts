import type { Writable } from "node:stream";
import type { Limits } from "../base/index.ts";
import type { Surroundings } from "../config/index.ts";
import type { Host } from "../doctor/index.ts";
import type { PullContext } from "../pull/index.ts";
import type { Readers, Store } from "../store/index.ts";

/** Standard output or standard error: a stream that may be a terminal. */
export type TextStream = Writable & {
  readonly isTTY?: boolean;
  /** Width and height of the terminal, in characters. */
  readonly columns?: number;
  readonly rows?: number;
};

/** A pull context with connections of its own, closed when it is disposed of. */
export interface OpenedContext extends PullContext, AsyncDisposable {}

/** What of a pull context is configured. */
export interface ContextSettings {
  /** Hosts besides loopback that plain http may be spoken to. */
  readonly plainHttpHosts: readonly string[];
  readonly limits: Limits;
  readonly defaults: NonNullable<PullContext["defaults"]>;
  readonly localFiles: NonNullable<PullContext["localFiles"]>;
}

/** What a store is opened for, and who may read one that is made. */
export interface StoreAccess {
  readonly readOnly: boolean;
  readonly readers?: Readers;
}

/** All that the command line knows of the process and the machine it runs on. */
export interface Environment extends Surroundings {
  /** Of siflet: `1.2.3`. */
  readonly version: string;
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /**
   * Starts the thread that a store runs in, and returns when it is on its way: what is loaded next
   * is loaded beside it. `openStore` is to follow soon.
   */
  expectStore(): Promise<void>;
  /** Opens the store in `directory`, making it where there is none unless it is only read. */
  openStore(directory: string, access: StoreAccess): Promise<Store>;
  openContext(settings: ContextSettings): Promise<OpenedContext>;
  /** The machine, for `siflet doctor` to look at. */
  openHost(): Promise<Host>;
}
