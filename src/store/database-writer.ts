import { sweepBackup, writeBackup } from "./backup.ts";
import type { Connection } from "./connection.ts";
import { lastUse, recordUse } from "./image-records.ts";
import { keepReserve, withReserve } from "./reserve.ts";
import type { StorePaths } from "./store-directory.ts";

/** So soon after another one a use is no reason to write: that waits for the disk, and none is as fine. */
const USE_GRAIN_MS = 60_000;

/** How long use times may wait for a write that they can share. */
const USE_DELAY_MS = 30_000;

/** How long the last of them may hold up the end of a command. */
const CLOSE_WAIT_MS = 100;

/** How old the backup may be while a process goes on changing names. */
const BACKUP_DELAY_MS = 600_000;

/** Writes to an open database, the use times that wait for one, and the backup that follows them. */
export class DatabaseWriter {
  readonly #connection: Connection;
  readonly #readOnly: boolean;
  readonly #paths: StorePaths;
  readonly #uses = new Map<string, number>();
  /** Whether one of them is worth a write of its own. */
  #isUseDue = false;
  /** Whether the backup knows less of images and names than the database. */
  #isBackupOld = false;
  #backupTimer: NodeJS.Timeout | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(connection: Connection, paths: StorePaths, options: { readonly readOnly: boolean }) {
    this.#connection = connection;
    this.#paths = paths;
    this.#readOnly = options.readOnly;
    if (this.#readOnly) return;
    sweepBackup(paths);
    keepReserve(paths);
  }

  /** Remembers a use of image `id`; written with the next write, after a delay or at the close. */
  touch(id: string, now: number): void {
    // Who may only read a store leaves no trace of having done so.
    if (this.#readOnly) return;
    const last = lastUse(this.#connection, id);
    if (last === undefined) return;
    // Whatever is written next has it with it: what removes idle images knows every use of this process.
    this.#uses.set(id, now);
    if (now - last < USE_GRAIN_MS) return;
    this.#isUseDue = true;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#flushUses();
    }, USE_DELAY_MS).unref();
  }

  /** A write that makes room: for it there is some put aside. */
  remove<T>(work: () => T): T {
    return withReserve(this.#paths, () => this.change(work));
  }

  /** A write of what the backup keeps. */
  change<T>(work: () => T): T {
    const before = this.#connection.changes();
    const result = this.write(work);
    if (this.#connection.changes() === before) return result;
    this.#isBackupOld = true;
    this.#backupTimer ??= setTimeout(() => {
      this.#backupTimer = undefined;
      this.#writeBackup();
    }, BACKUP_DELAY_MS).unref();
    return result;
  }

  write<T>(work: () => T): T {
    const result = this.#connection.write(() => {
      for (const [id, at] of this.#uses) recordUse(this.#connection, id, at);
      return work();
    });
    this.#uses.clear();
    this.#isUseDue = false;
    return result;
  }

  /** Ends without a word: neither use times nor a backup are written. */
  abandon(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#backupTimer);
  }

  /** Writes what waits. The connection stays open. */
  close(): void {
    this.abandon();
    this.#connection.execute(`PRAGMA busy_timeout = ${CLOSE_WAIT_MS}`);
    this.#flushUses();
    this.#writeBackup();
    if (!this.#readOnly) keepReserve(this.#paths);
  }

  /** Writes the use times that wait; they keep waiting where that fails. */
  #flushUses(): void {
    if (!this.#isUseDue) return;
    try {
      this.write(() => undefined);
    } catch {
      // Nobody asked for this write: a busy or full store loses a use time and nothing else.
    }
  }

  #writeBackup(): void {
    if (!this.#isBackupOld) return;
    try {
      writeBackup(this.#connection, this.#paths);
      this.#isBackupOld = false;
    } catch {
      // A full disk, say: the backup before stays, and the next one is due as before.
    }
  }
}
