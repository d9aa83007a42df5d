import { readText, type Host } from "../doctor/index.ts";
import { rootlessMappings, type IdMappings } from "./id-mappings.ts";
import type { Machine } from "./machine.ts";

/** What the one who makes a bundle may do on this machine. */
export interface Rights {
  readonly uid: number;
  readonly gid: number;
  /** Whether the kernel lets us mount anything: root's right, outside of every user namespace. */
  readonly mayMount: boolean;
  /** Whether others than ourselves may be let into what FUSE mounts for us. */
  readonly mayLetOthersIn: boolean;
  /** For containers of one who is not root of the whole machine; absent for root. */
  readonly mappings?: IdMappings;
}

const CAP_SYS_ADMIN = 21n;
/** Programs of root's that map subordinate ids. */
const MAPPERS = ["newuidmap", "newgidmap"];

/** Finds out whose rights we have, and how a container without root's can be made. */
export async function rightsOf(machine: Machine): Promise<Rights> {
  const { host, groupId: gid } = machine;
  const uid = host.userId;
  const isRoot = uid === 0 && (await isInitialNamespace(host));
  const mayMount = isRoot && (await hasCapability(host, CAP_SYS_ADMIN));
  if (isRoot) return { uid, gid, mayMount, mayLetOthersIn: true };
  const fuse = (await readText(host, "/etc/fuse.conf")) ?? "";
  return {
    uid,
    gid,
    mayMount,
    mayLetOthersIn: uid === 0 || /^\s*user_allow_other\s*$/m.test(fuse),
    mappings: await mappingsFor(machine),
  };
}

async function mappingsFor(machine: Machine): Promise<IdMappings> {
  const { host, groupId, userName } = machine;
  const name = userName === undefined ? {} : { name: userName };
  const user = { uid: host.userId, gid: groupId, ...name };
  for (const program of MAPPERS) {
    if ((await host.find(program)) === undefined) return rootlessMappings(user);
  }
  const subuid = await readText(host, "/etc/subuid");
  const subgid = await readText(host, "/etc/subgid");
  return subuid === undefined || subgid === undefined
    ? rootlessMappings(user)
    : rootlessMappings(user, { subuid, subgid });
}

/** Where all ids are mapped to themselves: root of a user namespace has fewer of them. */
async function isInitialNamespace(host: Host): Promise<boolean> {
  const map = await readText(host, "/proc/self/uid_map");
  return map === undefined || map.trim().split(/\s+/).join(" ") === "0 0 4294967295";
}

async function hasCapability(host: Host, number: bigint): Promise<boolean> {
  const status = (await readText(host, "/proc/self/status")) ?? "";
  const mask = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  return ((mask >> number) & 1n) === 1n;
}
