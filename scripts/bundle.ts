import { chmod, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { rolldown } from "rolldown";

const SOURCES = resolve(import.meta.dirname, "../src");

/** Worker threads, and what they load by its name. */
export const THREADS = [
  "codec/block-compressor.ts",
  "codec/compress-thread.ts",
  "convert/conversion-thread.ts",
  "store/database-thread.ts",
] as const;

/**
 * Writes the code in few files, all in one folder: a thread's file is found beside the code that starts
 * it. Decision 0012 says why it is not a file for a file.
 *
 * @param entries - files of src/ that are started or imported by their own names
 */
export async function bundle(directory: string, entries: readonly string[]): Promise<void> {
  await using build = await rolldown({
    input: entries.map((path) => join(SOURCES, path)),
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
}

/** Writes the command and the package. */
export async function bundleProgram(directory: string): Promise<void> {
  await bundle(directory, ["main.ts", "index.ts", ...THREADS]);
  const command = join(directory, "main.js");
  const source = await readFile(command, "utf8");
  if (!source.startsWith("#!/usr/bin/env")) {
    throw new Error(`${command}: the first line is no #! line`);
  }
  await chmod(command, 0o755);
}
