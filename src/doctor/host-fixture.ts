import { basename, dirname } from "node:path";
import type { FileSystemFacts, Host, PathFacts } from "./host.ts";

const NAMESPACE = "/proc/self/ns/user";

/** What a fake machine has; everything that is left out is not there. */
export interface Machine {
  /** Files by path. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** Permission bits of directories and of files that are not 0644. */
  readonly modes?: Readonly<Record<string, number>>;
  readonly directories?: readonly string[];
  /** Of all that we may not write; everything else we may. */
  readonly readOnly?: readonly string[];
  /** The only file system. */
  readonly fileSystem?: FileSystemFacts;
  /** What programs in /usr/bin print with `--version`; undefined for one that fails. */
  readonly programs?: Readonly<Record<string, string | undefined>>;
  readonly variables?: Host["variables"];
  readonly node?: { readonly version: string; readonly flags: readonly string[] };
}

/** A machine that is made up, and that notes what was run on it. */
export interface FakeHost extends Host {
  readonly ran: readonly string[];
}

export function fakeHost(machine: Machine): FakeHost {
  const { files = {}, directories = [], programs = {}, readOnly = [] } = machine;
  const ran: string[] = [];
  return {
    ran,
    variables: machine.variables ?? {},
    userId: 1000,
    kernelRelease: "6.1.0",
    nodeVersion: machine.node?.version ?? "24.21.0",
    nodeFlags: machine.node?.flags ?? [],
    read: (path) => {
      const content = files[path];
      return Promise.resolve(typeof content === "string" ? Buffer.from(content) : content);
    },
    list: (path) => {
      if (!directories.includes(path)) return Promise.resolve(undefined);
      const all = [...Object.keys(files), ...directories];
      return Promise.resolve(
        all.filter((name) => dirname(name) === path).map((name) => basename(name)),
      );
    },
    facts: (path) => Promise.resolve(factsIn(machine, path)),
    mayWrite: (path) => Promise.resolve(!readOnly.includes(path)),
    fileSystem: (path) =>
      Promise.resolve(factsIn(machine, path) === undefined ? undefined : machine.fileSystem),
    find: (program) =>
      Promise.resolve(Object.hasOwn(programs, program) ? `/usr/bin/${program}` : undefined),
    versionOf: (path) => {
      ran.push(path);
      return Promise.resolve(programs[basename(path)]);
    },
  };
}

function factsIn(machine: Machine, path: string): PathFacts | undefined {
  const mode = machine.modes?.[path];
  const content = machine.files?.[path];
  if (content !== undefined) {
    return { kind: "file", size: content.length, mode: mode ?? 0o644, owner: 1000 };
  }
  if (path !== "/" && machine.directories?.includes(path) !== true) return undefined;
  const kind = path === NAMESPACE || path.startsWith("/dev/") ? "other" : "directory";
  return { kind, size: 0, mode: mode ?? 0o700, owner: 1000 };
}

/** A machine on which everything is as siflet likes it. */
export const GOOD_MACHINE: Machine = {
  files: {
    "/proc/filesystems": "nodev\tproc\n\text4\n\tsquashfs\n",
    "/boot/config-6.1.0": "CONFIG_SQUASHFS=m\nCONFIG_SQUASHFS_ZLIB=y\nCONFIG_SQUASHFS_ZSTD=y\n",
    "/proc/sys/user/max_user_namespaces": "15000\n",
  },
  directories: ["/dev/loop-control", "/dev/fuse", NAMESPACE, "/store"],
  fileSystem: { type: 0xef53, freeBytes: 50e9, totalBytes: 100e9 },
  programs: { squashfuse: "", fusermount3: "", apptainer: "apptainer version 1.4.1\n" },
  variables: { MALLOC_ARENA_MAX: "1" },
  node: { version: "24.21.0", flags: ["--max-semi-space-size=1"] },
};
