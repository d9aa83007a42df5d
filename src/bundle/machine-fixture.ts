import { dirname } from "node:path";
import type { Host } from "../doctor/index.ts";
import type { Machine, ProgramEnd } from "./machine.ts";

/** What a fake machine has; everything that is left out is not there. */
export interface FakeMachine {
  readonly userId?: number;
  readonly groupId?: number;
  readonly userName?: string;
  /** Contents by path. */
  readonly files?: Readonly<Record<string, string>>;
  /** Names of programs on PATH. */
  readonly programs?: readonly string[];
  /** Devices and directories that may not be written. */
  readonly readOnly?: readonly string[];
  /** What a program does; absent: it does nothing, and well. */
  readonly run?: (program: string, args: readonly string[], directory: string) => ProgramEnd;
}

export const DONE: ProgramEnd = { isDone: true, reason: "" };

const ROOT_STATUS = "CapEff:\t000001ffffffffff\n";

/** Files of a machine on which root may mount everything. */
export const ROOT_FILES: Readonly<Record<string, string>> = {
  "/proc/self/ns/user": "",
  "/proc/self/uid_map": "         0          0 4294967295\n",
  "/proc/self/status": ROOT_STATUS,
  "/proc/self/mountinfo": "",
  "/proc/filesystems": "nodev\tproc\n\tsquashfs\n",
  "/dev/loop-control": "",
  "/dev/fuse": "",
};

/** A machine for what is decided by looking, and a record of the programs that it ran. */
export function fakeMachine(fake: FakeMachine): Machine & { readonly ran: string[] } {
  const files = fake.files ?? {};
  const ran: string[] = [];
  const host: Host = {
    variables: {},
    userId: fake.userId ?? 0,
    kernelRelease: "6.1.0",
    nodeVersion: "24.21.0",
    nodeFlags: [],
    read: (path) =>
      Promise.resolve(files[path] === undefined ? undefined : Buffer.from(files[path])),
    list: (path) => Promise.resolve(namesIn(path, files)),
    facts: (path) =>
      Promise.resolve(
        files[path] === undefined ? undefined : { kind: "file", size: 0, mode: 0o644, owner: 0 },
      ),
    mayWrite: (path) => Promise.resolve(fake.readOnly?.includes(path) !== true),
    fileSystem: () => Promise.resolve(undefined),
    find: (program) =>
      Promise.resolve(fake.programs?.includes(program) === true ? `/bin/${program}` : undefined),
    versionOf: () => Promise.resolve(undefined),
  };
  return {
    host,
    groupId: fake.groupId ?? 0,
    ...(fake.userName === undefined ? {} : { userName: fake.userName }),
    ran,
    run: (program, args, directory) => {
      ran.push([program, ...args].join(" "));
      return Promise.resolve(fake.run?.(program, args, directory) ?? DONE);
    },
  };
}

function namesIn(directory: string, files: Readonly<Record<string, string>>): readonly string[] {
  return Object.keys(files)
    .filter((path) => dirname(path) === directory)
    .map((path) => path.slice(directory.length + 1));
}
