import { connect } from "node:net";
import process from "node:process";
import { isErrno } from "./errno.ts";

/** What nobody but the owner may do anything with, of a socket. */
const PRIVATE_UMASK = 0o177;

/**
 * Whether somebody listens at the unix socket `path`; false as well where there is none.
 *
 * @throws errors of the system, such as one of missing rights
 */
export async function isAnswered(path: string): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const socket = connect({ path });
  socket.on("connect", () => {
    resolve(true);
  });
  socket.on("error", (error) => {
    if (isErrno(error, "ECONNREFUSED", "ENOENT")) resolve(false);
    // It listens, and has more to do than it can answer.
    else if (isErrno(error, "EAGAIN")) resolve(true);
    else reject(error);
  });
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}

/**
 * Does `bind`, which makes a socket before it returns, so that nobody but the owner can connect: the kernel
 * takes the mode from the umask.
 */
export function boundPrivately<Result>(bind: () => Result): Result {
  const before = process.umask(PRIVATE_UMASK);
  try {
    return bind();
  } finally {
    process.umask(before);
  }
}
