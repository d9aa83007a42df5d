import { spawn } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import process from "node:process";
import { bundleProgram } from "./bundle.ts";

// All tests, or the files that are named. Where they start siflet as a program, it is the code as it is
// published: it starts in half the time, and thousands are started.

const ROOT = resolve(import.meta.dirname, "..");
const BUILT = join(ROOT, ".cache/built");
const ALL = ["src/**/*.test.ts", "test/**/*.test.ts"];

await rm(BUILT, { recursive: true, force: true });
await bundleProgram(BUILT);
const named = process.argv.slice(2);
const files = named.length > 0 ? named : ALL;
const tests = spawn(process.execPath, ["--test", "--test-concurrency=2", ...files], {
  cwd: ROOT,
  stdio: "inherit",
  env: {
    ...process.env,
    SIFLET_TEST_PROGRAM: join(BUILT, "main.js"),
    // Types of all else are stripped once.
    NODE_COMPILE_CACHE: join(ROOT, ".cache/compile"),
  },
});
const [code] = (await once(tests, "exit")) as [number | null];
process.exitCode = code ?? 1;
