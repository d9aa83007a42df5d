import type { Readable, Writable } from "node:stream";
import type { Limits, RunBeside } from "../base/index.ts";
import type { Surroundings } from "../config/index.ts";
import type { Host } from "../doctor/index.ts";
import type { HttpClient } from "../http/index.ts";
import type { NamedLibrary } from "../library/index.ts";
import type { PullContext } from "../pull/index.ts";
import type { Credentials } from "../registry/index.ts";
import type { Readers, Store } from "../store/index.ts";
import type { TransferLimits, Transfers } from "../transfer/index.ts";

/** Standard output or standard error: a stream that may be a terminal. */
export type TextStream = Writable & {
  readonly isTTY?: boolean;
  /** Width and height of the terminal, in characters. */
  readonly columns?: number;
  readonly rows?: number;
};

/** Standard input: a stream that may be a terminal. */
export type InputStream = Readable & {
  readonly isTTY?: boolean;
  /** Of a terminal: whether each key is handed on as it is, and not shown. */
  setRawMode?(isRaw: boolean): unknown;
};

/** A pull context with connections of its own, closed when it is disposed of. */
export interface OpenedContext extends PullContext, AsyncDisposable {
  /** What comes now, and what waits until it may. */
  readonly transfers: Pick<Transfers, "load">;
}

/** What is read to find the hosts of a registry. */
export interface HostsSettings {
  readonly directories: readonly string[];
  readonly obeyBlocked: boolean;
}

/** What of a pull context is configured. */
export interface ContextSettings {
  /** Hosts besides loopback that plain http may be spoken to. */
  readonly plainHttpHosts: readonly string[];
  readonly credentials: Credentials;
  /** Hosts of token services by the registries whose credentials they may see. */
  readonly tokenRealms: Readonly<Record<string, readonly string[]>>;
  readonly hosts: HostsSettings;
  /** By the hosts that references name. */
  readonly librarySettings: Readonly<Record<string, NamedLibrary>>;
  /** IP addresses and subnets that servers may name, besides public ones. */
  readonly serverNamedAddresses: readonly string[];
  readonly transfers: TransferLimits;
  /** How long a body may bring nothing. */
  readonly idleMs: number;
  /** Over any half minute; 0: any rate will do. */
  readonly minBytesPerSecond: number;
  readonly limits: Limits;
  readonly defaults: NonNullable<PullContext["defaults"]>;
  readonly localFiles: NonNullable<PullContext["localFiles"]>;
}

/** What of an HTTP client is configured. */
export type ClientSettings = Pick<ContextSettings, "plainHttpHosts" | "serverNamedAddresses">;

/** What a store is opened for, and who may read one that is made. */
export interface StoreAccess {
  readonly readOnly: boolean;
  readonly readers?: Readers;
}

/** What whoever runs a service says to it, and hears of it. */
export interface ServiceHost {
  readonly processId: number;
  /** Calls `reload` whenever the configuration is to be read again, until it is disposed of. */
  readonly onReload: (reload: () => void) => Disposable;
  /** Runs `systemd-notify`. */
  readonly notify: (words: readonly string[]) => Promise<void>;
  /**
   * Runs siflet in a process of its own, at the lowest priority.
   *
   * @returns its exit code and what it printed to standard output
   * @throws the signal's reason, when the process has ended
   */
  readonly runBeside: (words: readonly string[], signal: AbortSignal) => Promise<RunBeside>;
}

/** All that the command line knows of the process and the machine it runs on. */
export interface Environment extends Surroundings {
  /** Of siflet: `1.2.3`. */
  readonly version: string;
  /** Of the user whose rights the process has. */
  readonly userId: number;
  readonly groupId: number;
  /** Absent for a number that has no entry. */
  readonly userName: string | undefined;
  /** Of the processor, as Node says it: `x64`. */
  readonly architecture: string;
  /** Standard input, from which an archive or a password may come. */
  readonly stdin: InputStream;
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
  /** A client for servers that are no registries, closed when it is disposed of. */
  openClient(settings: ClientSettings): Promise<HttpClient>;
  readonly service: ServiceHost;
  /** The machine, for `siflet doctor` to look at. */
  openHost(): Promise<Host>;
}
