import { chmod, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { rolldown } from "rolldown";

const SOURCES = resolve(import.meta.dirname, "../src");

/** What is started or imported by its own name: the command, the package and the worker threads. */
const ENTRIES = [
  "main.ts",
  "index.ts",
  "codec/block-compressor.ts",
  "codec/compress-thread.ts",
  "convert/conversion-thread.ts",
  "store/database-thread.ts",
];

/**
 * Writes the code in few files, all in one folder: a thread's file is found beside the code that starts
 * it. Decision 0012 says why it is not a file for a file.
 */
export async function bundle(directory: string): Promise<void> {
  await using build = await rolldown({
    input: ENTRIES.map((path) => join(SOURCES, path)),
    platform: "node",
    // Dependencies stay packages.
    external: /^[^./]/,
    treeshake: { moduleSideEffects: false },
  });
  await build.write({
    dir: directory,
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "[name]-[hash].js",
    sourcemap: true,
  });
  const command = join(directory, "main.js");
  const source = await readFile(command, "utf8");
  if (!source.startsWith("#!/usr/bin/env")) {
    throw new Error(`${command}: the first line is no #! line`);
  }
  await chmod(command, 0o755);
}
