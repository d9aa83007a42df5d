import { execFile } from "node:child_process";
import { chmod, readFile, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import process from "node:process";
import { promisify } from "node:util";

// Writes dist/: what the published package holds. Run by `npm run build`, and before `npm pack`.

const ROOT = resolve(import.meta.dirname, "..");
const COMMAND = join(ROOT, "dist/main.js");

await rm(join(ROOT, "dist"), { recursive: true, force: true });
await compile();
const source = await readFile(COMMAND, "utf8");
if (!source.startsWith("#!/usr/bin/env"))
  throw new Error(`${COMMAND}: the first line is no #! line`);
await chmod(COMMAND, 0o755);

async function compile(): Promise<void> {
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
