import { createHash } from "node:crypto";
import { mkdtempDisposable } from "node:fs/promises";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openStore, type Store } from "../src/store/index.ts";
import { median } from "./measure.ts";
import type { Fact } from "./report.ts";
import { run } from "../test/real/index.ts";

const IMAGES = 10_000;
const LOOK_UPS = 1000;

/** What a store with 10,000 images costs to open, to look something up in and to list. */
export async function measureIndex(rounds: number): Promise<Fact[]> {
  const root = resolve(import.meta.dirname, "..");
  await using work = await mkdtempDisposable(join(root, ".cache", "bench-index-"));
  const place = { directory: work.path, host: "bench", bootId: "b0", now: Date.now };
  await (await openStore(place)).close();
  fill(join(work.path, "siflet.db"));

  const openings: number[] = [];
  const byName: number[] = [];
  const byPrefix: number[] = [];
  for (let round = 0; round < Math.max(rounds, 5); round += 1) {
    const start = performance.now();
    await using store = await openStore(place);
    openings.push(performance.now() - start);
    for (let count = 0; count < LOOK_UPS; count += 1) {
      const number = (count * 7919) % IMAGES;
      byName.push(await timed(store, nameOf(number), [nameOf(number)]));
      byPrefix.push(await timed(store, idOf(number).slice(0, 12), []));
    }
  }
  const listings: number[] = [];
  const node = join(root, "node_modules/.bin/node");
  const command = [join(root, "dist/main.js"), "--store", work.path, "images", "--json"];
  for (let round = 0; round < Math.max(rounds, 5); round += 1) {
    const start = performance.now();
    await run(node, command);
    listings.push(performance.now() - start);
  }
  const ms = (values: number[]): string => `${median(values).toFixed(2)} ms`;
  return [
    { name: "10,000 images: opening the store", value: ms(openings) },
    { name: "10,000 images: look-up by name", value: ms(byName) },
    { name: "10,000 images: look-up by the beginning of an id", value: ms(byPrefix) },
    { name: "10,000 images: `siflet images --json`, the whole process", value: ms(listings) },
  ];
}

async function timed(store: Store, text: string, names: readonly string[]): Promise<number> {
  const start = performance.now();
  await store.find(text, names);
  return performance.now() - start;
}

function idOf(number: number): string {
  return createHash("sha256").update(`image ${number}`).digest("hex");
}

function nameOf(number: number): string {
  return `registry.example/team-${number % 100}/app-${number}:1.0`;
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
      5e7,
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
