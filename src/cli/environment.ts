import type { Writable } from "node:stream";
import type { PullContext } from "../pull/index.ts";
import type { Store } from "../store/index.ts";

/** Standard output or standard error: a stream that may be a terminal. */
export type TextStream = Writable & {
  readonly isTTY?: boolean;
  /** Width and height of the terminal, in characters. */
  readonly columns?: number;
  readonly rows?: number;
};

/** A pull context with connections of its own, closed when it is disposed of. */
export interface OpenedContext extends PullContext, AsyncDisposable {}

/** All that the command line knows of the process and the machine it runs on. */
export interface Environment {
  /** Of siflet: `1.2.3`. */
  readonly version: string;
  /** Environment variables. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  readonly homeDirectory: string;
  /** Whether the process has root's rights. */
  readonly isRoot: boolean;
  /** Threads that can run at the same time. */
  readonly parallelism: number;
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Opens the store in `directory`, making it where there is none unless it is only read. */
  openStore(directory: string, access: { readonly readOnly: boolean }): Promise<Store>;
  /** @param plainHttpHosts - hosts besides loopback that plain http may be spoken to */
  openContext(plainHttpHosts: readonly string[]): Promise<OpenedContext>;
}
