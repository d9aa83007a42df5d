import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempDisposable, open } from "node:fs/promises";
import { join, resolve } from "node:path";
import { openStore, type Store } from "../src/store/index.ts";
import { fillStore, idOf, IMAGES, nameOf } from "./filled-store.ts";
import { median } from "./measure.ts";
import type { Fact } from "./report.ts";

const LOOK_UPS = 1000;

/** What a store with 10,000 images costs to open, to look something up in and to list. */
export async function measureIndex(rounds: number): Promise<Fact[]> {
  const root = resolve(import.meta.dirname, "..");
  await using work = await mkdtempDisposable(join(root, ".cache", "bench-index-"));
  const place = { directory: work.path, host: "bench", bootId: "b0", now: Date.now };
  await fillStore(work.path);

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
    await runToFile(node, command, join(work.path, "images.json"));
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

/** Runs a command with its output in a file: whoever reads a pipe would be measured, too. */
async function runToFile(command: string, args: readonly string[], path: string): Promise<void> {
  await using file = await open(path, "w");
  const child = spawn(command, args, { stdio: ["ignore", file.fd, "inherit"] });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Error(`${command} ended with ${String(code)}`);
}

async function timed(store: Store, text: string, names: readonly string[]): Promise<number> {
  const start = performance.now();
  await store.find(text, names);
  return performance.now() - start;
}
