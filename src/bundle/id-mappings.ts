import type { IdMapping } from "./runtime-config.ts";

/** Which ids of the host those of a container are. */
export interface IdMappings {
  readonly uids: readonly IdMapping[];
  readonly gids: readonly IdMapping[];
}

/** One who has no rights of root on the host. */
export interface RootlessUser {
  readonly uid: number;
  readonly gid: number;
  /** Absent where the host knows none. */
  readonly name?: string;
}

/** `/etc/subuid` and `/etc/subgid`, where there are programs that map by them. */
export interface SubordinateFiles {
  readonly subuid: string;
  readonly subgid: string;
}

interface IdRange {
  readonly start: number;
  readonly count: number;
}

/** So many lines the kernel takes; one is our own id. */
const MAX_RANGES = 339;
const ID_COUNT = 2 ** 32;

/**
 * The container's root is the user; the ids after it are the user's subordinate ones where the host
 * has given any of both kinds.
 *
 * @param files - absent where the host has no way to map by them
 * @see subuid(5), user_namespaces(7)
 */
export function rootlessMappings(user: RootlessUser, files?: SubordinateFiles): IdMappings {
  const uids = files === undefined ? [] : rangesOf(files.subuid, user);
  const gids = files === undefined ? [] : rangesOf(files.subgid, user);
  if (uids.length === 0 || gids.length === 0) {
    const only = (hostID: number): IdMapping[] => [{ containerID: 0, hostID, size: 1 }];
    return { uids: only(user.uid), gids: only(user.gid) };
  }
  return { uids: mappingsOf(user.uid, uids), gids: mappingsOf(user.gid, gids) };
}

/** Whether `id` of the container is anybody on the host. */
export function isMapped(id: number, mappings: readonly IdMapping[]): boolean {
  return mappings.some(({ containerID, size }) => id >= containerID && id < containerID + size);
}

function mappingsOf(own: number, ranges: readonly IdRange[]): IdMapping[] {
  const mappings: IdMapping[] = [{ containerID: 0, hostID: own, size: 1 }];
  let next = 1;
  for (const { start, count } of ranges) {
    const size = Math.min(count, ID_COUNT - 1 - next);
    if (size <= 0) break;
    mappings.push({ containerID: next, hostID: start, size });
    next += size;
  }
  return mappings;
}

/** Lines `name:start:count` or `uid:start:count` of the user. */
function rangesOf(text: string, { uid, name }: RootlessUser): IdRange[] {
  const ranges: IdRange[] = [];
  for (const line of text.split("\n")) {
    const [owner = "", start = "", count = "", ...rest] = line.split(":");
    if (owner === "" || (owner !== name && owner !== `${uid}`)) continue;
    if (rest.length > 0 || !/^[0-9]+$/.test(start) || !/^[0-9]+$/.test(count)) continue;
    const range = { start: Number(start), count: Number(count) };
    if (range.count === 0 || range.start + range.count > ID_COUNT - 1) continue;
    // The kernel refuses a map that has an id of the host twice.
    const isTaken = ({ start: from, count: size }: IdRange): boolean =>
      range.start < from + size && from < range.start + range.count;
    if (ranges.some(isTaken) || isTaken({ start: uid, count: 1 })) continue;
    ranges.push(range);
  }
  return ranges.slice(0, MAX_RANGES);
}
