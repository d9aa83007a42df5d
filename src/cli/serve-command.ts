import { createHash, randomBytes } from "node:crypto";
import { resolve } from "node:path";
import { exists, raisePriority } from "../base/index.ts";
import {
  daemonSocket,
  formatOrigin,
  hostsListedIn,
  originOf,
  type Config,
  type Key,
} from "../config/index.ts";
import { GivenCredentials } from "../credentials/index.ts";
import {
  inheritedSocket,
  logObserver,
  runDaemon,
  Systemd,
  type OpenedSources,
  type ServedMetrics,
  type SocketPlace,
} from "../daemon/index.ts";
import { parsePlatform } from "../image/index.ts";
import { DaemonLog } from "../logs/index.ts";
import { SharedPulls, type PullWatcher } from "../pull/index.ts";
import type { Store } from "../store/index.ts";
import { CliError } from "./cli-error.ts";
import { contextSettings } from "./context-settings.ts";
import { usualCredentials } from "./credentials-of.ts";
import { groupId } from "./group-id.ts";
import { openOtherStores } from "./other-stores.ts";
import { packCachePlace } from "./pack-cache-place.ts";
import { requireDirectory } from "./require-directory.ts";
import { localFilesIn, openStoreToWrite } from "./session-store.ts";
import type { Session } from "./session.ts";
import { checkFiles, housekeepingOf } from "./serve-housekeeping.ts";
import { trustGate } from "./trust-of.ts";

export interface ServeFlags {
  readonly socket?: string;
}

/** Settings that are read once. */
const FIXED: readonly Key[] = [
  "store",
  "daemon.socket",
  "daemon.group",
  "daemon.drainSeconds",
  "daemon.metrics",
  "daemon.logFormat",
];

/** Where it is, systemd runs this machine. */
const SYSTEMD = "/run/systemd/system";

/** `siflet serve`: serves the store's images to Kubernetes until it is told to stop. */
export async function serveCommand(flags: ServeFlags, session: Session): Promise<void> {
  const { environment } = session;
  const { service, variables, now, version } = environment;
  let isEarly = false;
  // From the start: a signal that nobody listens for ends the process.
  using _early = service.onReload(() => {
    isEarly = true;
  });
  const { config, notes } = await configOf(flags, session);
  const log = new DaemonLog({
    format: config.values["daemon.logFormat"],
    level: config.values["daemon.logLevel"],
    write: (lines) => environment.stderr.write(lines),
    now,
  });
  for (const note of notes) log.warn(note);
  const observer = logObserver({
    log,
    life: randomBytes(4).toString("hex"),
    clock: () => performance.now(),
  });
  const systemdOptions = { variables, processId: service.processId, notify: service.notify };
  const place = inheritedSocket(systemdOptions) ?? (await placeOf(config, session));
  await using store = await openStoreToWrite(session);
  // Callers wait for the thread that reads, too, and for the one that writes only at the end of pulls.
  raisePriority();
  await using reader = await environment.openStore(store.directory, { readOnly: true });
  await using systemd = new Systemd(systemdOptions);
  const metrics = await metricsOf(config, session);
  let isFirst = true;
  await runDaemon(
    {
      store,
      reader,
      place,
      observer,
      systemd,
      metrics,
      now,
      drainMs: config.values["daemon.drainSeconds"] * 1000,
      facts: { version, storeDirectory: store.directory, hasSystemd: await exists(SYSTEMD) },
      onReload: (reload) => {
        const listening = service.onReload(reload);
        if (isEarly) queueMicrotask(reload);
        return listening;
      },
      checkFiles: async (signal) => await checkFiles(config, service, signal),
      openSources: async () => {
        const read = isFirst ? config : await readAgain(config, flags, log, session);
        isFirst = false;
        const sources = await openSources(read, store, metrics?.metrics.watch, log, session);
        log.level = read.values["daemon.logLevel"];
        return sources;
      },
      onReady: () => {
        const where = place.kind === "path" ? place.path : "the socket of systemd";
        log.info(`serving ${store.directory} at ${where}`);
      },
    },
    session.signal,
  );
  log.info("stopped");
}

/** The configuration, and what is to be said of its file. */
async function configOf(
  { socket }: ServeFlags,
  session: Session,
): Promise<{ readonly config: Config; readonly notes: readonly string[] }> {
  const { workingDirectory } = session.environment;
  const flags = socket === undefined ? {} : { "daemon.socket": resolve(workingDirectory, socket) };
  const config = await session.config(flags);
  return { config, notes: (await session.configFile())?.notes ?? [] };
}

/** The configuration as it is now; what of it needs a restart is told. */
async function readAgain(
  first: Config,
  flags: ServeFlags,
  log: DaemonLog,
  session: Session,
): Promise<Config> {
  session.forgetConfigFile();
  const { config, notes } = await configOf(flags, session);
  for (const note of notes) log.warn(note);
  for (const key of FIXED) {
    if (valueOf(config, key) === valueOf(first, key)) continue;
    log.warn(`${key} has changed (${formatOrigin(originOf(config, key))}): that needs a restart`);
  }
  return config;
}

function valueOf({ values }: Config, key: Key): string {
  const { limits, ...settings } = values;
  return JSON.stringify(Object.entries({ ...settings, limits }).find(([name]) => name === key));
}

async function placeOf(config: Config, session: Session): Promise<SocketPlace> {
  const path = daemonSocket(config, session.environment);
  const group = config.values["daemon.group"];
  if (group === undefined) return { kind: "path", path };
  const id = await groupId(group);
  if (id !== undefined) return { kind: "path", path, groupId: id };
  const where = formatOrigin(originOf(config, "daemon.group"));
  throw new CliError("USAGE", `${where}: daemon.group: there is no group ${group} in /etc/group`);
}

/** Loaded only where they are wanted: they take as long as the rest of the start. */
async function metricsOf({ values }: Config, session: Session): Promise<ServedMetrics | undefined> {
  const place = values["daemon.metrics"];
  if (place === undefined) return undefined;
  const { DaemonMetrics } = await import("../metrics/index.ts");
  const { version } = session.environment;
  return { place, metrics: new DaemonMetrics({ version, now: () => performance.now() }) };
}

async function openSources(
  config: Config,
  store: Store,
  watch: ((reference: string) => PullWatcher) | undefined,
  log: DaemonLog,
  session: Session,
): Promise<OpenedSources> {
  const { values } = config;
  const { tmpdir } = values;
  if (tmpdir !== undefined) {
    await requireDirectory(tmpdir, `${formatOrigin(originOf(config, "tmpdir"))}: tmpdir`);
  }
  await using opened = new AsyncDisposableStack();
  const credentials = usualCredentials(config, undefined, session);
  const settings = contextSettings(config, credentials);
  const context = opened.use(await session.environment.openContext(settings));
  const otherStores = await openOtherStores(
    config,
    opened,
    (message) => {
      log.warn(message);
    },
    session,
  );
  const cache = await packCachePlace(config);
  const parts = opened.move();
  return {
    pulls: new SharedPulls(store, watch),
    transferLoad: () => context.transfers.load,
    given: new GivenCredentials(credentials, hostsListedIn(values.mirrorLogins)),
    context: {
      ...context,
      // Whoever may make a pod shall not find out what files there are.
      localFiles: { directories: [], ...defined(localFilesIn(config)) },
      trust: trustGate(config, session),
      otherStores,
    },
    defaults: { jobs: values.jobs, tmpDirectory: tmpdir, cache },
    pins: values.pins,
    runtimeHandlers: handlersOf(config),
    platformAnnotation: values["daemon.platformAnnotation"],
    configDigest: `sha256:${createHash("sha256").update(JSON.stringify(values)).digest("hex")}`,
    housekeeping: housekeepingOf(config),
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  };
}

function handlersOf({ values }: Config): OpenedSources["runtimeHandlers"] {
  return new Map(
    Object.entries(values["daemon.runtimeHandlers"]).map(([name, { platform, ...profile }]) => [
      name,
      { ...profile, ...(platform !== undefined && { platform: parsePlatform(platform) }) },
    ]),
  );
}

/** Without directories any file may be named, which is for the user of a command line. */
function defined({ directories, aliases }: ReturnType<typeof localFilesIn>): {
  directories?: readonly string[];
  aliases: Readonly<Record<string, string>>;
} {
  return { aliases, ...(directories === undefined ? {} : { directories }) };
}
