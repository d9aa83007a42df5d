import { chmodSync, existsSync, fsyncSync, closeSync, openSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Connection } from "./connection.ts";
import { withLock } from "./lock-files.ts";
import type { StoreTraits } from "./operations.ts";
import { choiceOf, damaged, numberOf } from "./row.ts";
import type { StorePaths } from "./store-directory.ts";
import { StoreError } from "./store-error.ts";

/** Raised by every change to the tables below. */
export const SCHEMA_VERSION = 1;

/** "Sifl": tells our database from any other. */
const APPLICATION_ID = 0x5369666c;

/**
 * Files are named by rules and never by rows (`images/<id>.sif`), so that a store can be moved.
 * Times are milliseconds since 1970.
 */
const TABLES = `
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

/**
 * Makes the database where there is none. It appears complete under its name or not at all, and
 * of two processes that make it at once the later one finds the earlier one's.
 */
export function createDatabase(paths: StorePaths, traits: StoreTraits): void {
  if (existsSync(paths.database)) return;
  withLock(join(paths.locks, "create.lock"), () => {
    if (existsSync(paths.database)) return;
    const fresh = join(paths.tmp, "new.db");
    // Left by one who died here; with the lock in hand it is nobody's.
    for (const suffix of ["", "-journal", "-wal", "-shm"]) rmSync(fresh + suffix, { force: true });
    writeSchema(fresh, traits);
    renameSync(fresh, paths.database);
    syncDirectory(paths.root);
  });
}

function writeSchema(path: string, traits: StoreTraits): void {
  const connection = new Connection(path, { readOnly: false });
  try {
    // SQLite gives the journal, WAL and shared memory files the mode of the database.
    chmodSync(path, 0o600);
    if (traits.journal === "wal") connection.execute("PRAGMA journal_mode = WAL");
    connection.write(() => {
      connection.execute(TABLES);
      connection.run("INSERT INTO setting VALUES ('claims', ?)", traits.claims);
      connection.execute(`PRAGMA application_id = ${APPLICATION_ID}`);
      connection.execute(`PRAGMA user_version = ${SCHEMA_VERSION}`);
    });
  } finally {
    connection.close();
  }
}

function syncDirectory(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Checks that the open database is one of ours that this version understands.
 *
 * @throws StoreError `STORE_SCHEMA` for a newer version, `STORE_DAMAGED` for what is none of ours
 */
export function readTraits(connection: Connection, path: string): StoreTraits {
  const applicationId = numberOf(connection.get("PRAGMA application_id") ?? {}, "application_id");
  if (applicationId !== APPLICATION_ID) {
    throw damaged(`${path}: application id`, String(APPLICATION_ID), applicationId);
  }
  const version = numberOf(connection.get("PRAGMA user_version") ?? {}, "user_version");
  if (version !== SCHEMA_VERSION) {
    throw new StoreError(
      "STORE_SCHEMA",
      `${path}: expected schema version ${SCHEMA_VERSION}, got ${version}: ` +
        "the store was written by a newer siflet",
    );
  }
  const journal = connection.get("PRAGMA journal_mode")?.["journal_mode"];
  const claims = connection.get("SELECT value FROM setting WHERE name = 'claims'") ?? {};
  return {
    journal: journal === "wal" ? "wal" : "rollback",
    claims: choiceOf(claims, "value", ["socket", "lock-file"]),
  };
}
