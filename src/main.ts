#!/usr/bin/env -S MALLOC_ARENA_MAX=1 node --max-semi-space-size=1 --disable-warning=ExperimentalWarning
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { availableParallelism, hostname, release, userInfo } from "node:os";
import process from "node:process";
import { promisify } from "node:util";
import { homeDirectory, runBeside } from "./base/index.ts";
import { Interrupted, runCli, type Environment } from "./cli/index.ts";
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
  userId: process.geteuid?.() ?? 0,
  groupId: process.getegid?.() ?? 0,
  get userName() {
    try {
      return userInfo().username;
    } catch {
      return undefined;
    }
  },
  architecture: process.arch,
  // Asked for when needed: looking at it already changes how it is read.
  get stdin() {
    return process.stdin;
  },
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
  async openContext(given) {
    const { plainHttpHosts, hosts, credentials, tokenRealms, transfers, ...settings } = given;
    const [{ hostsListedIn }, http, { hostPlatform }, { Registries }, configured, { Transfers }] =
      await Promise.all([
        import("./config/index.ts"),
        import("./http/index.ts"),
        import("./image/index.ts"),
        import("./registry/index.ts"),
        import("./hosts/index.ts"),
        import("./transfer/index.ts"),
      ]);
    const { serverNamedAddresses, idleMs, minBytesPerSecond } = settings;
    const client = new http.HttpClient({
      userAgent: `siflet/${VERSION}`,
      plainHttpHosts,
      clock: http.systemClock,
      random: Math.random,
      proxyEnv: process.env,
      serverNamedAddresses,
      timeouts: { ...http.DEFAULT_TIMEOUTS, idleMs, minBytesPerSecond },
    });
    const { directories, obeyBlocked } = hosts;
    const places = configured.registriesConfPlaces(environment.homeDirectory, process.env);
    const registryHosts = new configured.ConfiguredHosts({
      client,
      directories,
      ...(obeyBlocked && { registriesConf: places }),
    });
    const { limits } = settings;
    const running = new Transfers(client, transfers);
    const shared = { client, limits, transfers: running };
    const registries = new Registries({
      ...shared,
      hosts: registryHosts,
      credentials,
      realmsOf: hostsListedIn(tokenRealms),
    });
    return {
      ...settings,
      transfers: running,
      registries,
      libraries: once(async () => {
        const library = await import("./library/index.ts");
        const { homeDirectory, variables, userId } = environment;
        const libraryHosts = new library.ConfiguredLibraries({
          client,
          settings: settings.librarySettings,
          remoteFiles: library.usualRemoteFiles(variables, homeDirectory),
          variables,
          userId,
        });
        return new library.Libraries({ ...shared, registries, hosts: libraryHosts });
      }),
      hostPlatform: hostPlatform(environment.architecture),
      now: Date.now,
      [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
    };
  },
  async openClient(settings) {
    const { HttpClient, systemClock } = await import("./http/index.ts");
    return new HttpClient({
      ...settings,
      userAgent: `siflet/${VERSION}`,
      clock: systemClock,
      random: Math.random,
      proxyEnv: process.env,
    });
  },
  service: {
    processId: process.pid,
    onReload(reload) {
      process.on("SIGHUP", reload);
      return { [Symbol.dispose]: () => process.off("SIGHUP", reload) };
    },
    async notify(words) {
      await promisify(execFile)("systemd-notify", [...words]);
    },
    runBeside: async (words, signal) => {
      const [, script = ""] = process.argv;
      return await runBeside([...process.execArgv, script, ...words], signal);
    },
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

/** What `make` makes when it is first asked for, and the same from then on: libraries remember. */
function once<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | undefined;
  return () => (made ??= make());
}

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
