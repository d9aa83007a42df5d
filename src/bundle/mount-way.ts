import { probeKernel, type Host } from "../doctor/index.ts";
import type { PartitionPlace } from "../pull/index.ts";
import type { Machine } from "./machine.ts";
import type { Rights } from "./rights.ts";

/** Who mounts the root file system of an image. */
export type MountKind = "kernel" | "squashfuse";

/** A program that mounts, with its first arguments; where to is the last one. */
export interface MountWay<Kind extends string = string> {
  readonly kind: Kind;
  readonly program: string;
  readonly args: readonly string[];
}

/** Ways to mount something here, the best first, and why there are no others. */
export interface MountWays<Kind extends string = string> {
  readonly ways: readonly MountWay<Kind>[];
  /** For people: what is missing, and what to do about it. */
  readonly obstacles: readonly string[];
}

/**
 * How the partition at `place` of the SIF `file` can be mounted here: by the kernel from a loop device,
 * or by squashfuse.
 *
 * @param wish - the only kind that is asked for
 */
export async function waysToMountImage(
  machine: Machine,
  rights: Rights,
  file: string,
  place: PartitionPlace,
  wish?: MountKind,
): Promise<MountWays<MountKind>> {
  const ways: MountWay<MountKind>[] = [];
  const obstacles: string[] = [];
  for (const kind of wish === undefined ? (["kernel", "squashfuse"] as const) : [wish]) {
    const found =
      kind === "kernel"
        ? await kernelWays(machine.host, rights, file, place)
        : await squashfuseWays(machine.host, rights, file, place);
    if (typeof found === "string") obstacles.push(`${kind}: ${found}`);
    else ways.push(...found);
  }
  return { ways, obstacles };
}

/** Programs of an image may gain no rights on the host that can see it. */
const GUARDED = "ro,nosuid,nodev";

async function kernelWays(
  host: Host,
  rights: Rights,
  file: string,
  { offset, size }: PartitionPlace,
): Promise<string | MountWay<"kernel">[]> {
  if (!rights.mayMount) return "only root with CAP_SYS_ADMIN may mount";
  const program = await host.find("mount");
  if (program === undefined) return "there is no program mount on PATH";
  if ((await probeKernel(host)).driver === "missing") return "the kernel has no squashfs";
  if (!(await hasLoopDevices(host))) return "there are no loop devices (modprobe loop)";
  const options = `loop,${GUARDED},offset=${offset},sizelimit=${size}`;
  return [{ kind: "kernel", program, args: ["-t", "squashfs", "-o", options, "--", file] }];
}

async function hasLoopDevices(host: Host): Promise<boolean> {
  const names = (await host.list("/dev")) ?? [];
  return names.some((name) => /^loop(-control|[0-9]+)$/.test(name));
}

async function squashfuseWays(
  host: Host,
  rights: Rights,
  file: string,
  { offset }: PartitionPlace,
): Promise<string | MountWay<"squashfuse">[]> {
  const obstacle = await fuseObstacle(host, rights);
  if (obstacle !== undefined) return obstacle;
  const ways: MountWay<"squashfuse">[] = [];
  const options = `${GUARDED},offset=${offset}${squashfuseOwners(rights)}`;
  // The second one is quicker, but old ones do not know how to show all files as ours.
  const programs = ["squashfuse_ll", "squashfuse"];
  if (rights.mappings !== undefined) programs.reverse();
  for (const name of programs) {
    const program = await host.find(name);
    if (program === undefined) continue;
    ways.push({ kind: "squashfuse", program, args: ["-o", options, file] });
  }
  return ways.length === 0 ? "there is no squashfuse on PATH: install it" : ways;
}

/**
 * Root's containers see the image's owners and are held to its modes. In others the image's owners are
 * nobody: there everything belongs to the container's root.
 */
function squashfuseOwners({ uid, gid, mappings, mayLetOthersIn }: Rights): string {
  if (mappings === undefined) return ",allow_other,default_permissions";
  return `,uid=${uid},gid=${gid}${mayLetOthersIn ? ",allow_other" : ""}`;
}

/** Why nothing can be mounted by FUSE here; undefined where it can. */
export async function fuseObstacle(host: Host, rights: Rights): Promise<string | undefined> {
  if ((await host.facts("/dev/fuse")) === undefined) return "there is no /dev/fuse (modprobe fuse)";
  if (!(await host.mayWrite("/dev/fuse"))) {
    return "/dev/fuse may not be opened by this user (as root: chmod 666 /dev/fuse)";
  }
  if (rights.uid !== 0 && (await findUnmounter(host, rights)) === undefined) {
    return "there is no fusermount3 on PATH: install fuse3";
  }
  if (rights.uid === 0 && rights.mappings === undefined && !rights.mayMount) {
    return "root has no CAP_SYS_ADMIN here";
  }
  return undefined;
}

/** A program that unmounts, with its first arguments. */
export type Unmounter = Pick<MountWay, "program" | "args">;

export async function findUnmounter(host: Host, rights: Rights): Promise<Unmounter | undefined> {
  const candidates =
    rights.uid === 0
      ? [{ name: "umount", args: ["--"] }]
      : ["fusermount3", "fusermount"].map((name) => ({ name, args: ["-u", "--"] }));
  for (const { name, args } of candidates) {
    const program = await host.find(name);
    if (program !== undefined) return { program, args };
  }
  return undefined;
}
