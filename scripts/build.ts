import { execFile } from "node:child_process";
import { chmod, readFile, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { rolldown } from "rolldown";

// Writes dist/: what the published package holds. Run by `npm run build`, and before `npm pack`.
// Decision 0012 says why it is not a file for a file.

const ROOT = resolve(import.meta.dirname, "..");
const DIST = join(ROOT, "dist");
const COMMAND = join(DIST, "main.js");

/** What is started or imported by its own name: the command, the package and the worker threads. */
const ENTRIES = [
  "main.ts",
  "index.ts",
  "codec/block-compressor.ts",
  "codec/compress-thread.ts",
  "convert/conversion-thread.ts",
  "store/database-thread.ts",
];

await rm(DIST, { recursive: true, force: true });
await declare();
await bundle();
const source = await readFile(COMMAND, "utf8");
if (!source.startsWith("#!/usr/bin/env"))
  throw new Error(`${COMMAND}: the first line is no #! line`);
await chmod(COMMAND, 0o755);

/** Writes the types, a file for a file. */
async function declare(): Promise<void> {
  const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
  const args = [compiler, "-p", join(ROOT, "tsconfig.build.json")];
  try {
    await promisify(execFile)(process.execPath, args);
  } catch (error) {
    // The compiler reports on standard output.
    if (error instanceof Error && "stdout" in error) console.error(String(error.stdout));
    throw error;
  }
}

/** Writes the code, all in one folder: a thread's file is found beside the code that starts it. */
async function bundle(): Promise<void> {
  await using build = await rolldown({
    input: ENTRIES.map((path) => join(ROOT, "src", path)),
    platform: "node",
    // Dependencies stay packages.
    external: /^[^./]/,
    treeshake: { moduleSideEffects: false },
  });
  await build.write({
    dir: DIST,
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "[name]-[hash].js",
    sourcemap: true,
  });
}
