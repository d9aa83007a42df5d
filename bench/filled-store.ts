import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openStore } from "../src/store/index.ts";

/** Images of a filled store. */
export const IMAGES = 10_000;
/** Size of each. */
const IMAGE_BYTES = 50_000_000;
/** Files that are written at a time. */
const PART = 500;

/** Id of the image with this number. */
export function idOf(number: number): string {
  return createHash("sha256").update(`image ${number}`).digest("hex");
}

/** Name of the image with this number. */
export function nameOf(number: number): string {
  return `registry.example/team-${number % 100}/app-${number}:1.0`;
}

/** Makes a store with `IMAGES` images, whose files are not there. */
export async function fillStore(directory: string): Promise<void> {
  await (await openStore({ directory, host: "bench", bootId: "b0", now: Date.now })).close();
  fill(join(directory, "siflet.db"));
}

/** Gives every image of a filled store its file, which is one hole. */
export async function fillFiles(directory: string): Promise<void> {
  for (let start = 0; start < IMAGES; start += PART) {
    const part = Array.from({ length: Math.min(PART, IMAGES - start) }, (_, at) => start + at);
    await Promise.all(
      part.map(async (number) => {
        await using file = await open(join(directory, "images", `${idOf(number)}.sif`), "wx");
        await file.truncate(IMAGE_BYTES);
      }),
    );
  }
}

/** In one transaction: published one by one they would take minutes. */
function fill(path: string): void {
  using database = new DatabaseSync(path);
  const image = database.prepare(
    "INSERT INTO image VALUES (?, ?, 'layers', ?, 'gzip/1', 'gzip', 'image', 'layout/1', 'linux', 'amd64', '', ?, ?, ?, ?, 0, 0)",
  );
  const name = database.prepare("INSERT INTO name (name, kind, image) VALUES (?, ?, ?)");
  database.exec("BEGIN");
  for (let number = 0; number < IMAGES; number += 1) {
    const id = idOf(number);
    const digest = `sha256:${id}`;
    const layer = { digest, diffId: digest, size: 1e7, mediaType: "application/x-layer" };
    const source = { reference: nameOf(number), host: "registry.example", layers: [layer, layer] };
    const config = { Env: ["PATH=/usr/local/bin:/usr/bin:/bin"], Cmd: ["/bin/app", `${number}`] };
    image.run(
      id,
      IMAGE_BYTES,
      `key ${number}`,
      JSON.stringify(config),
      JSON.stringify(source),
      number,
      number,
    );
    name.run(nameOf(number), "tag", id);
    name.run(`registry.example/team-${number % 100}/app-${number}@${digest}`, "digest", id);
  }
  database.exec("COMMIT");
}
