import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { ConnectRouter } from "@connectrpc/connect";
import { lowerPoolPriority } from "../base/index.ts";
import { RunningPulls, SifletAdminService } from "../admin/index.ts";
import {
  CriImageService,
  EncodedImages,
  FileSystemUsage,
  observeCalls,
  observers,
  runtimeService,
  type DaemonFacts,
  type ImageSources,
  type NodeImages,
  type Observer,
} from "../cri/index.ts";
import type { Store } from "../store/index.ts";
import { AdminService, ImageService, RuntimeService } from "../wire/index.ts";
import { grpcServer, type GrpcServer } from "./grpc-server.ts";
import { metricsObserver, openMetrics, type ServedMetrics } from "./daemon-metrics.ts";
import type { CheckResult, HousekeepingPolicy } from "./housekeeping.ts";
import { keepHouse } from "./keep-house.ts";
import { listen, type SocketPlace } from "./listen.ts";
import type { Systemd } from "./systemd.ts";

/** Sources of images, with what they hold open. */
export interface OpenedSources extends ImageSources, AsyncDisposable {
  readonly housekeeping: HousekeepingPolicy;
}

/** What a daemon is made of; whoever opened a store closes it. */
export interface DaemonParts {
  readonly store: Store;
  /** The same store, opened to be read. */
  readonly reader: Store;
  /** Reads the configuration, also when it may have changed. */
  readonly openSources: () => Promise<OpenedSources>;
  /** Calls its argument whenever the configuration is to be read again, until it is disposed of. */
  readonly onReload: (reload: () => void) => Disposable;
  /** Reads every file of the store in a process of its own, at the lowest priority. */
  readonly checkFiles: (signal: AbortSignal) => Promise<CheckResult>;
  readonly place: SocketPlace;
  /** How long calls have to end by themselves. */
  readonly drainMs: number;
  readonly facts: DaemonFacts;
  readonly observer: Observer;
  readonly systemd: Systemd;
  /** Absent: nothing is measured. */
  readonly metrics?: ServedMetrics | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Is called once, when the daemon can be used. */
  readonly onReady?: () => void;
}

/** How long clients have to read how their calls ended. */
const READ_MS = 1000;
/** How long calls have to end that were told to. */
const ABORT_MS = 10_000;

/**
 * Serves the images of a store until `signal` is aborted, lets calls end for a while and ends the others.
 *
 * @throws DaemonError where it cannot listen; what `openSources` throws at the start
 */
export async function runDaemon(parts: DaemonParts, signal: AbortSignal): Promise<void> {
  const { store, reader, now, systemd, metrics } = parts;
  const pulls = new RunningPulls();
  const measuring = metrics === undefined ? [] : [metricsObserver(metrics.metrics)];
  const observer = observers([parts.observer, pulls, ...measuring]);
  await using stack = new AsyncDisposableStack();
  const sources = stack.use(new CurrentSources(await parts.openSources()));
  const images: NodeImages = { store, reader, now, sources: () => sources.get() };
  const encoded = new EncodedImages(reader, () => sources.get().pins);
  const usage = await FileSystemUsage.of(store.directory, {
    now,
    usageOf: (directory) => reader.usageOf(directory),
    onFailure: (error) => {
      observer.warn(`store ${store.directory}: its size cannot be measured: ${String(error)}`);
    },
  });
  stack.defer(() => usage.settled());
  await lowerPoolPriority();
  // Before the first call, which would wait for it.
  await encoded.list();
  let isServing = false;
  const notReady = (): string | undefined => {
    if (signal.aborted) return "the daemon is stopping";
    return isServing ? undefined : "the daemon is starting";
  };
  if (metrics !== undefined) {
    stack.use(await openMetrics(metrics, { images, usage, observer, notReady }));
  }
  const stopping = new AbortController();
  const service = new CriImageService({
    images,
    encoded,
    usage,
    observer,
    stopping: stopping.signal,
  });
  const routes = (router: ConnectRouter): void => {
    router.service(ImageService, service);
    const runtime = runtimeService(parts.facts, () => sources.get().configDigest);
    router.service(RuntimeService, runtime);
    router.service(AdminService, new SifletAdminService({ images, pulls, draining: signal }));
  };
  const server = grpcServer(routes, {
    interceptors: [observeCalls(observer, stopping.signal)],
    onFault: (error) => {
      observer.warn(`an answer could not be sent: ${String(error)}`);
    },
  });
  const socket = await listen(server.server, parts.place, signal);
  stack.use(socket);
  // One after the other: what was asked for last is what is in force.
  let reloaded = Promise.resolve();
  stack.defer(() => reloaded);
  using _reloading = parts.onReload(() => {
    reloaded = reloaded.then(() => reload(parts, sources, encoded));
  });
  stack.use(
    keepHouse({
      images,
      policy: () => sources.get().housekeeping,
      checkFiles: parts.checkFiles,
      usage,
      observer,
      metrics: metrics?.metrics,
      clock: () => performance.now(),
    }),
  );
  isServing = true;
  systemd.ready(SERVING);
  parts.onReady?.();
  if (!signal.aborted) await once(signal, "abort");
  systemd.stopping("waiting for calls to end");
  await stop(server, stopping, parts.drainMs);
}

const SERVING = "serving images";

/** The sources in force; those before them are closed when their last pull has ended. */
class CurrentSources implements AsyncDisposable {
  #current: OpenedSources;
  readonly #closing = new Set<Promise<void>>();

  constructor(first: OpenedSources) {
    this.#current = first;
  }

  get(): OpenedSources {
    return this.#current;
  }

  /** @param onFailure - hears why those before could not be closed */
  replace(next: OpenedSources, onFailure: (error: unknown) => void): void {
    const closing = close(this.#current)
      .catch(onFailure)
      .finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
    this.#current = next;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([...this.#closing, close(this.#current)]);
  }
}

async function close(sources: OpenedSources): Promise<void> {
  await sources.pulls.settled();
  await sources[Symbol.asyncDispose]();
}

/** What cannot be read leaves everything as it is. */
async function reload(
  { openSources, observer, systemd }: DaemonParts,
  sources: CurrentSources,
  encoded: EncodedImages,
): Promise<void> {
  try {
    sources.replace(await openSources(), (error) => {
      observer.warn(`what was in force before could not be closed: ${reasonOf(error)}`);
    });
    encoded.forget();
    observer.note("the configuration was read again");
    systemd.status(SERVING);
  } catch (error) {
    observer.warn(`the configuration stays as it was: ${reasonOf(error)}`);
    systemd.status(`${SERVING}; the configuration could not be read again`);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function stop(
  { server, connections }: GrpcServer,
  stopping: AbortController,
  drainMs: number,
): Promise<void> {
  const { promise: closed, resolve } = Promise.withResolvers<undefined>();
  server.close(() => {
    resolve(undefined);
  });
  // Tells clients to go elsewhere; calls that are under way go on.
  for (const session of connections.sessions) session.close();
  if (await isDoneWithin(closed, drainMs)) return;
  stopping.abort(new Error("the daemon is stopping"));
  if (await isDoneWithin(closed, READ_MS)) return;
  connections.dropUnread();
  if (await isDoneWithin(closed, ABORT_MS)) return;
  for (const session of connections.sessions) session.destroy();
  await closed;
}

async function isDoneWithin(done: Promise<unknown>, ms: number): Promise<boolean> {
  const patience = new AbortController();
  const late = delay(ms, false, { signal: patience.signal }).catch(() => false);
  const isDone = await Promise.race([done.then(() => true), late]);
  patience.abort();
  return isDone;
}
