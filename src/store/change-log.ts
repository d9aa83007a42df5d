import type { Connection } from "./connection.ts";
import { choiceOf, numberOf, optionalTextOf, textOf, type Row } from "./row.ts";

/** One thing that changed about the images of a store, whichever process did it. */
export interface StoreChange {
  /**
   * `came` and `went`: the image itself; `named` and `unnamed`: one of its names; `changed`: something
   * else of what is recorded, but for its use and its borrowers.
   */
  readonly kind: ChangeKind;
  readonly id: string;
  /** For `named` and `unnamed`. */
  readonly name?: string;
}

export type ChangeKind = (typeof CHANGE_KINDS)[number];

const CHANGE_KINDS = ["came", "went", "changed", "named", "unnamed"] as const;

/** What changed since some position in the log of changes. */
export interface StoreChanges {
  /** Where the log ends now. */
  readonly position: number;
  /** False where the log does not reach back so far: anything may have changed. */
  readonly isComplete: boolean;
  /** The oldest first. */
  readonly changes: readonly StoreChange[];
}

/** As many changes as are kept; whoever was away for more looks at everything anew. */
const KEPT_CHANGES = 4096;

/** The oldest go some at a time: each deletion costs. */
const SWEEP_EVERY = 64;

/**
 * The log and what fills it. Triggers, so that no write can forget it, and a reader in another process
 * learns of it. Use times and borrows change all the time and are left out.
 */
export const CHANGE_LOG_TABLES: string = `
  CREATE TABLE change (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    image TEXT NOT NULL,
    name TEXT
  ) STRICT;
  CREATE TRIGGER change_is_bounded AFTER INSERT ON change WHEN NEW.position % ${SWEEP_EVERY} = 0
    BEGIN DELETE FROM change WHERE position <= NEW.position - ${KEPT_CHANGES}; END;
  CREATE TRIGGER image_came AFTER INSERT ON image
    BEGIN INSERT INTO change (kind, image) VALUES ('came', NEW.id); END;
  CREATE TRIGGER image_went AFTER DELETE ON image
    BEGIN INSERT INTO change (kind, image) VALUES ('went', OLD.id); END;
  CREATE TRIGGER image_changed AFTER UPDATE OF origin, oci_config, source, pinned, side_loaded ON image
    BEGIN INSERT INTO change (kind, image) VALUES ('changed', NEW.id); END;
  CREATE TRIGGER name_came AFTER INSERT ON name
    BEGIN INSERT INTO change (kind, image, name) VALUES ('named', NEW.image, NEW.name); END;
  CREATE TRIGGER name_went AFTER DELETE ON name
    BEGIN INSERT INTO change (kind, image, name) VALUES ('unnamed', OLD.image, OLD.name); END;
  CREATE TRIGGER runtime_handler_came AFTER INSERT ON runtime_handler
    BEGIN INSERT INTO change (kind, image) VALUES ('changed', NEW.image); END;
  CREATE TRIGGER runtime_handler_went AFTER DELETE ON runtime_handler
    BEGIN INSERT INTO change (kind, image) VALUES ('changed', OLD.image); END;
  CREATE TRIGGER local_file_came AFTER INSERT ON local_file
    BEGIN INSERT INTO change (kind, image) VALUES ('changed', NEW.image); END;
`;

/** An empty log, for a connection that may not write to a store without one. */
export const CHANGE_LOG_VIEW = `
  CREATE TEMP TABLE change (position INTEGER PRIMARY KEY, kind TEXT, image TEXT, name TEXT);
`;

/** Notes what no table shows: the file of an image that was there already is another one now. */
export function noteChange(connection: Connection, id: string): void {
  connection.run("INSERT INTO change (kind, image) VALUES ('changed', ?)", id);
}

/** @param since - a position; undefined answers where the log ends, without changes */
export function changesSince(connection: Connection, since: number | undefined): StoreChanges {
  const position = endOf(connection);
  if (since === undefined || since === position) {
    return { position, isComplete: true, changes: [] };
  }
  const rows = connection.all(
    "SELECT * FROM change WHERE position > ? AND position <= ? ORDER BY position",
    since,
    position,
  );
  // Positions have no gaps: fewer rows mean that some are forgotten.
  const isComplete = rows.length === position - since;
  return { position, isComplete, changes: isComplete ? rows.map(changeOf) : [] };
}

function endOf(connection: Connection): number {
  const row = connection.get("SELECT coalesce(max(position), 0) AS position FROM change");
  return numberOf(row ?? {}, "position");
}

function changeOf(row: Row): StoreChange {
  const name = optionalTextOf(row, "name");
  return {
    kind: choiceOf(row, "kind", CHANGE_KINDS),
    id: textOf(row, "image"),
    ...(name === undefined ? {} : { name }),
  };
}
