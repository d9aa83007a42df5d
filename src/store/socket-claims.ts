import { isErrno } from "../base/index.ts";
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { link, open, readdir, unlink, type FileHandle } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { ClaimDriver, Held } from "./claims.ts";
import type { DatabaseClient } from "./database-client.ts";
import { listenOn } from "./listen-on.ts";
import { StoreError, storeFailure } from "./store-error.ts";
import { waitFor } from "./wait-for.ts";

/** Bytes of `sun_path` in Linux's sockaddr_un, less the final zero. */
const MAX_SOCKET_PATH = 107;

/** Bytes of the longest name that is made here. */
const MAX_NAME = 40;

const SOCKET_NAME = /^[0-9a-f]+\.(?:sock|new)$/;

/** How soon to look again where the kernel gives nothing to wait for. */
const RETRY_MS = 20;

/**
 * Claims by listening unix sockets. Whoever listens under the name of a key holds it; the kernel
 * closes the socket when its process dies, which everyone connected to it hears at once.
 *
 * Three rules make that exclusive. A name is made only by `link` from a socket that already
 * listens, which fails where the name is taken. A live holder takes its own name away before it
 * stops listening. And the name of a dead socket is taken away only by one who holds the reaper's
 * lock file and has found it dead while holding it: without that lock, of two processes that saw
 * the same dead socket the slower one would take away the name of the faster one's live socket.
 */
export class SocketClaims implements ClaimDriver {
  readonly #directory: string;
  readonly #client: DatabaseClient;
  /** What stands for `#directory` in socket paths. */
  readonly #prefix: string;
  readonly #handle: FileHandle | undefined;
  readonly #held = new Set<Held>();

  private constructor(
    directory: string,
    client: DatabaseClient,
    prefix: string,
    handle: FileHandle | undefined,
  ) {
    this.#directory = directory;
    this.#client = client;
    this.#prefix = prefix;
    this.#handle = handle;
  }

  /** @param client - keeps the reaper's lock file, in `directory` as the sockets are */
  static async open(directory: string, client: DatabaseClient): Promise<SocketClaims> {
    if (Buffer.byteLength(directory) + 1 + MAX_NAME <= MAX_SOCKET_PATH) {
      return new SocketClaims(directory, client, directory, undefined);
    }
    try {
      // The path is too long for a socket; that of an open descriptor of it never is.
      const handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
      return new SocketClaims(directory, client, `/proc/self/fd/${handle.fd}`, handle);
    } catch (error) {
      throw storeFailure(error, directory);
    }
  }

  /** Whether the file system of `directory` carries what claims by sockets need. */
  static async worksIn(directory: string, client: DatabaseClient): Promise<boolean> {
    try {
      const claims = await SocketClaims.open(directory, client);
      try {
        const held = await claims.tryHold(randomBytes(16).toString("hex"));
        return held !== undefined;
      } finally {
        await claims.close();
      }
    } catch (error) {
      if (error instanceof StoreError && error.code === "STORE_UNAVAILABLE") return false;
      throw error;
    }
  }

  async tryHold(name: string): Promise<Held | undefined> {
    while (true) {
      switch (await this.#probe(`${name}.sock`)) {
        case "live":
          return undefined;
        case "dead":
          await this.#reap(`${name}.sock`);
          break;
        case "absent": {
          const held = await this.#hold(`${name}.sock`);
          if (held !== undefined) return held;
        }
      }
    }
  }

  async waitFree(name: string, signal: AbortSignal): Promise<void> {
    const queue = { isFull: false };
    await waitFor((resolve, reject) => {
      const socket = connect({ path: this.#path(`${name}.sock`) });
      socket.on("error", (error) => {
        if (isErrno(error, "EAGAIN")) queue.isFull = true;
        // Absent, dead, or died while we waited: all worth a look.
        else if (!isErrno(error, "ENOENT", "ECONNREFUSED", "ECONNRESET", "EPIPE")) {
          reject(storeFailure(error, this.#path(name)));
        }
      });
      socket.on("close", resolve);
      socket.resume();
      return () => {
        socket.destroy();
      };
    }, signal);
    // More wait than the kernel keeps: no connection that could tell us of the end.
    if (queue.isFull) await delay(RETRY_MS);
  }

  /** Takes away what dead processes left. Claims of live ones are not disturbed. */
  async sweep(): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      if (!SOCKET_NAME.test(name)) continue;
      if ((await this.#probe(name)) === "dead") await this.#reap(name);
    }
  }

  async close(): Promise<void> {
    for (const held of [...this.#held]) await held.release();
    await this.#handle?.close();
  }

  /** Takes the name by the link of a socket that listens; undefined where it is taken by now. */
  async #hold(name: string): Promise<Held | undefined> {
    const fresh = `${randomBytes(8).toString("hex")}.new`;
    const listener = await listenOn(this.#path(fresh));
    try {
      await link(join(this.#directory, fresh), join(this.#directory, name));
    } catch (error) {
      await listener.close();
      // ENOENT: a sweep met the socket in the moment before it listened.
      if (isErrno(error, "EEXIST", "ENOENT")) return undefined;
      throw storeFailure(error, this.#directory);
    } finally {
      await this.#remove(fresh);
    }
    const held: Held = {
      release: async () => {
        if (!this.#held.delete(held)) return;
        try {
          await this.#remove(name);
        } finally {
          await listener.close();
        }
      },
    };
    this.#held.add(held);
    return held;
  }

  async #probe(name: string): Promise<"live" | "dead" | "absent"> {
    const { promise, resolve, reject } = Promise.withResolvers<"live" | "dead" | "absent">();
    const socket = connect({ path: this.#path(name) });
    socket.on("connect", () => {
      resolve("live");
    });
    socket.on("error", (error) => {
      if (isErrno(error, "EAGAIN", "ECONNRESET")) resolve("live");
      else if (isErrno(error, "ECONNREFUSED")) resolve("dead");
      else if (isErrno(error, "ENOENT")) resolve("absent");
      else reject(storeFailure(error, this.#path(name)));
    });
    try {
      return await promise;
    } finally {
      socket.destroy();
    }
  }

  async #reap(name: string): Promise<void> {
    const path = join(this.#directory, "reaper.lock");
    while (!(await this.#client.call("tryLock", { path }))) await delay(RETRY_MS);
    try {
      if ((await this.#probe(name)) === "dead") await this.#remove(name);
    } finally {
      await this.#client.call("unlock", { path, forget: false });
    }
  }

  async #remove(name: string): Promise<void> {
    try {
      await unlink(join(this.#directory, name));
    } catch (error) {
      if (!isErrno(error, "ENOENT")) throw storeFailure(error, this.#directory);
    }
  }

  #path(name: string): string {
    return join(this.#prefix, name);
  }
}
