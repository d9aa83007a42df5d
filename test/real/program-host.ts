import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { text } from "node:stream/consumers";
import { run } from "./run.ts";
import { hasMountRight } from "./squashfs-readers.ts";

/** How a program ended, and what it said. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Somebody on this machine who runs programs, in a directory of his own that goes with him. */
export interface ProgramHost extends AsyncDisposable {
  readonly uid: number;
  readonly directory: string;
  /** This clone, as the host sees it. */
  readonly clone: string;
  /** Runs a program to its end; `siflet` is this clone's. */
  run(program: string, ...args: readonly string[]): Promise<Ended>;
  /** Copies a directory of whoever runs the tests to `name`, for the host to own. */
  take(directory: string, name: string): Promise<void>;
  /** Starts a program. */
  start(program: string, ...args: readonly string[]): ChildProcess;
}

/** What an administrator has set up for the user. */
export interface UserSettings {
  readonly fuseConf?: string;
  /** `/etc/subuid` and `/etc/subgid` alike. */
  readonly subordinateIds?: string;
}

/** A user of every Debian who owns nothing that matters. */
const USER = { name: "daemon", id: 1 } as const;
const AS_USER = ["setpriv", `--reuid=${USER.id}`, `--regid=${USER.id}`, "--clear-groups"];
const REPOSITORY = resolve(import.meta.dirname, "../..");
const FUSE_DEVICE = ["c", "10", "229"];

/** The one who runs the tests, as he is. */
export async function ownHost(): Promise<ProgramHost> {
  const directory = await mkdtemp(join(tmpdir(), "siflet-host-"));
  const prefix: readonly string[] = [];
  return hostIn(directory, REPOSITORY, process.geteuid?.() ?? 0, prefix, () => Promise.resolve());
}

/**
 * A user without root's rights. Made by root who may mount, he has mounts of his own, in which `/dev/fuse`
 * is open to everybody, as udev makes it, and files of /etc can be others.
 */
export async function userHost(settings: UserSettings = {}): Promise<ProgramHost> {
  if (process.geteuid?.() !== 0) return await ownHost();
  const directory = await mkdtemp(join(tmpdir(), "siflet-user-"));
  await chown(directory, USER.id, USER.id);
  await chmod(directory, 0o755);
  if (!(await hasMountRight())) {
    return hostIn(directory, REPOSITORY, USER.id, AS_USER, () => Promise.resolve());
  }
  const keeper = await keepNamespace(await setUpScript(directory, settings));
  const inside = ["nsenter", `--mount=/proc/${keeper.pid ?? 0}/ns/mnt`];
  // Where the clone lies, others may not be let in.
  const repository = join(directory, "clone");
  return hostIn(directory, repository, USER.id, [...inside, ...AS_USER], async () => {
    keeper.stdin?.end();
    await once(keeper, "exit");
  });
}

/** Whether the host may open `/dev/fuse`, which all mounts by FUSE begin with. */
export async function mayOpenFuse(host: ProgramHost): Promise<boolean> {
  return (await host.run("sh", "-c", "exec 3<>/dev/fuse")).status === 0;
}

async function setUpScript(directory: string, settings: UserSettings): Promise<string> {
  const lines = ["set -eu", `mkdir ${directory}/clone`];
  lines.push(`mount --bind ${REPOSITORY} ${directory}/clone`);
  lines.push(
    `if test -e /dev/fuse; then mknod ${directory}/fuse ${FUSE_DEVICE.join(" ")}`,
    `chmod 666 ${directory}/fuse; mount --bind ${directory}/fuse /dev/fuse; fi`,
  );
  const files = {
    "/etc/fuse.conf": settings.fuseConf,
    "/etc/subuid": settings.subordinateIds,
    "/etc/subgid": settings.subordinateIds,
  };
  for (const [path, content = ""] of Object.entries(files)) {
    const own = join(directory, path.slice("/etc/".length));
    await writeFile(own, content);
    lines.push(`mount --bind ${own} ${path}`);
  }
  return [...lines, "echo ready", "exec cat"].join("\n");
}

/** A process that holds a namespace of mounts until its standard input ends. */
async function keepNamespace(script: string): Promise<ChildProcess> {
  const args = ["--mount", "--propagation", "private", "sh", "-c", script];
  const keeper = spawn("unshare", args, { stdio: ["pipe", "pipe", "pipe"] });
  const said = text(keeper.stderr);
  const first = await Promise.race([once(keeper.stdout, "data"), once(keeper.stdout, "end")]);
  if (String(first[0] ?? "").trim() === "ready") return keeper;
  throw new Error(`a namespace of mounts cannot be made: ${await said}`);
}

function hostIn(
  directory: string,
  repository: string,
  uid: number,
  prefix: readonly string[],
  leave: () => Promise<void>,
): ProgramHost {
  const env = {
    PATH: "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
    LC_ALL: "C.UTF-8",
    HOME: directory,
    TMPDIR: directory,
    XDG_RUNTIME_DIR: directory,
    SIFLET_STORE: join(directory, "store"),
    // The clone's own is not for others to write.
    ...(repository === REPOSITORY ? {} : { NODE_COMPILE_CACHE: join(directory, "compile") }),
  };
  const start = (program: string, ...args: readonly string[]): ChildProcess => {
    const path = program === "siflet" ? join(repository, "siflet") : program;
    const [first = "", ...rest] = [...prefix, "env", `--chdir=${directory}`, path, ...args];
    return spawn(first, rest, { env, stdio: ["ignore", "pipe", "pipe"] });
  };
  return {
    uid,
    directory,
    clone: repository,
    start,
    async take(from, name) {
      const to = join(directory, name);
      await run("cp", ["--archive", from, to]);
      if (uid !== process.geteuid?.()) await run("chown", ["--recursive", `${uid}:${uid}`, to]);
    },
    run: async (program, ...args) => await endOf(start(program, ...args)),
    async [Symbol.asyncDispose]() {
      await unmountAll(directory, leading(prefix, uid));
      await leave();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function endOf(child: ChildProcess): Promise<Ended> {
  if (child.stdout === null || child.stderr === null) throw new Error("a program without output");
  const ended = once(child, "close");
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [status] = (await ended) as [number | null];
  return { status, stdout, stderr };
}

/** The words that have root work in a host's mounts; for one who has no right to unmount, his own. */
function leading(prefix: readonly string[], uid: number): Unmounting {
  const inside = prefix.slice(0, Math.max(0, prefix.indexOf("setpriv")));
  const isRoots = uid === 0 || inside.length > 0;
  return isRoots
    ? { inside, unmount: ["umount", "--lazy"] }
    : { inside: prefix, unmount: ["fusermount3", "-uz"] };
}

interface Unmounting {
  readonly inside: readonly string[];
  readonly unmount: readonly string[];
}

/** Unmounts what a test that failed has left. */
async function unmountAll(directory: string, { inside, unmount }: Unmounting): Promise<void> {
  const table = await runWords([...inside, "cat", "/proc/self/mountinfo"]);
  for (const line of table.split("\n").toReversed()) {
    const path = line.split(" ")[4] ?? "";
    if (path.startsWith(`${directory}/`)) await runWords([...inside, ...unmount, path]);
  }
}

async function runWords(words: readonly string[]): Promise<string> {
  const [program = "", ...args] = words;
  return await run(program, args);
}
