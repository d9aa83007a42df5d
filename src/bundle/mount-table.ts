import { readText, type Host } from "../doctor/index.ts";
import { isWithin } from "./container-mounts.ts";

/** One line of a table of mounts. */
export interface MountPoint {
  /** Absolute. */
  readonly path: string;
  /** Of the file system that is mounted: `8:1`. */
  readonly device: string;
}

const OCTAL = /\\([0-7]{3})/g;

/**
 * What is mounted at `directory` or below it, in the order in which it was. Asked of the kernel's
 * table: a mount whose server has died answers nothing but errors.
 *
 * @param directory - absolute, without links
 */
export async function mountsBelow(host: Host, directory: string): Promise<readonly MountPoint[]> {
  const table = await readText(host, "/proc/self/mountinfo");
  // Nothing may be deleted by somebody who cannot see what is mounted there.
  if (table === undefined) throw new Error("/proc/self/mountinfo cannot be read");
  return parseMountTable(table).filter(({ path }) => isWithin(path, directory));
}

/**
 * A process whose root is one of `mounts`, wherever it was started: what is unmounted here stays
 * mounted in a container's own namespace.
 *
 * @returns the number of the process
 */
export async function findInhabitant(
  host: Host,
  mounts: readonly MountPoint[],
): Promise<string | undefined> {
  if (mounts.length === 0) return undefined;
  const devices = new Set(mounts.map(({ device }) => device));
  for (const name of (await host.list("/proc")) ?? []) {
    if (!/^[0-9]+$/.test(name)) continue;
    // Unreadable for those of other users and those that have ended.
    const table = (await readText(host, `/proc/${name}/mountinfo`)) ?? "";
    const root = parseMountTable(table).findLast(({ path }) => path === "/");
    if (root !== undefined && devices.has(root.device)) return name;
  }
  return undefined;
}

/** @see proc(5), mountinfo */
export function parseMountTable(table: string): readonly MountPoint[] {
  return table.split("\n").flatMap((line) => {
    const [, , device = "", , path = ""] = line.split(" ");
    return path === "" ? [] : [{ path: unescaped(path), device }];
  });
}

/** White space and backslashes are written in octal. */
function unescaped(field: string): string {
  return field.replace(OCTAL, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
