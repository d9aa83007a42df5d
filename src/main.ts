#!/usr/bin/env -S MALLOC_ARENA_MAX=1 node --max-semi-space-size=1 --disable-warning=ExperimentalWarning
import { readFile } from "node:fs/promises";
import { availableParallelism, hostname, release, userInfo } from "node:os";
import process from "node:process";
import { homeDirectory, Interrupted, runCli, type Environment } from "./cli/index.ts";
import type { DatabaseClient } from "./store/index.ts";
import { VERSION } from "./version.ts";

/** Changes with every start of the machine. */
const BOOT_ID = "/proc/sys/kernel/random/boot_id";

/** The thread of a store that is going to be opened. */
let expected: DatabaseClient | undefined;

const environment: Environment = {
  version: VERSION,
  variables: process.env,
  // Asked for when needed: there are processes whose directory is gone.
  get workingDirectory() {
    return process.cwd();
  },
  get homeDirectory() {
    return homeDirectory(process.env["HOME"], () => userInfo().homedir);
  },
  isRoot: process.geteuid?.() === 0,
  parallelism: availableParallelism(),
  stdout: process.stdout,
  stderr: process.stderr,
  now: Date.now,
  async expectStore() {
    const { startDatabase } = await import("./store/index.ts");
    expected ??= startDatabase();
  },
  async openStore(directory, access) {
    const { openStore, startDatabase } = await import("./store/index.ts");
    const database = expected ?? startDatabase();
    expected = undefined;
    const bootId = (await readFile(BOOT_ID, "utf8")).trim();
    const place = { ...access, directory, host: hostname(), bootId };
    return await openStore({ ...place, now: Date.now, database });
  },
  async openContext({ plainHttpHosts, limits, defaults, localFiles }) {
    const [{ HttpClient, systemClock }, { hostPlatform }, { Authenticator }] = await Promise.all([
      import("./http/index.ts"),
      import("./image/index.ts"),
      import("./registry/index.ts"),
    ]);
    const client = new HttpClient({
      userAgent: `siflet/${VERSION}`,
      plainHttpHosts,
      clock: systemClock,
      random: Math.random,
      proxyEnv: process.env,
    });
    return {
      client,
      authenticator: new Authenticator(client),
      limits,
      hostPlatform: hostPlatform(process.arch),
      defaults,
      localFiles,
      now: Date.now,
      [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
    };
  },
  async openHost() {
    const { systemHost } = await import("./doctor/index.ts");
    return systemHost({
      variables: process.env,
      userId: process.geteuid?.() ?? 0,
      kernelRelease: release(),
      nodeVersion: process.versions.node,
      nodeFlags: [...process.execArgv, ...(process.env["NODE_OPTIONS"] ?? "").split(/\s+/)],
    });
  },
};

const controller = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => {
    const interruption = new Interrupted(name);
    // Whoever asks twice does not want to wait for the cleaning up.
    if (controller.signal.aborted) process.exit(interruption.exitCode);
    controller.abort(interruption);
  });
}
process.exitCode = await runCli(process.argv.slice(2), environment, controller.signal);
