import { createHash } from "node:crypto";
import { connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { isErrno } from "./errno.ts";

/** How soon to look again where the kernel gives nothing to wait for. */
const RETRY_MS = 20;

/**
 * Waits until no other process of this machine has the turn at `key`, and takes it.
 *
 * Whoever listens on the abstract unix socket that is named after the key has the turn. The kernel
 * frees such a name when its process dies, however it dies, and no file is left that a later process
 * could take for a live one's. The price: containers with networks of their own and other machines
 * do not see the name, and any user can take it. So a turn keeps those apart who play fair, nobody
 * waits for one without end, and what is done in it must be safe without it.
 *
 * @param maxWaitMs - after this time it is done without the turn
 * @returns what gives the turn back when it is disposed of
 * @throws the signal's reason when aborted
 */
export async function takeTurn(
  key: string,
  maxWaitMs: number,
  signal: AbortSignal,
): Promise<AsyncDisposable> {
  const path = `\0siflet-${createHash("sha256").update(key).digest("hex")}`;
  const patience = AbortSignal.timeout(maxWaitMs);
  const either = AbortSignal.any([signal, patience]);
  while (!either.aborted) {
    const turn = await tryTurn(path);
    if (turn !== undefined) return turn;
    await waitFree(path, either);
  }
  signal.throwIfAborted();
  return NO_TURN;
}

const NO_TURN: AsyncDisposable = { [Symbol.asyncDispose]: () => Promise.resolve() };

/** @returns undefined where somebody has the turn */
async function tryTurn(path: string): Promise<AsyncDisposable | undefined> {
  const waiting = new Set<Socket>();
  const server = createServer((socket) => {
    waiting.add(socket);
    socket.on("close", () => waiting.delete(socket));
    // One that dies while it waits; unheard it would end this process.
    socket.on("error", () => socket.destroy());
    socket.resume();
  });
  try {
    await listen(server, path);
  } catch (error) {
    // Where sockets are forbidden there are no turns.
    return isErrno(error, "EADDRINUSE") ? undefined : NO_TURN;
  }
  return {
    async [Symbol.asyncDispose]() {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      server.close(() => {
        resolve(undefined);
      });
      for (const socket of waiting) socket.destroy();
      await promise;
    },
  };
}

async function listen(server: Server, path: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  server.on("error", reject);
  server.listen({ path, exclusive: true }, () => {
    resolve(undefined);
  });
  await promise;
}

/** Waits until whoever has the turn closes what we connect to, or `signal` is aborted. */
async function waitFree(path: string, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ path });
  let isConnected = false;
  socket.on("connect", () => (isConnected = true));
  // The end of the process, or none there any more; `close` follows.
  socket.on("error", () => undefined);
  socket.on("close", () => {
    resolve(isConnected);
  });
  socket.resume();
  const stop = (): void => {
    socket.destroy();
  };
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  const wasConnected = await promise;
  signal.removeEventListener("abort", stop);
  // More wait than the kernel keeps, or the other one ended just now.
  if (!wasConnected && !signal.aborted) await delay(RETRY_MS);
}
