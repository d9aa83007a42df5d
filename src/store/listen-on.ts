import { createServer, type Socket } from "node:net";
import { storeFailure } from "./store-error.ts";

/** Waiters that the kernel keeps while our event loop is busy; cut to `net.core.somaxconn`. */
const BACKLOG = 4096;

/** A unix socket that listens, answers nothing, and keeps no process alive. */
export interface Listener {
  /** Stops listening and closes every connection. */
  close(): Promise<void>;
}

/**
 * Makes the socket `path`, of at most 107 bytes, and listens on it.
 *
 * @throws StoreError `NO_SPACE`, `STORE_READ_ONLY` or `STORE_UNAVAILABLE`
 */
export async function listenOn(path: string): Promise<Listener> {
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    socket.unref();
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
    // A peer that dies is no business of ours; unheard it would end this process.
    socket.on("error", () => socket.destroy());
    socket.resume();
  });
  server.unref();
  await new Promise<void>((resolve, reject) => {
    server.on("error", (error) => {
      reject(storeFailure(error, path));
    });
    // Root and the owner of a store wait for each other: the directory says who may come here.
    const everyone = { readableAll: true, writableAll: true };
    server.listen({ path, backlog: BACKLOG, exclusive: true, ...everyone }, resolve);
  });
  return {
    async close() {
      await new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
        for (const socket of connections) socket.destroy();
      });
    },
  };
}
