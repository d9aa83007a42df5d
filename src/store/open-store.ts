import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { Claims } from "./claims.ts";
import { DatabaseClient } from "./database-client.ts";
import { LockFileClaims } from "./lock-file-claims.ts";
import type { OpenAnswer, StoreTraits } from "./operations.ts";
import { finishRemovals } from "./publication.ts";
import { SocketClaims } from "./socket-claims.ts";
import { StagingArea } from "./staging.ts";
import {
  exists,
  isLocal,
  makeStoreDirectory,
  storePaths,
  type Readers,
  type StorePaths,
} from "./store-directory.ts";
import { StoreError, storeFailure } from "./store-error.ts";
import { realFiles, type StoreFiles } from "./store-files.ts";
import { Store, type StoreWriter } from "./store.ts";

export interface StoreOptions {
  /** Made where it is missing, unless `readOnly`. */
  readonly directory: string;
  /** Opens a store that one may only read: look-ups work, nothing is swept or written. */
  readonly readOnly?: boolean;
  /** Name of this machine among those that may share the store. */
  readonly host: string;
  /** What tells this start of the machine from the last: `/proc/sys/kernel/random/boot_id`. */
  readonly bootId: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /**
   * How a store that is made now is to work, where the file system must not decide: a rollback
   * journal for one that other users read, either for a file system that is not known.
   */
  readonly traits?: Partial<StoreTraits>;
  /** Who may read a store that is made now, besides its owner; absent: nobody. */
  readonly readers?: Readers;
  /** A thread for its database that was started beforehand and is this store's alone from now on. */
  readonly database?: DatabaseClient;
  /** The calls whose order makes a publication safe; the real ones by default. */
  readonly files?: StoreFiles;
}

/**
 * Starts the thread that a store's database runs in, for `openStore`: a thread takes longer to start
 * than all the rest together. One that is not used ends with the process and does not hold it up.
 */
export function startDatabase(): DatabaseClient {
  return new DatabaseClient();
}

/**
 * Opens the store in `directory`: the file `siflet.db`, the directories `images/` (a SIF file
 * `<id>.sif` for each image), `tmp/` and `locks/`. Directories that are made get mode 0700, stored
 * files 0644, the database 0600, whatever the umask. What dead processes left is cleared away:
 * their staging directories and the files of removals that they did not finish; nothing else.
 *
 * @returns a store that the caller closes
 * @throws StoreError `STORE_UNAVAILABLE` (cannot be made or opened), `STORE_READ_ONLY` (may not be
 *   written, and `readOnly` was not asked for), `STORE_SCHEMA` (written by a newer version),
 *   `STORE_DAMAGED`, `STORE_BUSY`, `NO_SPACE`
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const paths = storePaths(resolve(options.directory));
  await using undo = new AsyncDisposableStack();
  const client = options.database ?? new DatabaseClient();
  undo.defer(async () => {
    await client.close();
  });
  if (options.readOnly === true) {
    const { traits } = await client.call("open", { root: paths.root, readOnly: true });
    undo.move();
    return new Store({ paths, traits, client, now: options.now });
  }
  await makeStoreDirectory(paths, options.readers);
  const { traits, start } = await openToWrite(paths, client, options);
  const writer = await openWriter(paths, traits, client, options);
  undo.defer(async () => {
    await writer.parts.claims.close();
  });
  await recover(writer);
  undo.move();
  return new Store({ paths, traits, client, now: options.now, writer, start });
}

/** Opens the database; one that is lost or damaged is made again out of its backup. */
async function openToWrite(
  paths: StorePaths,
  client: DatabaseClient,
  options: StoreOptions,
): Promise<OpenAnswer> {
  const place = { root: paths.root, readOnly: false };
  try {
    const isThere = await exists(paths.database);
    const traits = isThere ? undefined : await chooseTraits(paths, client, options);
    return await client.call("open", { ...place, ...(traits && { traits }) });
  } catch (error) {
    const failure = storeFailure(error, `store ${paths.root}`);
    if (!(failure instanceof StoreError) || failure.code !== "STORE_DAMAGED") throw failure;
    const traits = await chooseTraits(paths, client, options);
    return await client.call("open", { ...place, traits, replaces: true });
  }
}

/** How to make the database. */
async function chooseTraits(
  paths: StorePaths,
  client: DatabaseClient,
  { traits: wish = {}, readers }: Pick<StoreOptions, "traits" | "readers">,
): Promise<StoreTraits> {
  try {
    const local = await isLocal(paths.root);
    // A shared store stays one when its database is made again.
    const isPrivate =
      readers === undefined
        ? ((await stat(paths.images)).mode & 0o044) === 0
        : readers.kind === "owner";
    const sockets = local && (await SocketClaims.worksIn(paths.locks, client));
    return {
      // Who may only read cannot open a WAL.
      journal: wish.journal ?? (local && isPrivate ? "wal" : "rollback"),
      claims: wish.claims ?? (sockets ? "socket" : "lock-file"),
    };
  } catch (error) {
    throw storeFailure(error, `store ${paths.root}`);
  }
}

async function openWriter(
  paths: StorePaths,
  traits: StoreTraits,
  client: DatabaseClient,
  { now, files = realFiles, host, bootId }: StoreOptions,
): Promise<StoreWriter> {
  const sockets =
    traits.claims === "socket" ? await SocketClaims.open(paths.locks, client) : undefined;
  const claims = new Claims(sockets ?? new LockFileClaims(paths.locks, client));
  return {
    parts: { paths, files, claims, client, now },
    staging: new StagingArea(paths.tmp, claims, { host, bootId }),
    sweepLocks: async () => {
      await sockets?.sweep();
    },
  };
}

/** Clears away what dead processes left. */
async function recover({ parts, staging, sweepLocks }: StoreWriter): Promise<void> {
  const steps = [
    () => finishRemovals(parts),
    () => staging.sweep(parts.now()),
    // After the staging, whose owners are asked for by their sockets.
    sweepLocks,
  ];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      // A full disk or a file that is not ours to delete: the next start tries again, and until
      // then every image can be used.
      if (!(error instanceof StoreError)) throw error;
    }
  }
}
