import { execFile } from "node:child_process";
import { access, constants, open, readdir, stat, statfs } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";
import type { FileSystemFacts, Host, PathFacts } from "./host.ts";

const MAX_FILE_BYTES = 8 * 1024 * 1024;
const VERSION_TIMEOUT_MS = 5000;
const MAX_VERSION_BYTES = 64 * 1024;

/** What the host cannot find out by itself. */
export type HostIdentity = Pick<
  Host,
  "variables" | "userId" | "kernelRelease" | "nodeVersion" | "nodeFlags"
>;

/** The machine that we run on. */
export function systemHost(identity: HostIdentity): Host {
  return {
    ...identity,
    read: (path) => orUndefined(readSmall(path)),
    list: (path) => orUndefined(readdir(path)),
    facts: (path) => orUndefined(factsOf(path)),
    mayWrite: (path) => isAllowed(path, constants.W_OK),
    fileSystem: (path) => orUndefined(fileSystemOf(path)),
    find: (program) => findOnPath(program, identity.variables["PATH"] ?? ""),
    versionOf,
  };
}

async function orUndefined<T>(promise: Promise<T>): Promise<NonNullable<T> | undefined> {
  try {
    return (await promise) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Files of /proc do not tell their size. */
async function readSmall(path: string): Promise<Uint8Array | undefined> {
  await using file = await open(path);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of file.createReadStream({ autoClose: false, end: MAX_FILE_BYTES })) {
    const bytes: Uint8Array = chunk as Buffer;
    chunks.push(bytes);
    length += bytes.length;
  }
  return length > MAX_FILE_BYTES ? undefined : Buffer.concat(chunks);
}

async function factsOf(path: string): Promise<PathFacts> {
  const found = await stat(path);
  const kind = found.isFile() ? "file" : found.isDirectory() ? "directory" : "other";
  return { kind, size: found.size, mode: found.mode & 0o7777, owner: found.uid };
}

async function fileSystemOf(path: string): Promise<FileSystemFacts> {
  const { type, bsize, bavail, blocks } = await statfs(path);
  // f_type is a signed word on some architectures.
  return { type: type >>> 0, freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}

async function isAllowed(path: string, mode: number): Promise<boolean> {
  try {
    await access(path, mode);
    return true;
  } catch {
    return false;
  }
}

async function findOnPath(program: string, path: string): Promise<string | undefined> {
  // An empty or relative entry is the working directory, whose programs we do not run.
  for (const directory of path.split(delimiter).filter(isAbsolute)) {
    const file = join(directory, program);
    const facts = await orUndefined(factsOf(file));
    // As a shell does: where one cannot be run, a later directory may have one that can.
    if (facts?.kind === "file" && (await isAllowed(file, constants.X_OK))) return file;
  }
  return undefined;
}

async function versionOf(path: string, signal: AbortSignal): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const child = execFile(
    path,
    ["--version"],
    { signal, timeout: VERSION_TIMEOUT_MS, killSignal: "SIGKILL", maxBuffer: MAX_VERSION_BYTES },
    (error, stdout) => {
      resolve(error === null ? stdout : undefined);
    },
  );
  child.stdin?.end();
  const text = await promise;
  signal.throwIfAborted();
  return text;
}
