import { join } from "node:path";
import { sweepBackup, writeBackup } from "./backup.ts";
import { changesSince, noteChange, type StoreChanges } from "./change-log.ts";
import type { Connection } from "./connection.ts";
import { fileFactsOf, type FileFacts } from "./file-facts.ts";
import { ImageFault } from "./image-fault.ts";
import {
  find,
  findId,
  hasNames,
  imageById,
  imageIds,
  imagesById,
  imagesByContent,
  insertImage,
  lastUse,
  moveNames,
  notFound,
  recordUse,
  requireImage,
  setRuntimeHandler,
} from "./image-records.ts";
import type {
  Answers,
  Argument,
  Deliveries,
  DatabaseOperation,
  KeptSignatures,
  RecordedImage,
  Result,
  StoreCounts,
} from "./operations.ts";
import { keepReserve, withReserve } from "./reserve.ts";
import { numberOf, optionalNumberOf, textOf } from "./row.ts";
import { imageFile, type StorePaths } from "./store-directory.ts";
import type { ManifestKey, ManifestRecord } from "./stored-image.ts";

/** So soon after another one a use is no reason to write: that waits for the disk, and none is as fine. */
const USE_GRAIN_MS = 60_000;

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

  find({ text, names, now }: Argument<"find">): RecordedImage {
    return this.#connection.snapshot(() => {
      return requireImage(this.#connection, findId(this.#connection, { text, names }), now);
    });
  }

  findFile(lookup: Argument<"findFile">): Result<"findFile"> {
    const image = this.find(lookup);
    const own = join(this.#paths.images, imageFile(image.id));
    const [local] = image.origin === "local" ? image.localFiles : [];
    return { image, facts: fileFactsOf(local?.path ?? own) };
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

  changesSince({ position }: Argument<"changesSince">): StoreChanges {
    return this.#connection.snapshot(() => changesSince(this.#connection, position));
  }

  fileFacts({ paths }: Argument<"fileFacts">): readonly (FileFacts | undefined)[] {
    return paths.map(fileFactsOf);
  }

  commitImage({ image, now }: Argument<"commitImage">): RecordedImage {
    return this.#change(() => {
      // The file is there again: whoever died before deleting the old one left nothing to do.
      this.dropTombstone({ file: imageFile(image.id) });
      if (lastUse(this.#connection, image.id) !== undefined) {
        noteChange(this.#connection, image.id);
      }
      insertImage(this.#connection, image, now);
      moveNames(this.#connection, image.id, image.names);
      if (image.deliveries !== undefined) insertDeliveries(this.#connection, image.deliveries);
      if (image.manifest !== undefined) insertManifest(this.#connection, image.manifest);
      return requireImage(this.#connection, image.id, now);
    });
  }

  addNames({ id, names, now }: Argument<"addNames">): RecordedImage {
    const known = this.#connection.snapshot(() => {
      const image = requireImage(this.#connection, id, now);
      return hasNames(this.#connection, id, names) ? image : undefined;
    });
    if (known !== undefined) {
      this.touch({ id, now });
      return known;
    }
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

  setRuntimeHandler({ id, handler, now }: Argument<"setRuntimeHandler">): RecordedImage {
    return this.#change(() => {
      const image = requireImage(this.#connection, id, now);
      if ((image.runtimeHandler ?? "") === handler) return image;
      setRuntimeHandler(this.#connection, id, handler);
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
      const { id, name } = find(this.#connection, { text, names });
      this.#connection.run(
        `INSERT INTO borrow VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (image, who) DO UPDATE
          SET taken_at = excluded.taken_at, expires_at = excluded.expires_at, note = excluded.note,
            reference = coalesce(excluded.reference, reference)`,
        id,
        who,
        now,
        expiresAt ?? null,
        note ?? null,
        name ?? null,
      );
      recordUse(this.#connection, id, now);
      return requireImage(this.#connection, id, now);
    });
  }

  giveBack({ text, names, who, now }: Argument<"giveBack">): readonly RecordedImage[] {
    return this.#change(() => {
      const taken = names.flatMap((name) => this.#endBorrows("reference", name, who, now));
      const ended =
        taken.length > 0
          ? taken
          : this.#endBorrows("image", findId(this.#connection, { text, names }), who, now);
      return imagesById(this.#connection, ended, now);
    });
  }

  /** Ends borrows of `who`; answers the images of those that still counted. */
  #endBorrows(
    column: "image" | "reference",
    value: string,
    who: string,
    now: number,
  ): readonly string[] {
    return this.#connection
      .all(`DELETE FROM borrow WHERE ${column} = ? AND who = ? RETURNING *`, value, who)
      .filter((row) => (optionalNumberOf(row, "expires_at") ?? Infinity) > now)
      .map((row) => textOf(row, "image"));
  }

  counts({ now }: Argument<"counts">): StoreCounts {
    const row =
      this.#connection.get(
        `SELECT (SELECT COUNT(*) FROM image) AS images,
          (SELECT COUNT(*) FROM borrow WHERE expires_at IS NULL OR expires_at > ?) AS borrows`,
        now,
      ) ?? {};
    return { images: numberOf(row, "images"), borrows: numberOf(row, "borrows") };
  }

  usedBy({ id, now }: Argument<"usedBy">): readonly string[] {
    return this.#connection
      .snapshot(() => requireImage(this.#connection, id, now))
      .borrowers.map(({ who }) => who);
  }

  touch({ id, now }: Argument<"touch">): void {
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

  recordObjectDigests({ id, digests }: Argument<"recordObjectDigests">): void {
    this.#write(() => {
      for (const [objects, hex] of digests) {
        // The image may be gone since its file was read.
        this.#connection.run(
          "INSERT OR IGNORE INTO object_digest SELECT id, ?, ? FROM image WHERE id = ?",
          objects,
          hex,
          id,
        );
      }
    });
  }

  objectDigests({ id }: Argument<"objectDigests">): ReadonlyMap<string, string> {
    const rows = this.#connection.all("SELECT * FROM object_digest WHERE image = ?", id);
    return new Map(rows.map((row) => [textOf(row, "objects"), textOf(row, "hex")]));
  }

  recordSignatures({ id, kept }: Argument<"recordSignatures">): void {
    this.#write(() => {
      for (const [name, text] of kept) {
        this.#connection.run(
          "INSERT OR REPLACE INTO kept_signatures SELECT id, ?, ? FROM image WHERE id = ?",
          name,
          text,
          id,
        );
      }
    });
  }

  keptSignatures({ id }: Argument<"keptSignatures">): KeptSignatures {
    const rows = this.#connection.all("SELECT * FROM kept_signatures WHERE image = ?", id);
    return new Map(rows.map((row) => [textOf(row, "name"), textOf(row, "kept")]));
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
    if (!this.#isUseDue) return;
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
    this.#isUseDue = false;
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
