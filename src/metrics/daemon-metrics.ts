import {
  collectDefaultMetrics,
  Counter,
  Gauge,
  Histogram,
  Registry,
  type MetricConfiguration,
} from "prom-client";
import { CodedError } from "../base/index.ts";
import { PullStages, type PullWatcher } from "../pull/index.ts";
import { grpcCodeName } from "./grpc-code-name.ts";

/** What is measured when somebody asks. */
export interface MeasuredNow {
  /** In the store. */
  readonly images: number;
  readonly borrows: number;
  /** Files of the store, and the bytes that they take up on the disk. */
  readonly files: number;
  readonly bytes: number;
  /** Blobs, or parts of them, that come now, and that wait until they may. */
  readonly transfersRunning: number;
  readonly transfersWaiting: number;
}

export interface DaemonMetricsParts {
  readonly version: string;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

/** One call of a service, as gRPC names it. */
export interface MeasuredCall {
  readonly service: string;
  readonly method: string;
}

/** Seconds of pulls and their stages: some take milliseconds, some an hour. */
const STAGE_BUCKETS = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];
/** Seconds of calls, of which a kubelet makes many that must be answered at once. */
const CALL_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 600];
/** As containerd has them. @see cri.md §3.7 */
const THROUGHPUT_BUCKETS = [0.1, 1, 10, 25, 75, 150, 300, 500, 1000, 2000, 4000];
const MIB = 1024 * 1024;

const CALL_LABELS = ["grpc_service", "grpc_method"] as const;

/**
 * What a daemon does, for Prometheus: containerd's names where it has some, those of gRPC's usual
 * middleware for calls, and our own.
 *
 * @see cri.md §3.7
 */
export class DaemonMetrics {
  readonly contentType: string;
  readonly #registry = new Registry();
  readonly #measured = new MeasuredGauges();
  readonly #now: () => number;
  readonly #started: Counter<(typeof CALL_LABELS)[number]>;
  readonly #handled: Counter<(typeof CALL_LABELS)[number] | "grpc_code">;
  readonly #handling: Histogram<(typeof CALL_LABELS)[number]>;
  readonly #pullCalls: Counter<"status">;
  readonly #pullsNow: Gauge;
  readonly #throughput: Histogram;
  readonly #pulls: Counter<"result">;
  readonly #failures: Counter<"code">;
  readonly #stages: Histogram<"stage">;
  readonly #fetchedBytes: Counter;
  readonly #resumedBytes: Counter;
  readonly #layers: Counter<"from">;
  readonly #removed: Counter<"by">;
  readonly #removedBytes: Counter<"by">;
  readonly #checks: Counter<"result">;

  constructor({ version, now }: DaemonMetricsParts) {
    const registers = [this.#registry];
    this.#now = now;
    this.contentType = this.#registry.contentType;
    collectDefaultMetrics({ register: this.#registry });
    const about = (name: string, help: string): MetricConfiguration<never> => {
      return { name, help, registers };
    };
    new Gauge({ ...about("siflet_build_info", "Version of siflet."), labelNames: ["version"] }).set(
      { version },
      1,
    );
    this.#started = new Counter({
      ...about("grpc_server_started_total", "Calls that began."),
      labelNames: CALL_LABELS,
    });
    this.#handled = new Counter({
      ...about("grpc_server_handled_total", "Calls that were answered, by gRPC's code."),
      labelNames: [...CALL_LABELS, "grpc_code"],
    });
    this.#handling = new Histogram({
      ...about("grpc_server_handling_seconds", "Seconds until a call was answered."),
      labelNames: CALL_LABELS,
      buckets: CALL_BUCKETS,
    });
    const containerd = "containerd_cri_sandboxed";
    this.#pullCalls = new Counter({
      ...about(`${containerd}_image_pulls_total`, "Calls of PullImage that were answered."),
      labelNames: ["status"],
    });
    this.#pullsNow = new Gauge(
      about(`${containerd}_in_progress_image_pulls_total`, "Calls of PullImage under way."),
    );
    this.#throughput = new Histogram({
      ...about(
        `${containerd}_image_pulling_throughput_mibps`,
        "MiB a second of pulls that fetched something, over their whole time.",
      ),
      buckets: THROUGHPUT_BUCKETS,
    });
    this.#pulls = new Counter({
      ...about("siflet_pulls_total", "Pulls, of which several calls may share one, by result."),
      labelNames: ["result"],
    });
    this.#failures = new Counter({
      ...about("siflet_pull_failures_total", "Pulls that failed, by siflet's code."),
      labelNames: ["code"],
    });
    this.#stages = new Histogram({
      ...about("siflet_pull_stage_seconds", "Seconds of a pull's stages, which overlap."),
      labelNames: ["stage"],
      buckets: STAGE_BUCKETS,
    });
    this.#fetchedBytes = new Counter(
      about("siflet_fetched_bytes_total", "Bytes of blobs that were fetched."),
    );
    this.#resumedBytes = new Counter(
      about("siflet_resumed_bytes_total", "Bytes of blobs that an earlier pull had left."),
    );
    this.#layers = new Counter({
      ...about("siflet_layers_total", "Layers of pulls, by whether they had to be fetched."),
      labelNames: ["from"],
    });
    this.#removed = new Counter({
      ...about("siflet_removed_images_total", "Images that were removed, by whom."),
      labelNames: ["by"],
    });
    this.#removedBytes = new Counter({
      ...about("siflet_removed_bytes_total", "Bytes of their files."),
      labelNames: ["by"],
    });
    this.#checks = new Counter({
      ...about("siflet_checked_images_total", "Images whose file was checked in the background."),
      labelNames: ["result"],
    });
  }

  /**
   * All of it, in the text format of Prometheus.
   *
   * @param now - absent where it cannot be measured, and left out
   */
  async text(now?: MeasuredNow): Promise<string> {
    const own = await this.#registry.metrics();
    return now === undefined ? own : `${own}${await this.#measured.text(now)}`;
  }

  /** @returns is called once, with gRPC's name of the code, when the call has been answered */
  called({ service, method }: MeasuredCall): (end: { readonly code: string }) => void {
    const labels = { grpc_service: service, grpc_method: method };
    const startedMs = this.#now();
    const isPull = method === "PullImage";
    this.#started.inc(labels);
    if (isPull) this.#pullsNow.inc();
    return ({ code }) => {
      this.#handled.inc({ ...labels, grpc_code: grpcCodeName(code) });
      this.#handling.observe(labels, (this.#now() - startedMs) / 1000);
      if (!isPull) return;
      this.#pullsNow.dec();
      this.#pullCalls.inc({ status: code === "OK" ? "success" : "failure" });
    };
  }

  /** Watches one pull, however many calls share it. */
  readonly watch = (): PullWatcher => {
    const stages = new PullStages(this.#now);
    return {
      onEvent: (event) => {
        stages.apply(event);
      },
      ended: (error) => {
        this.#ended(stages, error);
      },
    };
  };

  /** An image that the collection of garbage has removed. */
  collected(bytes: number): void {
    this.#removed.inc({ by: "gc" });
    this.#removedBytes.inc({ by: "gc" }, bytes);
  }

  /** Images whose files were read and compared with their ids. */
  checked({ sound, faulty }: { readonly sound: number; readonly faulty: number }): void {
    this.#checks.inc({ result: "sound" }, sound);
    this.#checks.inc({ result: "faulty" }, faulty);
  }

  #ended(stages: PullStages, error: unknown): void {
    const { fetchedBytes, resumedBytes, layers, elapsedMs, isPresent } = stages;
    for (const [stage, ms] of stages.tookMs) this.#stages.observe({ stage }, ms / 1000);
    this.#fetchedBytes.inc(fetchedBytes);
    this.#resumedBytes.inc(resumedBytes);
    this.#layers.inc({ from: "source" }, layers.fetched);
    this.#layers.inc({ from: "cache" }, layers.reused);
    if (error !== undefined) {
      this.#pulls.inc({ result: "failed" });
      this.#failures.inc({ code: codeOf(error) });
      return;
    }
    this.#pulls.inc({ result: isPresent ? "present" : "made" });
    if (fetchedBytes > 0 && elapsedMs > 0) {
      this.#throughput.observe(fetchedBytes / MIB / (elapsedMs / 1000));
    }
  }
}

function codeOf(error: unknown): string {
  if (error instanceof CodedError) return String(error.code);
  return error instanceof Error && error.name === "AbortError" ? "ABORTED" : "UNKNOWN";
}

/** Gauges of what is measured when somebody asks, in a registry of their own. */
class MeasuredGauges {
  readonly #registry = new Registry();
  readonly #values: (now: MeasuredNow) => void;

  constructor() {
    const about = (name: string, help: string): MetricConfiguration<never> => {
      return { name, help, registers: [this.#registry] };
    };
    const images = new Gauge(about("siflet_store_images", "Images in the store."));
    const borrows = new Gauge(about("siflet_store_borrows", "Borrows of images in the store."));
    const files = new Gauge(about("siflet_store_files", "Files of the store."));
    const bytes = new Gauge(
      about("siflet_store_bytes", "Bytes that the store takes up on its disk."),
    );
    const transfers = new Gauge({
      ...about("siflet_transfers", "Transfers of blobs, or of parts of them, by state."),
      labelNames: ["state"],
    });
    this.#values = (now) => {
      images.set(now.images);
      borrows.set(now.borrows);
      files.set(now.files);
      bytes.set(now.bytes);
      transfers.set({ state: "running" }, now.transfersRunning);
      transfers.set({ state: "waiting" }, now.transfersWaiting);
    };
  }

  async text(now: MeasuredNow): Promise<string> {
    this.#values(now);
    return await this.#registry.metrics();
  }
}
