import { CodedError, shellWord } from "../base/index.ts";
import { fileSystemName, type FileSystemName } from "./file-systems.ts";
import type { Finding } from "./finding.ts";
import { nearestPresent, type FileSystemFacts, type Host, type PathFacts } from "./host.ts";
import type { OpenStoreToRead, StoreTraits } from "./store-probe.ts";

/** Less than a few large images: the next pull may not fit. */
const LITTLE_SPACE_BYTES = 5 * 1024 ** 3;
const GROUP_OR_OTHERS_WRITE = 0o022;

/** Whether the store in `directory` can be made or used, and where it lies. */
export async function checkStore(
  host: Host,
  directory: string,
  openStore: OpenStoreToRead,
): Promise<Finding[]> {
  const facts = await host.facts(directory);
  if (facts === undefined) {
    const parent = await nearestPresent(host, directory);
    return [await absentFinding(host, directory, parent), ...(await placeFindings(host, parent))];
  }
  return [
    await permissionFinding(host, directory, facts),
    await databaseFinding(host, directory, openStore),
    ...(await placeFindings(host, directory)),
  ];
}

async function absentFinding(host: Host, directory: string, parent: string): Promise<Finding> {
  const base = { topic: "store", check: "directory", facts: { directory } } as const;
  if (await host.mayWrite(parent)) {
    return {
      ...base,
      status: "ok",
      text: `${directory} is not there yet; the first pull makes it`,
    };
  }
  return {
    ...base,
    status: "problem",
    text: `${directory} is not there, and cannot be made: ${parent} is not ours to write`,
    remedy: "name another directory with store: in the configuration, $SIFLET_STORE or --store",
  };
}

async function permissionFinding(
  host: Host,
  directory: string,
  { kind, mode, owner }: PathFacts,
): Promise<Finding> {
  const permissions = mode.toString(8).padStart(4, "0");
  const base = {
    topic: "store",
    check: "directory",
    facts: { directory, permissions, owner },
  } as const;
  if (kind !== "directory") {
    return {
      ...base,
      status: "problem",
      text: `${directory} is no directory`,
      remedy: "move it away, or name another directory as the store",
    };
  }
  if (!(await host.mayWrite(directory))) {
    return {
      ...base,
      status: "warning",
      text: `${directory} may be read and not written: images can be used, pulls will fail`,
      remedy: "pull as its owner, or name another directory with $SIFLET_STORE or --store",
    };
  }
  if ((mode & GROUP_OR_OTHERS_WRITE) !== 0) {
    return {
      ...base,
      status: "warning",
      text: `${directory} may be written by others (${permissions}): they can replace images`,
      remedy: `chmod go-w ${shellWord(directory)}`,
    };
  }
  return { ...base, status: "ok", text: `${directory} is ours to write (${permissions})` };
}

async function databaseFinding(
  host: Host,
  directory: string,
  openStore: OpenStoreToRead,
): Promise<Finding> {
  const base = { topic: "store", check: "database" } as const;
  const names = await host.list(directory);
  if (names?.length === 0) {
    return { ...base, status: "ok", text: "the store is empty; the first pull makes its database" };
  }
  try {
    await using store = await openStore(directory);
    return await journalFinding(host, directory, store.traits);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return {
      ...base,
      status: "problem",
      text: error.message,
      remedy: `look up ${error.code} in docs/errors.md`,
      facts: { code: String(error.code) },
    };
  }
}

async function journalFinding(
  host: Host,
  directory: string,
  { journal, claims }: StoreTraits,
): Promise<Finding> {
  const base = { topic: "store", check: "database", facts: { journal, claims } } as const;
  const place = nameOf(await host.fileSystem(directory));
  const how = `journal mode ${journal === "wal" ? "WAL" : "rollback"}, claims by ${claims}`;
  if (place?.kind === "network" && (journal === "wal" || claims === "socket")) {
    return {
      ...base,
      status: "problem",
      text: `the database is made for one machine (${how}), and ${place.name} is shared by several`,
      remedy: "move the store to a local disk, or pull into a new one made where it lies now",
    };
  }
  return { ...base, status: "ok", text: `the database opens: ${how}` };
}

/** Of the file system that `path` lies on. */
async function placeFindings(host: Host, path: string): Promise<Finding[]> {
  const found = await host.fileSystem(path);
  if (found === undefined) return [];
  return [kindFinding(nameOf(found), found.type), spaceFinding(found)];
}

function nameOf(found: FileSystemFacts | undefined): FileSystemName | undefined {
  return found && fileSystemName(found.type);
}

function kindFinding(place: FileSystemName | undefined, type: number): Finding {
  const base = {
    topic: "store",
    check: "file-system",
    facts: { type, name: place?.name ?? null },
  } as const;
  if (place === undefined) {
    const text = `an unknown file system (0x${type.toString(16)}): a new store there is made as for several machines`;
    return { ...base, status: "note", text };
  }
  const { name, kind } = place;
  switch (kind) {
    case "disk":
      return { ...base, status: "ok", text: `${name}, a file system of this machine` };
    case "memory":
      return {
        ...base,
        status: "warning",
        text: `${name}: images take memory, and are gone after a restart`,
        remedy: "name a directory on a disk as the store",
      };
    case "network":
      return {
        ...base,
        status: "note",
        text: `${name}, which several machines may share: a new store there is made for that, and is slower`,
      };
    case "read-only":
      return {
        ...base,
        status: "warning",
        text: `${name}, which cannot be written`,
        remedy: "name a directory on a disk as the store",
      };
  }
}

function spaceFinding({ freeBytes, totalBytes }: FileSystemFacts): Finding {
  const base = { topic: "store", check: "free-space", facts: { freeBytes, totalBytes } } as const;
  const text = `${gigabytes(freeBytes)} of ${gigabytes(totalBytes)} free`;
  if (freeBytes >= LITTLE_SPACE_BYTES) return { ...base, status: "ok", text };
  return {
    ...base,
    status: freeBytes === 0 ? "problem" : "warning",
    text,
    remedy:
      "remove images with siflet rm, or name a directory on a larger file system as the store",
  };
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
