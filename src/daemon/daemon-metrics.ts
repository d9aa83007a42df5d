import type { FileSystemUsage, NodeImages, Observer } from "../cri/index.ts";
import {
  serveMetrics,
  type DaemonMetrics,
  type MeasuredNow,
  type MetricsPlace,
} from "../metrics/index.ts";
import { DaemonError } from "./daemon-error.ts";

/** What is measured, and where it is shown. */
export interface ServedMetrics {
  readonly place: MetricsPlace;
  readonly metrics: DaemonMetrics;
}

/** What of the daemon is measured when somebody asks. */
export interface MeasuredParts {
  readonly images: NodeImages;
  readonly usage: FileSystemUsage;
  readonly observer: Observer;
  /** Why calls cannot be answered now; undefined: they can. */
  readonly notReady: () => string | undefined;
}

/** Counts calls; pulls are watched where their work is. */
export function metricsObserver(metrics: DaemonMetrics): Observer {
  return {
    called: (call) => metrics.called(call),
    pulling: () => ({ onEvent: () => undefined, ended: () => undefined }),
    note: () => undefined,
    warn: () => undefined,
  };
}

/**
 * Serves metrics, health and readiness until it is disposed of.
 *
 * @throws DaemonError `DAEMON_SOCKET` where it cannot listen
 */
export async function openMetrics(
  { place, metrics }: ServedMetrics,
  { images, usage, observer, notReady }: MeasuredParts,
): Promise<AsyncDisposable> {
  const measure = async (): Promise<MeasuredNow> => {
    const { bytes, inodes } = usage.get();
    const { running, waiting } = images.sources().transferLoad();
    return {
      ...(await images.reader.counts()),
      bytes,
      files: inodes,
      transfersRunning: running,
      transfersWaiting: waiting,
    };
  };
  const source = {
    contentType: metrics.contentType,
    // What the store cannot say now, the rest does not wait for.
    text: async () => await metrics.text(await measure().catch(() => undefined)),
    notReady: async () => {
      const canRead = await images.reader.counts().then(
        () => true,
        () => false,
      );
      return notReady() ?? (canRead ? undefined : "the store cannot be read");
    },
  };
  try {
    return await serveMetrics(place, source, (error) => {
      observer.warn(`metrics: ${error instanceof Error ? error.message : String(error)}`);
    });
  } catch (cause) {
    const where = place.kind === "path" ? place.path : `${place.host}:${place.port}`;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DaemonError("DAEMON_SOCKET", `metrics at ${where}: ${reason}`, { cause });
  }
}
