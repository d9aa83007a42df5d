import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, rmdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { CriClient } from "../fixtures/daemon/index.ts";
import { run } from "../real/index.ts";

const REPOSITORY = resolve(import.meta.dirname, "../..");
const SCRIPT = join(import.meta.dirname, "run-systemd.sh");
/** Namespaces of its own, which end with it. */
const UNSHARE = ["--mount", "--pid", "--uts", "--ipc", "--cgroup", "--fork", "--kill-child=KILL"];
const ENTER = ["--mount", "--pid", "--uts", "--ipc", "--cgroup"];

/**
 * A systemd that manages nothing but the units of `deploy/`, in namespaces of its own: the machine's own is not
 * spoken to. Its network is that of the machine.
 */
export class OwnSystemd implements AsyncDisposable {
  readonly #parts: AsyncDisposable;
  readonly #processId: number;

  private constructor(parts: AsyncDisposable, processId: number) {
    this.#parts = parts;
    this.#processId = processId;
  }

  /** @param dropIn - what the service's unit says besides */
  static async start(dropIn: string): Promise<OwnSystemd> {
    await using starting = new AsyncDisposableStack();
    const directory = await mkdtemp(join(tmpdir(), "siflet-systemd-"));
    starting.defer(() => rm(directory, { recursive: true, force: true }));
    const units = join(directory, "units");
    await cp(join(REPOSITORY, "deploy"), units, { recursive: true });
    const group = await ownGroup(directory);
    starting.defer(() => removeGroup(group));
    const script = join(directory, "start.sh");
    // In a group of its own before the namespace of groups begins there.
    const words = ["exec unshare", ...UNSHARE, "sh", SCRIPT, REPOSITORY, process.execPath, units];
    await writeFile(script, `echo $$ > ${group}/cgroup.procs\n${words.join(" ")}\n`);
    const child = spawn("setpriv", ["--pdeathsig", "KILL", "sh", script], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const ended = once(child, "close");
    const said: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream).on("line", (line) => said.push(line));
    }
    starting.defer(async () => {
      for (const each of await childrenOf(child.pid ?? 0)) process.kill(each, "SIGKILL");
      await ended;
    });
    const isGone = ended.then(() => {
      throw new Error(`systemd ended early: ${said.join("\n")}`);
    });
    const processId = await Promise.race([firstProcess(child.pid ?? 0), isGone]);
    const systemd = new OwnSystemd(starting.move(), processId);
    await Promise.race([systemd.#isUp(), isGone]);
    isGone.catch(() => undefined);
    await systemd.write("/run/systemd/system/siflet.service.d/test.conf", dropIn);
    await systemd.systemctl("daemon-reload");
    return systemd;
  }

  async systemctl(...words: readonly string[]): Promise<string> {
    return await this.#inside("systemctl", "--no-pager", ...words);
  }

  /** A property of a unit. */
  async show(unit: string, property: string): Promise<string> {
    return (await this.systemctl("show", "--value", "--property", property, unit)).trim();
  }

  /** What a path of its file systems is called here. */
  path(path: string): string {
    return `/proc/${this.#processId}/root${path}`;
  }

  /** Writes a file, and the directories that lead to it. */
  async write(path: string, text: string): Promise<void> {
    const here = this.path(path);
    await mkdir(join(here, ".."), { recursive: true });
    await writeFile(here, text);
  }

  client(): CriClient {
    return new CriClient(this.path("/run/siflet/siflet.sock"));
  }

  /** Sends a signal to the daemon. */
  async signal(name: NodeJS.Signals): Promise<void> {
    await this.systemctl("kill", "--kill-who=main", `--signal=${name}`, "siflet.service");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts[Symbol.asyncDispose]();
  }

  async #isUp(): Promise<void> {
    for (;;) {
      const state = await this.systemctl("is-active", "test.target").catch(() => "");
      if (state.trim() === "active") return;
    }
  }

  async #inside(...words: readonly string[]): Promise<string> {
    return await run("nsenter", [`--target=${this.#processId}`, ...ENTER, ...words]);
  }
}

/** A new control group of version 2, for which one that is mounted somewhere will do. */
async function ownGroup(directory: string): Promise<string> {
  const mounts = (await readFile("/proc/mounts", "utf8"))
    .split("\n")
    .map((line) => line.split(" "));
  const root = mounts.find(([, , type]) => type === "cgroup2")?.[1];
  if (root === undefined) throw new Error("no control groups of version 2 are mounted");
  const group = join(root, directory.split("/").at(-1) ?? "");
  await mkdir(group);
  return group;
}

/** Those below it first, as the kernel wants it. */
async function removeGroup(group: string): Promise<void> {
  for (const entry of await readdir(group, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeGroup(join(group, entry.name));
  }
  await rmdir(group);
}

async function childrenOf(processId: number): Promise<readonly number[]> {
  const path = `/proc/${processId}/task/${processId}/children`;
  const text = await readFile(path, "utf8").catch(() => "");
  return text.split(" ").filter(Boolean).map(Number);
}

/** The process that `unshare` starts, once it is systemd. */
async function firstProcess(processId: number): Promise<number> {
  for (;;) {
    const [child] = await childrenOf(processId);
    if (child === undefined) continue;
    const name = await readFile(`/proc/${child}/comm`, "utf8").catch(() => "");
    if (name.trim() === "systemd") return child;
  }
}
