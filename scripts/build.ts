import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { bundleProgram } from "./bundle.ts";

// Writes dist/: what the published package holds. Run by `npm run build`, and before `npm pack`.

const ROOT = resolve(import.meta.dirname, "..");
const DIST = join(ROOT, "dist");

await rm(DIST, { recursive: true, force: true });
await declare();
await bundleProgram(DIST);

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
