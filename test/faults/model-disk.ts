/** One call of a process to the file system, as `strace -y` tells it. */
export interface SystemCall {
  readonly name: "write" | "sync" | "rename" | "link" | "unlink" | "open";
  /** Of the file, or the old name of a rename or link. */
  readonly path: string;
  /** The new name. */
  readonly to?: string;
}

const KINDS: ReadonlyMap<string, SystemCall["name"]> = new Map([
  ["openat", "open"],
  ["write", "write"],
  ["pwrite64", "write"],
  ["writev", "write"],
  ["pwritev", "write"],
  ["ftruncate", "write"],
  ["fsync", "sync"],
  ["fdatasync", "sync"],
  ["rename", "rename"],
  ["renameat", "rename"],
  ["renameat2", "rename"],
  ["link", "link"],
  ["linkat", "link"],
  ["unlink", "unlink"],
  ["unlinkat", "unlink"],
]);

/**
 * The calls that succeeded, in the order in which they ended: a sync that was cut in two by another
 * thread's line counts when it returns, anything else when it begins.
 */
export function parseTrace(text: string): readonly SystemCall[] {
  const begun = new Map<string, string>();
  const calls: SystemCall[] = [];
  for (const line of text.split("\n")) {
    const [, pid, rest] = /^([0-9]+) +(.*)$/.exec(line) ?? [];
    if (pid === undefined || rest === undefined) continue;
    const unfinished = /^(\w+\(.*) <unfinished \.\.\.>$/.exec(rest)?.[1];
    if (unfinished !== undefined) {
      begun.set(pid, unfinished);
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest)?.[1];
    const whole = resumed === undefined ? rest : `${begun.get(pid) ?? ""}${resumed}`;
    const call = parseCall(whole);
    if (call !== undefined) calls.push(call);
  }
  return calls;
}

function parseCall(line: string): SystemCall | undefined {
  const [, system, body, result] = /^(\w+)\((.*)\) += (-?[0-9]+)/.exec(line) ?? [];
  const name = KINDS.get(system ?? "");
  if (name === undefined || body === undefined || Number(result) < 0) return undefined;
  if (name === "write" || name === "sync") {
    const path = /^[0-9]+<([^>]*)>/.exec(body)?.[1];
    return path === undefined ? undefined : { name, path };
  }
  if (name === "open" && !/O_CREAT|O_TRUNC/.test(body)) return undefined;
  const [path, to] = [...body.matchAll(/"([^"]*)"/g)].map(([, each]) => each ?? "");
  if (path === undefined) return undefined;
  return to === undefined ? { name, path } : { name, path, to };
}

/** A file: names come and go, and its bytes are safe once they were synced. */
interface Inode {
  isSynced: boolean;
}

/**
 * A disk that keeps across a loss of power only what was synced: bytes of a file by a sync of the file,
 * names by a sync of their directory.
 */
export class ModelDisk {
  readonly #names = new Map<string, Inode>();
  /** Names that are on the disk already. */
  readonly #safeNames = new Map<string, Inode>();

  apply({ name, path, to }: SystemCall): void {
    switch (name) {
      case "open":
        if (!this.#names.has(path)) this.#names.set(path, { isSynced: true });
        break;
      case "write":
        this.#inode(path).isSynced = false;
        break;
      case "sync":
        this.#inode(path).isSynced = true;
        this.#syncNames(path);
        break;
      case "rename":
      case "link": {
        const inode = this.#inode(path);
        this.#names.set(to ?? "", inode);
        if (name === "rename") this.#names.delete(path);
        break;
      }
      case "unlink":
        this.#names.delete(path);
        break;
    }
  }

  exists(path: string): boolean {
    return this.#names.has(path);
  }

  /** What a start after a loss of power now would find under that name. */
  afterPowerLoss(path: string): "nothing" | "whole" | "anything" {
    const inode = this.#safeNames.get(path);
    if (inode === undefined) return "nothing";
    return inode.isSynced ? "whole" : "anything";
  }

  #inode(path: string): Inode {
    const known = this.#names.get(path);
    if (known !== undefined) return known;
    // Was there before: its bytes are on the disk, and so is its name.
    const inode = { isSynced: true };
    this.#names.set(path, inode);
    return inode;
  }

  #syncNames(directory: string): void {
    const isIn = (path: string): boolean =>
      path.startsWith(`${directory}/`) && !path.slice(directory.length + 1).includes("/");
    for (const path of this.#safeNames.keys()) {
      if (isIn(path) && !this.#names.has(path)) this.#safeNames.delete(path);
    }
    for (const [path, inode] of this.#names) if (isIn(path)) this.#safeNames.set(path, inode);
  }
}
