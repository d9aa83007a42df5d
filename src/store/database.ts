import { join } from "node:path";
import { changesSince, noteChange, type StoreChanges } from "./change-log.ts";
import type { Connection } from "./connection.ts";
import { DatabaseWriter } from "./database-writer.ts";
import {
  hasDeliveries,
  insertDeliveries,
  insertManifest,
  insertObjectDigests,
  insertSignatures,
  keptSignatures,
  manifestContent,
  objectDigests,
} from "./evidence-records.ts";
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
  ObjectDigestMap,
  RecordedImage,
  Result,
  StoreCounts,
} from "./operations.ts";
import { numberOf, optionalNumberOf, textOf } from "./row.ts";
import { imageFile, type StorePaths } from "./store-directory.ts";
import type { ManifestKey, ManifestRecord } from "./stored-image.ts";
import { UsageWalk, type UsagePart } from "./usage-walk.ts";

/** Entries that are looked at together: a millisecond's work, for whoever has to wait for it. */
const USAGE_PART = 256;

/** What can be asked of an open database; each method is one transaction (see `Operations`). */
export class Database implements Answers<DatabaseOperation> {
  readonly #connection: Connection;
  /** Measures of directories that go on. */
  readonly #walks = new Map<number, UsageWalk>();
  #lastWalk = 0;
  readonly #paths: StorePaths;
  readonly #writer: DatabaseWriter;

  constructor(connection: Connection, paths: StorePaths, options: { readonly readOnly: boolean }) {
    this.#connection = connection;
    this.#paths = paths;
    this.#writer = new DatabaseWriter(connection, paths, options);
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

  beginUsage({ directory }: Argument<"beginUsage">): number {
    this.#lastWalk += 1;
    this.#walks.set(this.#lastWalk, new UsageWalk(directory));
    return this.#lastWalk;
  }

  nextUsage({ walk }: Argument<"nextUsage">): UsagePart {
    const known = this.#walks.get(walk);
    if (known === undefined) throw new Error(`nextUsage of ${walk}, which has not begun`);
    return known.next(USAGE_PART);
  }

  endUsage({ walk }: Argument<"endUsage">): undefined {
    this.#walks.get(walk)?.[Symbol.dispose]();
    this.#walks.delete(walk);
  }

  commitImage({ image, now }: Argument<"commitImage">): RecordedImage {
    return this.#writer.change(() => {
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
    return this.#writer.change(() => {
      requireImage(this.#connection, id, now);
      moveNames(this.#connection, id, names);
      recordUse(this.#connection, id, now);
      return requireImage(this.#connection, id, now);
    });
  }

  untag({ name, now }: Argument<"untag">): RecordedImage {
    return this.#writer.change(() => {
      const row = this.#connection.get("DELETE FROM name WHERE name = ? RETURNING image", name);
      if (row === undefined) throw notFound(name);
      return requireImage(this.#connection, textOf(row, "image"), now);
    });
  }

  setPinned({ id, pinned, now }: Argument<"setPinned">): RecordedImage {
    return this.#writer.change(() => {
      this.#connection.run("UPDATE image SET pinned = ? WHERE id = ?", pinned ? 1 : 0, id);
      return requireImage(this.#connection, id, now);
    });
  }

  setRuntimeHandler({ id, handler, now }: Argument<"setRuntimeHandler">): RecordedImage {
    return this.#writer.change(() => {
      const image = requireImage(this.#connection, id, now);
      if ((image.runtimeHandler ?? "") === handler) return image;
      setRuntimeHandler(this.#connection, id, handler);
      return requireImage(this.#connection, id, now);
    });
  }

  removeImage({ id, now }: Argument<"removeImage">): RecordedImage {
    return this.#writer.remove(() => {
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
    return this.#writer.remove(() => {
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
    return this.#writer.change(() => {
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
    return this.#writer.change(() => {
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
    this.#writer.touch(id, now);
  }

  recordDeliveries(deliveries: Deliveries): void {
    this.#writer.write(() => {
      insertDeliveries(this.#connection, deliveries);
    });
  }

  delivered(deliveries: Deliveries): boolean {
    return hasDeliveries(this.#connection, deliveries);
  }

  recordManifest(record: ManifestRecord): void {
    this.#writer.write(() => {
      insertManifest(this.#connection, record);
    });
  }

  manifestContent(key: ManifestKey): string | undefined {
    return manifestContent(this.#connection, key);
  }

  recordObjectDigests({ id, digests }: Argument<"recordObjectDigests">): void {
    this.#writer.write(() => {
      insertObjectDigests(this.#connection, id, digests);
    });
  }

  objectDigests({ id }: Argument<"objectDigests">): ObjectDigestMap {
    return objectDigests(this.#connection, id);
  }

  recordSignatures({ id, kept }: Argument<"recordSignatures">): void {
    this.#writer.write(() => {
      insertSignatures(this.#connection, id, kept);
    });
  }

  keptSignatures({ id }: Argument<"keptSignatures">): KeptSignatures {
    return keptSignatures(this.#connection, id);
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

  /** Closes it as it is: what is damaged is not to become the backup. */
  abandon(): void {
    this.#writer.abandon();
    this.#connection.close();
  }

  close(): void {
    this.#writer.close();
    this.#connection.close();
  }
}
