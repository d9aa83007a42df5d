import type { Connection } from "./connection.ts";
import type { Deliveries, KeptSignatures, ObjectDigestMap } from "./operations.ts";
import { textOf } from "./row.ts";
import type { ManifestKey, ManifestRecord } from "./stored-image.ts";

export function insertDeliveries(connection: Connection, { host, layers }: Deliveries): void {
  for (const { blobDigest, diffId } of layers) {
    connection.run("INSERT OR IGNORE INTO delivery VALUES (?, ?, ?)", host, blobDigest, diffId);
  }
}

/** Whether `host` delivered every one of the layers. */
export function hasDeliveries(connection: Connection, { host, layers }: Deliveries): boolean {
  return layers.every(
    ({ blobDigest, diffId }) =>
      connection.get(
        "SELECT 1 FROM delivery WHERE host = ? AND blob = ? AND diff_id = ?",
        host,
        blobDigest,
        diffId,
      ) !== undefined,
  );
}

export function insertManifest(connection: Connection, record: ManifestRecord): void {
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

/** The content key recorded for a manifest. */
export function manifestContent(
  connection: Connection,
  { host, repository, digest, platform }: ManifestKey,
): string | undefined {
  const row = connection.get(
    `SELECT content_key FROM manifest
      WHERE host = ? AND repository = ? AND digest = ? AND platform = ?`,
    host,
    repository,
    digest,
    platform,
  );
  return row && textOf(row, "content_key");
}

export function insertObjectDigests(
  connection: Connection,
  id: string,
  digests: ObjectDigestMap,
): void {
  for (const [objects, hex] of digests) {
    // The image may be gone since its file was read.
    connection.run(
      "INSERT OR IGNORE INTO object_digest SELECT id, ?, ? FROM image WHERE id = ?",
      objects,
      hex,
      id,
    );
  }
}

export function objectDigests(connection: Connection, id: string): ObjectDigestMap {
  const rows = connection.all("SELECT * FROM object_digest WHERE image = ?", id);
  return new Map(rows.map((row) => [textOf(row, "objects"), textOf(row, "hex")]));
}

/** What was kept by one of the names is replaced. */
export function insertSignatures(connection: Connection, id: string, kept: KeptSignatures): void {
  for (const [name, text] of kept) {
    connection.run(
      "INSERT OR REPLACE INTO kept_signatures SELECT id, ?, ? FROM image WHERE id = ?",
      name,
      text,
      id,
    );
  }
}

export function keptSignatures(connection: Connection, id: string): KeptSignatures {
  const rows = connection.all("SELECT * FROM kept_signatures WHERE image = ?", id);
  return new Map(rows.map((row) => [textOf(row, "name"), textOf(row, "kept")]));
}
