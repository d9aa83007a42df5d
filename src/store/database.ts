import { writeBackup } from "./backup.ts";
import type { Connection } from "./connection.ts";
import { ImageFault } from "./image-fault.ts";
import {
  findId,
  imageById,
  imageIds,
  imagesById,
  imagesByContent,
  insertImage,
  moveNames,
  notFound,
  recordUse,
  requireImage,
} from "./image-records.ts";
import type {
  Answers,
  Argument,
  Deliveries,
  DatabaseOperation,
  RecordedImage,
} from "./operations.ts";
import { keepReserve, withReserve } from "./reserve.ts";
import { textOf } from "./row.ts";
import { imageFile, type StorePaths } from "./store-directory.ts";
import type { ManifestKey, ManifestRecord } from "./stored-image.ts";

/** How long use times may wait for a write that they can share. */
const USE_DELAY_MS = 30_000;

/** How long the last of them may hold up the end of a command. */
const CLOSE_WAIT_MS = 100;

/** How old the backup may be while a process goes on changing names. */
const BACKUP_DELAY_MS = 600_000;

/** What can be asked of an open database; each method is one transaction (see `Operations`). */
export class Database implements Answers<DatabaseOperation> {
  readonly #connection: Connection;
  readonly #readOnly: boolean;
  readonly #paths: StorePaths;
  readonly #uses = new Map<string, number>();
  /** Whether the backup knows less of images and names than the database. */
  #isBackupOld = false;
  #backupTimer: NodeJS.Timeout | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(connection: Connection, paths: StorePaths, options: { readonly readOnly: boolean }) {
    this.#connection = connection;
    this.#paths = paths;
    this.#readOnly = options.readOnly;
    if (!this.#readOnly) keepReserve(paths);
  }

  find({ text, names, now }: Argument<"find">): RecordedImage {
    return this.#connection.snapshot(() => {
      return requireImage(this.#connection, findId(this.#connection, { text, names }), now);
    });
  }

  findById({ id, now }: Argument<"findById">): RecordedImage | undefined {
    return this.#connection.snapshot(() => imageById(this.#connection, id, now));
  }

  findByContent({ contentKey, now }: Argument<"findByContent">): readonly RecordedImage[] {
    return this.#connection.snapshot(() => imagesByContent(this.#connection, contentKey, now));
  }

  listIds(): readonly string[] {
    return imageIds(this.#connection);
  }

  listSome({ ids, now }: Argument<"listSome">): readonly RecordedImage[] {
    return this.#connection.snapshot(() => imagesById(this.#connection, ids, now));
  }

  commitImage({ image, now }: Argument<"commitImage">): RecordedImage {
    return this.#change(() => {
      // The file is there again: whoever died before deleting the old one left nothing to do.
      this.dropTombstone({ file: imageFile(image.id) });
      insertImage(this.#connection, image, now);
      moveNames(this.#connection, image.id, image.names);
      if (image.deliveries !== undefined) insertDeliveries(this.#connection, image.deliveries);
      if (image.manifest !== undefined) insertManifest(this.#connection, image.manifest);
      return requireImage(this.#connection, image.id, now);
    });
  }

  addNames({ id, names, now }: Argument<"addNames">): RecordedImage {
    return this.#change(() => {
      requireImage(this.#connection, id, now);
      moveNames(this.#connection, id, names);
      recordUse(this.#connection, id, now);
      return requireImage(this.#connection, id, now);
    });
  }

  untag({ name, now }: Argument<"untag">): RecordedImage {
    return this.#change(() => {
      const row = this.#connection.get("DELETE FROM name WHERE name = ? RETURNING image", name);
      if (row === undefined) throw notFound(name);
      return requireImage(this.#connection, textOf(row, "image"), now);
    });
  }

  setPinned({ id, pinned, now }: Argument<"setPinned">): RecordedImage {
    return this.#change(() => {
      this.#connection.run("UPDATE image SET pinned = ? WHERE id = ?", pinned ? 1 : 0, id);
      return requireImage(this.#connection, id, now);
    });
  }

  removeImage({ id, now }: Argument<"removeImage">): RecordedImage {
    return this.#remove(() => {
      const image = requireImage(this.#connection, id, now);
      const candidates = image.borrowers.map(({ who }) => who);
      if (candidates.length > 0) {
        const [name = `image ${id}`] = [...image.names.tags, ...image.names.digests];
        const users = candidates.slice(0, 10).join(", ");
        throw new ImageFault("IS_USED", `${name}: used by ${users}`, candidates);
      }
      this.#entomb(id);
      return image;
    });
  }

  removeIdle({ id, usedBefore, now }: Argument<"removeIdle">): RecordedImage | undefined {
    return this.#remove(() => {
      const image = imageById(this.#connection, id, now);
      if (image === undefined || image.borrowers.length > 0 || image.pinned) return undefined;
      if (image.lastUsedAt >= usedBefore) return undefined;
      this.#entomb(id);
      return image;
    });
  }

  /** Deletes the record of an image that nobody borrows, and leaves a tombstone of its file. */
  #entomb(id: string): void {
    // What is left here has expired.
    this.#connection.run("DELETE FROM borrow WHERE image = ?", id);
    this.#connection.run("DELETE FROM image WHERE id = ?", id);
    this.#connection.run("INSERT OR IGNORE INTO tombstone VALUES (?)", imageFile(id));
  }

  tombstones(): readonly string[] {
    return this.#connection
      .all("SELECT file FROM tombstone WHERE file NOT IN (SELECT id || '.sif' FROM image)")
      .map((row) => textOf(row, "file"));
  }

  dropTombstone({ file }: Argument<"dropTombstone">): void {
    this.#connection.run("DELETE FROM tombstone WHERE file = ?", file);
  }

  borrow({ text, names, who, expiresAt, note, now }: Argument<"borrow">): RecordedImage {
    return this.#change(() => {
      const id = findId(this.#connection, { text, names });
      this.#connection.run(
        `INSERT INTO borrow VALUES (?, ?, ?, ?, ?) ON CONFLICT (image, who) DO UPDATE
          SET taken_at = excluded.taken_at, expires_at = excluded.expires_at, note = excluded.note`,
        id,
        who,
        now,
        expiresAt ?? null,
        note ?? null,
      );
      recordUse(this.#connection, id, now);
      return requireImage(this.#connection, id, now);
    });
  }

  giveBack({ id, who }: Argument<"giveBack">): boolean {
    const sql = "DELETE FROM borrow WHERE image = ? AND who = ?";
    return this.#change(() => this.#connection.run(sql, id, who)) > 0;
  }

  usedBy({ id, now }: Argument<"usedBy">): readonly string[] {
    return this.#connection
      .snapshot(() => requireImage(this.#connection, id, now))
      .borrowers.map(({ who }) => who);
  }

  touch({ id, now }: Argument<"touch">): void {
    // Who may only read a store leaves no trace of having done so.
    if (this.#readOnly) return;
    this.#uses.set(id, now);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.flushUses();
    }, USE_DELAY_MS).unref();
  }

  recordDeliveries(deliveries: Deliveries): void {
    this.#write(() => {
      insertDeliveries(this.#connection, deliveries);
    });
  }

  delivered({ host, layers }: Deliveries): boolean {
    return layers.every(
      ({ blobDigest, diffId }) =>
        this.#connection.get(
          "SELECT 1 FROM delivery WHERE host = ? AND blob = ? AND diff_id = ?",
          host,
          blobDigest,
          diffId,
        ) !== undefined,
    );
  }

  recordManifest(record: ManifestRecord): void {
    this.#write(() => {
      insertManifest(this.#connection, record);
    });
  }

  manifestContent({ host, repository, digest, platform }: ManifestKey): string | undefined {
    const row = this.#connection.get(
      `SELECT content_key FROM manifest
        WHERE host = ? AND repository = ? AND digest = ? AND platform = ?`,
      host,
      repository,
      digest,
      platform,
    );
    return row && textOf(row, "content_key");
  }

  ownedFiles(): readonly string[] {
    return this.#connection
      .all(
        "SELECT id || '.sif' AS file FROM image WHERE origin <> 'local' UNION SELECT file FROM tombstone",
      )
      .map((row) => textOf(row, "file"));
  }

  integrity(): readonly string[] {
    const found = this.#connection
      .all("PRAGMA integrity_check(20)")
      .map((row) => textOf(row, "integrity_check"));
    const strays = this.#connection
      .all("PRAGMA foreign_key_check")
      .map((row) => `a row of ${textOf(row, "table")} belongs to nothing`);
    return [...found.filter((text) => text !== "ok"), ...strays];
  }

  /** Writes the use times that wait; they keep waiting where that fails. */
  flushUses(): void {
    if (this.#uses.size === 0) return;
    try {
      this.#write(() => undefined);
    } catch {
      // Nobody asked for this write: a busy or full store loses a use time and nothing else.
    }
  }

  /** Closes it as it is: what is damaged is not to become the backup. */
  abandon(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#backupTimer);
    this.#connection.close();
  }

  close(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#backupTimer);
    this.#connection.execute(`PRAGMA busy_timeout = ${CLOSE_WAIT_MS}`);
    this.flushUses();
    this.#writeBackup();
    if (!this.#readOnly) keepReserve(this.#paths);
    this.#connection.close();
  }

  /** A write that makes room: for it there is some put aside. */
  #remove<T>(work: () => T): T {
    return withReserve(this.#paths, () => this.#change(work));
  }

  /** A write of what the backup keeps. */
  #change<T>(work: () => T): T {
    const before = this.#connection.changes();
    const result = this.#write(work);
    if (this.#connection.changes() === before) return result;
    this.#isBackupOld = true;
    this.#backupTimer ??= setTimeout(() => {
      this.#backupTimer = undefined;
      this.#writeBackup();
    }, BACKUP_DELAY_MS).unref();
    return result;
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

  #write<T>(work: () => T): T {
    const result = this.#connection.write(() => {
      for (const [id, at] of this.#uses) recordUse(this.#connection, id, at);
      return work();
    });
    this.#uses.clear();
    return result;
  }
}

function insertDeliveries(connection: Connection, { host, layers }: Deliveries): void {
  for (const { blobDigest, diffId } of layers) {
    connection.run("INSERT OR IGNORE INTO delivery VALUES (?, ?, ?)", host, blobDigest, diffId);
  }
}

function insertManifest(connection: Connection, record: ManifestRecord): void {
  connection.run(
    `INSERT INTO manifest VALUES (?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET content_key = excluded.content_key`,
    record.host,
    record.repository,
    record.digest,
    record.platform,
    record.contentKey,
  );
}
