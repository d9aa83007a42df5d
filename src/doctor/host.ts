import { dirname } from "node:path";

/** What is at a path; links are followed. */
export interface PathFacts {
  readonly kind: "file" | "directory" | "other";
  /** Bytes. */
  readonly size: number;
  /** Permission bits. */
  readonly mode: number;
  /** Id of the user that it belongs to. */
  readonly owner: number;
}

/** The file system that a path lies on. */
export interface FileSystemFacts {
  /** Magic number of statfs(2), 32 bits without sign. */
  readonly type: number;
  /** Bytes that we may still write. */
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/**
 * The machine, as far as the doctor looks at it. Nothing here changes anything, and what is not
 * there, or not ours to see, is undefined instead of an error.
 */
export interface Host {
  /** Environment variables. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Whose rights we have. */
  readonly userId: number;
  /** `uname -r`. */
  readonly kernelRelease: string;
  /** `24.21.0` */
  readonly nodeVersion: string;
  /** Options that Node was started with, by whatever way. */
  readonly nodeFlags: readonly string[];
  /** The bytes of a file of at most 8 MiB. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** Names in a directory. */
  list(path: string): Promise<readonly string[] | undefined>;
  facts(path: string): Promise<PathFacts | undefined>;
  /** Whether we may write the file, or make files in the directory. */
  mayWrite(path: string): Promise<boolean>;
  fileSystem(path: string): Promise<FileSystemFacts | undefined>;
  /** Absolute path of a program on PATH. */
  find(program: string): Promise<string | undefined>;
  /** What the program at `path` prints with `--version`; undefined where it fails or hangs. */
  versionOf(path: string, signal: AbortSignal): Promise<string | undefined>;
}

/** The text of a small file. */
export async function readText(host: Host, path: string): Promise<string | undefined> {
  const bytes = await host.read(path);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString();
}

/** Those of `paths` that are there. */
export async function presentOf(host: Host, paths: readonly string[]): Promise<string[]> {
  const present: string[] = [];
  for (const path of paths) if ((await host.facts(path)) !== undefined) present.push(path);
  return present;
}

/** `path`, or the directory above it that is there. */
export async function nearestPresent(host: Host, path: string): Promise<string> {
  const parent = dirname(path);
  if (parent === path || (await host.facts(path)) !== undefined) return path;
  return await nearestPresent(host, parent);
}
