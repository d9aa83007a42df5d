import { randomBytes } from "node:crypto";
import { chmodSync, chownSync } from "node:fs";
import { lstat, readdir, rename, rm, stat } from "node:fs/promises";
import type { Server } from "node:net";
import { basename, dirname, join } from "node:path";
import { boundPrivately, isAnswered, isErrno, makeDirectories, takeTurn } from "../base/index.ts";
import { DaemonError } from "./daemon-error.ts";

/** Where a daemon listens. */
export type SocketPlace =
  | {
      readonly kind: "path";
      /** Absolute. */
      readonly path: string;
      /** Number of the group that may speak to it; absent: the process's own. */
      readonly groupId?: number | undefined;
    }
  /** A socket that somebody opened for us, and that stays when we go. */
  | { readonly kind: "inherited"; readonly descriptor: number };

/** Longer ones the kernel does not take. */
const MAX_PATH_BYTES = 107;
const TURN_MS = 10_000;
/** Who owns it and its group may speak to it. */
const SOCKET_MODE = 0o660;
const DIRECTORY_MODE = 0o750;
/** What stands behind the name of a socket until it has its own. */
const FRESH_ENDING = /^[0-9a-f]{8}$/;

/**
 * Lets `server` listen. A socket with a path is bound under another name, gets its group and mode, and then
 * its own name: whoever connects finds one that works, or the one before. One that nobody listens at any more
 * is replaced.
 *
 * @returns removes the socket, unless it is another's by now
 * @throws DaemonError `DAEMON_RUNNING`, `DAEMON_SOCKET`; the signal's reason when aborted
 */
export async function listen(
  server: Server,
  place: SocketPlace,
  signal: AbortSignal,
): Promise<AsyncDisposable> {
  if (place.kind === "inherited") {
    await bind(server, { fd: place.descriptor }, `descriptor ${place.descriptor}`);
    return { [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const { path } = place;
  const fresh = join(dirname(path), `.${basename(path)}.${randomBytes(4).toString("hex")}`);
  if (Buffer.byteLength(fresh) > MAX_PATH_BYTES) {
    const most = MAX_PATH_BYTES - Buffer.byteLength(fresh) + Buffer.byteLength(path);
    throw new DaemonError("DAEMON_SOCKET", `${path}: expected a path of at most ${most} bytes`);
  }
  await using _turn = await takeTurn(`daemon ${path}`, TURN_MS, signal);
  try {
    await makeDirectory(dirname(path), place.groupId);
    await requireFree(path);
    await sweep(path);
    await boundPrivately(() => bind(server, { path: fresh }, fresh));
    chownSync(fresh, -1, place.groupId ?? -1);
    chmodSync(fresh, SOCKET_MODE);
    const identity = await identityOf(fresh);
    await rename(fresh, path);
    return {
      async [Symbol.asyncDispose]() {
        if ((await identityOf(path)) === identity) await rm(path, { force: true });
      },
    };
  } catch (error) {
    // One that listens already would keep the process from ending.
    server.close();
    await rm(fresh, { force: true });
    throw socketError(path, error);
  }
}

async function makeDirectory(directory: string, groupId: number | undefined): Promise<void> {
  const first = await makeDirectories(directory, DIRECTORY_MODE);
  if (first === undefined) return;
  chmodSync(directory, DIRECTORY_MODE);
  chownSync(directory, -1, groupId ?? -1);
}

/** Removes the sockets of those who were killed before theirs had its own name. */
async function sweep(path: string): Promise<void> {
  const directory = dirname(path);
  const prefix = `.${basename(path)}.`;
  for (const name of await readdir(directory)) {
    if (!name.startsWith(prefix) || !FRESH_ENDING.test(name.slice(prefix.length))) continue;
    const fresh = join(directory, name);
    const isStale = (await lstat(fresh)).isSocket() && !(await isAnswered(fresh));
    if (isStale) await rm(fresh, { force: true });
  }
}

/** @throws DaemonError where somebody answers at `path`, or it is no socket */
async function requireFree(path: string): Promise<void> {
  try {
    if (!(await lstat(path)).isSocket()) {
      throw new DaemonError("DAEMON_SOCKET", `${path}: expected a socket or nothing, got a file`);
    }
  } catch (error) {
    if (isErrno(error, "ENOENT")) return;
    throw error;
  }
  if (await isAnswered(path)) {
    throw new DaemonError("DAEMON_RUNNING", `${path}: somebody listens there already`);
  }
}

async function bind(
  server: Server,
  where: { readonly path: string } | { readonly fd: number },
  called: string,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  server.once("error", reject);
  server.listen({ ...where, exclusive: true }, () => {
    resolve(undefined);
  });
  try {
    await promise;
  } catch (error) {
    throw socketError(called, error);
  } finally {
    server.off("error", reject);
  }
}

/** What tells one socket from another; undefined where there is none. */
async function identityOf(path: string): Promise<string | undefined> {
  try {
    const { dev, ino, birthtimeMs } = await stat(path);
    return [dev, ino, birthtimeMs].join();
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}

function socketError(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || !("syscall" in error)) return error;
  return new DaemonError("DAEMON_SOCKET", `${path}: cannot listen: ${error.message}`, {
    cause: error,
  });
}
