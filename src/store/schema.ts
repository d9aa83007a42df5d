import { chmodSync, chownSync, existsSync, readdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  isDamage,
  putAside,
  removeCompanions,
  removeDatabase,
  restoreBackup,
  sync,
} from "./backup.ts";
import { CHANGE_LOG_TABLES, CHANGE_LOG_VIEW } from "./change-log.ts";
import { Connection } from "./connection.ts";
import { withOpenersOut } from "./open-lock.ts";
import type { DatabaseStart, StoreTraits } from "./operations.ts";
import { choiceOf, damaged, numberOf } from "./row.ts";
import type { StorePaths } from "./store-directory.ts";
import { StoreError } from "./store-error.ts";

/** Raised by every change to the tables: the first version and its migrations. */
export const SCHEMA_VERSION = 5;

/** "Sifl": tells our database from any other. */
const APPLICATION_ID = 0x5369666c;

/**
 * Files are named by rules and never by rows (`images/<id>.sif`), so that a store can be moved.
 * Times are milliseconds since 1970.
 */
const FIRST_TABLES = `
  CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE image (
    id TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    origin TEXT NOT NULL,
    content_key TEXT,
    codec TEXT,
    compression TEXT,
    owners TEXT,
    layout TEXT,
    os TEXT NOT NULL,
    architecture TEXT NOT NULL,
    variant TEXT NOT NULL,
    oci_config TEXT,
    source TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    pinned INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX image_by_content ON image (content_key);

  CREATE TABLE name (
    position INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    image TEXT NOT NULL REFERENCES image ON DELETE CASCADE
  ) STRICT;
  CREATE INDEX name_by_image ON name (image);

  CREATE TABLE borrow (
    image TEXT NOT NULL REFERENCES image,
    who TEXT NOT NULL,
    taken_at INTEGER NOT NULL,
    expires_at INTEGER,
    note TEXT,
    PRIMARY KEY (image, who)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE tombstone (
    file TEXT PRIMARY KEY
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE delivery (
    host TEXT NOT NULL,
    blob TEXT NOT NULL,
    diff_id TEXT NOT NULL,
    PRIMARY KEY (host, blob, diff_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE manifest (
    host TEXT NOT NULL,
    repository TEXT NOT NULL,
    digest TEXT NOT NULL,
    platform TEXT NOT NULL,
    content_key TEXT NOT NULL,
    PRIMARY KEY (host, repository, digest, platform)
  ) STRICT, WITHOUT ROWID;
`;

/** From one version to the next. */
interface Migration {
  /** What it does to the tables. */
  readonly change: string;
  /** Makes tables of the version before look like these, for a connection that may not write. */
  readonly view: string;
}

/** The first leads from version 1 to version 2, and so on. */
const MIGRATIONS: readonly Migration[] = [
  {
    change: `
      ALTER TABLE image ADD COLUMN side_loaded INTEGER NOT NULL DEFAULT 0;
      CREATE TABLE local_file (
        path TEXT PRIMARY KEY,
        image TEXT NOT NULL REFERENCES image ON DELETE CASCADE,
        identity TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX local_file_by_image ON local_file (image);
    `,
    view: `
      CREATE TEMP VIEW image AS SELECT *, 0 AS side_loaded FROM main.image;
      CREATE TEMP TABLE local_file (path TEXT, image TEXT, identity TEXT);
    `,
  },
  {
    change: "ALTER TABLE borrow ADD COLUMN reference TEXT;",
    view: "CREATE TEMP VIEW borrow AS SELECT *, NULL AS reference FROM main.borrow;",
  },
  {
    change: `
      CREATE TABLE object_digest (
        image TEXT NOT NULL REFERENCES image ON DELETE CASCADE,
        objects TEXT NOT NULL,
        hex TEXT NOT NULL,
        PRIMARY KEY (image, objects)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE kept_signatures (
        image TEXT NOT NULL REFERENCES image ON DELETE CASCADE,
        name TEXT NOT NULL,
        kept TEXT NOT NULL,
        PRIMARY KEY (image, name)
      ) STRICT;
    `,
    view: `
      CREATE TEMP TABLE object_digest (image TEXT, objects TEXT, hex TEXT);
      CREATE TEMP TABLE kept_signatures (image TEXT, name TEXT, kept TEXT);
    `,
  },
  {
    change: `
      CREATE TABLE runtime_handler (
        image TEXT PRIMARY KEY REFERENCES image ON DELETE CASCADE,
        handler TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
      ${CHANGE_LOG_TABLES}
    `,
    view: `
      CREATE TEMP TABLE runtime_handler (image TEXT, handler TEXT);
      ${CHANGE_LOG_VIEW}
    `,
  },
];

/**
 * Makes the database where there is none, and with `replaces` in the place of a damaged one: out of the
 * backup, else an empty one. It appears complete under its name or not at all. Of several processes
 * that do this at once one does it, and none while another has the database open: what that one
 * commits would be lost.
 *
 * @returns `found` where there was nothing to make
 * @throws StoreError `STORE_BUSY` where somebody has the lost or damaged database open
 */
export function makeDatabase(
  paths: StorePaths,
  traits: StoreTraits,
  options: { readonly replaces: boolean },
): DatabaseStart {
  const isNeeded = options.replaces ? () => !isSound(paths) : () => !existsSync(paths.database);
  return withOpenersOut(paths, isNeeded, () => writeDatabase(paths, traits)) ?? "found";
}

function isSound({ database, root }: StorePaths): boolean {
  try {
    const connection = new Connection(database, { readOnly: false });
    try {
      openSchema(connection, database, { readOnly: true });
      return connection.get("PRAGMA integrity_check(1)")?.["integrity_check"] === "ok";
    } finally {
      connection.close();
    }
  } catch (error) {
    if (isDamage(error, root)) return false;
    throw error;
  }
}

function writeDatabase(paths: StorePaths, traits: StoreTraits): "made" | "rebuilt" {
  const fresh = join(paths.tmp, "new.db");
  // Left by one who died here; with the lock in hand it is nobody's.
  removeDatabase(fresh);
  const wasRestored = restoreBackup(paths, fresh, (connection) => {
    requireOurs(connection, paths.database);
    requireKnownVersion(connection, paths.database);
  });
  const hadImages = readdirSync(paths.images).length > 0;
  writeSchema(fresh, paths.images, traits, { isThere: wasRestored });
  // Also the log of one that is gone: it would be played back into this one.
  putAside(paths.database);
  renameSync(fresh, paths.database);
  sync(paths.root);
  return wasRestored || hadImages ? "rebuilt" : "made";
}

function writeSchema(
  path: string,
  images: string,
  traits: StoreTraits,
  { isThere }: { readonly isThere: boolean },
): void {
  const connection = new Connection(path, { readOnly: false });
  try {
    // SQLite gives the journal, WAL and shared memory files the mode of the database, and whoever
    // may read the images may read their names.
    const { mode, gid } = statSync(images);
    chownSync(path, -1, gid);
    chmodSync(path, 0o600 | (mode & 0o044));
    // What SQLite could not play back out of a log when it closes the database, it does not tell: until
    // all is in the file, there is none.
    connection.execute("PRAGMA journal_mode = DELETE");
    connection.write(() => {
      if (!isThere) {
        connection.execute(FIRST_TABLES);
        for (const { change } of MIGRATIONS) connection.execute(change);
        connection.execute(`PRAGMA application_id = ${APPLICATION_ID}`);
        connection.execute(`PRAGMA user_version = ${SCHEMA_VERSION}`);
      }
      // What a removal left to be deleted may have been pulled again since.
      connection.run("DELETE FROM tombstone");
      connection.run("INSERT OR REPLACE INTO setting VALUES ('claims', ?)", traits.claims);
    });
    if (traits.journal === "wal") connection.execute("PRAGMA journal_mode = WAL");
  } finally {
    connection.close();
  }
  // Of a log with nothing in it, where SQLite could not remove it.
  removeCompanions(path);
}

/**
 * Checks that the open database is one of ours that this version understands, and brings an older
 * one up to date: in the file, or for this connection alone where that may only be read.
 *
 * @throws StoreError `STORE_SCHEMA` for a newer version, `STORE_DAMAGED` for what is no database,
 *   `STORE_UNAVAILABLE` for another program's
 */
export function openSchema(
  connection: Connection,
  path: string,
  options: { readonly readOnly: boolean },
): StoreTraits {
  requireOurs(connection, path);
  const version = requireKnownVersion(connection, path);
  if (version < SCHEMA_VERSION) {
    if (options.readOnly) viewAsCurrent(connection, version);
    else migrate(connection, path);
  }
  const journal = connection.get("PRAGMA journal_mode")?.["journal_mode"];
  const claims = connection.get("SELECT value FROM setting WHERE name = 'claims'") ?? {};
  return {
    journal: journal === "wal" ? "wal" : "rollback",
    claims: choiceOf(claims, "value", ["socket", "lock-file"]),
  };
}

function requireOurs(connection: Connection, path: string): void {
  const id = pragmaOf(connection, "application_id");
  if (id === APPLICATION_ID) return;
  // Nobody's is a damaged one of ours; another program's is to stay as it is.
  if (id === 0) throw damaged(`${path}: application id`, String(APPLICATION_ID), id);
  throw new StoreError(
    "STORE_UNAVAILABLE",
    `${path}: expected a database of siflet, got another's`,
  );
}

function viewAsCurrent(connection: Connection, version: number): void {
  connection.execute("PRAGMA temp_store = MEMORY");
  for (const { view } of MIGRATIONS.slice(version - 1)) connection.execute(view);
}

/** One transaction: a crash leaves the version before or this one. */
function migrate(connection: Connection, path: string): void {
  connection.write(() => {
    // Asked again, for another process may have done it while we waited for the lock.
    const version = requireKnownVersion(connection, path);
    for (const { change } of MIGRATIONS.slice(version - 1)) connection.execute(change);
    connection.execute(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  });
}

function requireKnownVersion(connection: Connection, path: string): number {
  const version = pragmaOf(connection, "user_version");
  if (version < 1) throw damaged(`${path}: schema version`, "1 or more", version);
  if (version <= SCHEMA_VERSION) return version;
  throw new StoreError(
    "STORE_SCHEMA",
    `${path}: expected schema version ${SCHEMA_VERSION} or less, got ${version}: ` +
      "the store was written by a newer siflet",
  );
}

function pragmaOf(connection: Connection, name: "application_id" | "user_version"): number {
  return numberOf(connection.get(`PRAGMA ${name}`) ?? {}, name);
}
