import type { Profile } from "../image/index.ts";
import type { Connection } from "./connection.ts";
import { ImageFault } from "./image-fault.ts";
import type { Lookup, RecordedImage } from "./operations.ts";
import { choiceOf, numberOf, optionalNumberOf, optionalTextOf, textOf, type Row } from "./row.ts";
import type { Borrow, LocalFile, NewImage } from "./stored-image.ts";

/** As many candidates as the error for an ambiguous prefix carries. */
const MAX_CANDIDATES = 100;

/** A list in one parameter: JSON text. */
const LISTED = "(SELECT value FROM json_each(?))";

/** Shorter ones would let a slip of the finger name an image. */
const ID_PREFIX = /^[0-9a-f]{3,64}$/;

/**
 * The id that `lookup` means: by the first of its names that is known, else by id or unique
 * prefix.
 *
 * @throws ImageFault `NOT_FOUND`, with `candidates` where a prefix fits several
 */
export function findId(connection: Connection, lookup: Lookup): string {
  return find(connection, lookup).id;
}

/** As `findId`, with the one of the names that it was found by; none for an id. */
export function find(
  connection: Connection,
  { text, names }: Lookup,
): { readonly id: string; readonly name?: string } {
  for (const name of names) {
    const row = connection.get("SELECT image FROM name WHERE name = ?", name);
    if (row !== undefined) return { id: textOf(row, "image"), name };
  }
  const candidates = ID_PREFIX.test(text) ? idsWithPrefix(connection, text) : [];
  const [id] = candidates;
  if (id === undefined) throw notFound(text);
  if (candidates.length === 1) return { id };
  throw new ImageFault(
    "NOT_FOUND",
    `${text}: expected the beginning of one image's id, got that of ${candidates.length} images`,
    candidates,
  );
}

function idsWithPrefix(connection: Connection, prefix: string): readonly string[] {
  // "g" sorts after every hex digit: all that begin with the prefix lie in between.
  return connection
    .all(
      "SELECT id FROM image WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
      prefix,
      `${prefix}g`,
      MAX_CANDIDATES,
    )
    .map((row) => textOf(row, "id"));
}

export function notFound(text: string): ImageFault {
  return new ImageFault("NOT_FOUND", `${text.slice(0, 300)}: no such image in the store`);
}

/** The image `id` with the borrows that count at `now`; undefined where it is not stored. */
export function imageById(
  connection: Connection,
  id: string,
  now: number,
): RecordedImage | undefined {
  return imagesWhere(connection, "id = ?", id, now)[0];
}

/** @throws ImageFault `NOT_FOUND` */
export function requireImage(connection: Connection, id: string, now: number): RecordedImage {
  const image = imageById(connection, id, now);
  if (image === undefined) throw notFound(id);
  return image;
}

/** Images of one content, the one used last first. */
export function imagesByContent(
  connection: Connection,
  contentKey: string,
  now: number,
): readonly RecordedImage[] {
  return imagesWhere(connection, "content_key = ?", contentKey, now);
}

/** Ids of all images, the one used last first. */
export function imageIds(connection: Connection): readonly string[] {
  return connection
    .all("SELECT id FROM image ORDER BY last_used_at DESC, id")
    .map((row) => textOf(row, "id"));
}

/** The images with these ids, in their order; those that are gone are left out. */
export function imagesById(
  connection: Connection,
  ids: readonly string[],
  now: number,
): readonly RecordedImage[] {
  const listed = imagesWhere(connection, `id IN ${LISTED}`, JSON.stringify(ids), now);
  const images = new Map(listed.map((each) => [each.id, each]));
  return ids.flatMap((id) => images.get(id) ?? []);
}

/** Four queries whatever the number of images: one for each would take seconds for thousands. */
function imagesWhere(
  connection: Connection,
  condition: "id = ?" | "content_key = ?" | `id IN ${typeof LISTED}`,
  value: string,
  now: number,
): readonly RecordedImage[] {
  const rows = connection.all(
    `SELECT image.*, handler FROM image LEFT JOIN runtime_handler ON image = id
      WHERE ${condition} ORDER BY last_used_at DESC, id`,
    value,
  );
  const ids = JSON.stringify(rows.map((row) => textOf(row, "id")));
  const names = grouped(
    connection.all(
      `SELECT image, kind, name FROM name WHERE image IN ${LISTED} ORDER BY position`,
      ids,
    ),
  );
  const borrows = grouped(
    connection.all(
      `SELECT * FROM borrow WHERE image IN ${LISTED}
        AND (expires_at IS NULL OR expires_at > ?) ORDER BY who`,
      ids,
      now,
    ),
  );
  const files = grouped(
    connection.all(`SELECT * FROM local_file WHERE image IN ${LISTED} ORDER BY path`, ids),
  );
  return rows.map((row) => {
    const id = textOf(row, "id");
    return {
      ...imageOf(row, names.get(id) ?? []),
      borrowers: (borrows.get(id) ?? []).map(borrowOf),
      localFiles: (files.get(id) ?? []).map(localFileOf),
    };
  });
}

function grouped(rows: readonly Row[]): ReadonlyMap<string, readonly Row[]> {
  return Map.groupBy(rows, (row) => textOf(row, "image"));
}

function imageOf(row: Row, names: readonly Row[]): Omit<RecordedImage, "borrowers" | "localFiles"> {
  const tags: string[] = [];
  const digests: string[] = [];
  for (const name of names) {
    (name["kind"] === "tag" ? tags : digests).push(textOf(name, "name"));
  }
  const contentKey = optionalTextOf(row, "content_key");
  const ociConfigJson = optionalTextOf(row, "oci_config");
  const variant = textOf(row, "variant");
  const runtimeHandler = optionalTextOf(row, "handler");
  return {
    id: textOf(row, "id"),
    size: numberOf(row, "size"),
    names: { tags, digests },
    origin: choiceOf(row, "origin", ["layers", "sif", "local"]),
    ...(contentKey === undefined ? {} : { contentKey }),
    ...profileOf(row),
    platform: {
      os: textOf(row, "os"),
      architecture: textOf(row, "architecture"),
      ...(variant === "" ? {} : { variant }),
    },
    ...(ociConfigJson === undefined ? {} : { ociConfigJson }),
    sourceJson: textOf(row, "source"),
    createdAt: numberOf(row, "created_at"),
    lastUsedAt: numberOf(row, "last_used_at"),
    pinned: numberOf(row, "pinned") !== 0,
    sideLoaded: numberOf(row, "side_loaded") !== 0,
    ...(runtimeHandler === undefined ? {} : { runtimeHandler }),
  };
}

function profileOf(row: Row): { readonly profile?: Profile } {
  const codec = optionalTextOf(row, "codec");
  if (codec === undefined) return {};
  return {
    profile: {
      codec,
      compression: choiceOf(row, "compression", ["gzip", "zstd"]),
      owners: choiceOf(row, "owners", ["image", "root"]),
      layout: textOf(row, "layout"),
    },
  };
}

function localFileOf(row: Row): LocalFile {
  return { path: textOf(row, "path"), identity: textOf(row, "identity") };
}

function borrowOf(row: Row): Borrow {
  const expiresAt = optionalNumberOf(row, "expires_at");
  const note = optionalTextOf(row, "note");
  const reference = optionalTextOf(row, "reference");
  return {
    who: textOf(row, "who"),
    ...(reference === undefined ? {} : { reference }),
    takenAt: numberOf(row, "taken_at"),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(note === undefined ? {} : { note }),
  };
}

/**
 * Records `image`. One that is there keeps what is known of it, except that a conversion from
 * layers that gave the bytes of a SIF that came ready-made proves more than the SIF did, and that
 * a file in the store outlives one outside of it.
 */
export function insertImage(connection: Connection, image: NewImage, now: number): void {
  const { profile, platform } = image;
  connection.run(
    `INSERT INTO image VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0)
      ON CONFLICT (id) DO UPDATE SET
        origin = excluded.origin, content_key = excluded.content_key, codec = excluded.codec,
        compression = excluded.compression, owners = excluded.owners, layout = excluded.layout,
        oci_config = excluded.oci_config, source = excluded.source
      WHERE (image.origin = 'sif' AND excluded.origin = 'layers')
        OR (image.origin = 'local' AND excluded.origin <> 'local')`,
    image.id,
    image.size,
    image.origin,
    image.contentKey ?? null,
    profile?.codec ?? null,
    profile?.compression ?? null,
    profile?.owners ?? null,
    profile?.layout ?? null,
    platform.os,
    platform.architecture,
    platform.variant ?? "",
    image.ociConfigJson ?? null,
    JSON.stringify(image.source),
    image.createdAt,
    now,
  );
  if (image.sideLoaded === true) {
    connection.run("UPDATE image SET side_loaded = 1 WHERE id = ?", image.id);
  }
  if (image.localFile !== undefined) {
    placeLocalFile(connection, image.id, image.localFile);
  }
  recordUse(connection, image.id, now);
}

/** The file at the path is this image now; what it was before is forgotten with its last file. */
function placeLocalFile(connection: Connection, id: string, { path, identity }: LocalFile): void {
  connection.run("INSERT OR REPLACE INTO local_file VALUES (?, ?, ?)", path, id, identity);
  connection.run(
    `DELETE FROM image WHERE origin = 'local' AND id NOT IN (SELECT image FROM local_file)
      AND id NOT IN (SELECT image FROM borrow)`,
  );
}

/** Records for which of Kubernetes' runtime handlers an image was pulled last; "" is the usual one. */
export function setRuntimeHandler(connection: Connection, id: string, handler: string): void {
  if (handler === "") connection.run("DELETE FROM runtime_handler WHERE image = ?", id);
  else connection.run("INSERT OR REPLACE INTO runtime_handler VALUES (?, ?)", id, handler);
}

export function recordUse(connection: Connection, id: string, at: number): void {
  connection.run("UPDATE image SET last_used_at = max(last_used_at, ?) WHERE id = ?", at, id);
}

/** When `id` was used last as far as is recorded; undefined where there is no such image. */
export function lastUse(connection: Connection, id: string): number | undefined {
  const row = connection.get("SELECT last_used_at FROM image WHERE id = ?", id);
  return row === undefined ? undefined : numberOf(row, "last_used_at");
}

/** Whether `id` has all of the names. */
export function hasNames(connection: Connection, id: string, names: NewImage["names"]): boolean {
  return [...names.tags, ...names.digests].every((name) => {
    const row = connection.get("SELECT image FROM name WHERE name = ?", name);
    return row !== undefined && textOf(row, "image") === id;
  });
}

/** Gives `id` the names; one that another image has leaves it. */
export function moveNames(connection: Connection, id: string, names: NewImage["names"]): void {
  for (const tag of names.tags) moveName(connection, id, tag, "tag");
  for (const digest of names.digests) moveName(connection, id, digest, "digest");
}

function moveName(connection: Connection, id: string, name: string, kind: "tag" | "digest"): void {
  // A name that stays where it is keeps its place in the list.
  connection.run("DELETE FROM name WHERE name = ? AND image <> ?", name, id);
  connection.run(
    "INSERT INTO name (name, kind, image) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING",
    name,
    kind,
    id,
  );
}
