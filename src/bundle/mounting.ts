import { join } from "node:path";
import { BundleError } from "./bundle-error.ts";
import type { Machine } from "./machine.ts";
import { findInhabitant, mountsBelow } from "./mount-table.ts";
import { findUnmounter, type MountWays } from "./mount-way.ts";
import { PLACES } from "./overlay.ts";
import type { Rights } from "./rights.ts";

/** What is to be mounted, and what it is called where that fails. */
export interface MountTask<Kind extends string> {
  readonly what: string;
  readonly code: "BUNDLE_MOUNT" | "BUNDLE_OVERLAY";
  readonly ways: MountWays<Kind>;
  /** Of the bundle; absolute, without links. */
  readonly directory: string;
  /** In the bundle. */
  readonly place: string;
}

/**
 * Mounts in the first way that works.
 *
 * @returns the kind of that way
 * @throws BundleError with the code of the task where none does, which says why of each
 */
export async function mountByAny<Kind extends string>(
  { what, code, ways, directory, place }: MountTask<Kind>,
  machine: Machine,
): Promise<Kind> {
  const point = join(directory, place);
  const obstacles = [...ways.obstacles];
  for (const { kind, program, args } of ways.ways) {
    const { isDone, reason } = await machine.run(program, [...args, place], directory);
    const isMounted = (await mountsBelow(machine.host, point)).length > 0;
    if (isMounted) return kind;
    obstacles.push(`${kind}: ${isDone ? "nothing was mounted" : reason}`);
  }
  throw new BundleError(code, `${what} cannot be mounted: ${obstacles.join("; ")}`);
}

/**
 * Unmounts what a bundle has mounted, the last first; fine where that is nothing.
 *
 * @param directory - of the bundle; absolute, without links
 * @throws BundleError `BUNDLE_BUSY` where something uses it, or somebody mounted something else in
 *   there, which is left alone; `BUNDLE_MOUNT` where there is no program to unmount with
 */
export async function unmountBundle(
  directory: string,
  machine: Machine,
  rights: Rights,
): Promise<void> {
  const { host } = machine;
  const mounted = await mountsBelow(host, directory);
  const ours = [PLACES.root, PLACES.image].map((place) => join(directory, place));
  const foreign = mounted.map(({ path }) => path).filter((path) => !ours.includes(path));
  if (foreign.length > 0) {
    const message = `${directory}: something else is mounted there, unmount it first`;
    throw new BundleError("BUNDLE_BUSY", `${message}: ${foreign.join(", ")}`);
  }
  const inhabitant = await findInhabitant(host, mounted);
  if (inhabitant !== undefined) {
    const message = `${directory}: process ${inhabitant} runs in it, end its container first`;
    throw new BundleError("BUNDLE_BUSY", message);
  }
  for (const { path } of mounted.toReversed()) await unmount(path, machine, rights);
  const left = await mountsBelow(host, directory);
  if (left.length === 0) return;
  const message = `${directory}: something was mounted there meanwhile`;
  throw new BundleError("BUNDLE_BUSY", `${message}: ${left.map(({ path }) => path).join(", ")}`);
}

async function unmount(point: string, machine: Machine, rights: Rights): Promise<void> {
  const unmounter = await findUnmounter(machine.host, rights);
  if (unmounter === undefined) {
    const name = rights.uid === 0 ? "umount" : "fusermount3";
    throw new BundleError(
      "BUNDLE_MOUNT",
      `${point}: there is no ${name} on PATH to unmount it with`,
    );
  }
  const { program, args } = unmounter;
  const { isDone, reason } = await machine.run(program, [...args, point], "/");
  if (isDone) return;
  const message = "cannot be unmounted; end the containers and programs that use it";
  throw new BundleError("BUNDLE_BUSY", `${point} ${message}: ${reason}`);
}
