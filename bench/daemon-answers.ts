import { execFile } from "node:child_process";
import { loadavg } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { DaemonPlace, readSamples, type RunningDaemon } from "../test/fixtures/daemon/index.ts";
import { pushImage } from "../test/real/index.ts";
import { fillFiles, fillStore } from "./filled-store.ts";
import { grownImage } from "./images.ts";

const run = promisify(execFile);
const NODE = join(import.meta.dirname, "../node_modules/.bin/node");
const KUBELET = join(import.meta.dirname, "kubelet-calls.ts");
const ROUND_SECONDS = 20;
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/**
 * Ten times what a kubelet does: lists every 30 s and every 5 min, usage every 10 s (cri.md §2.6, §2.7), and
 * a status for each of two containers that start in a second.
 */
const CALLS = [
  { call: "ListImages", intervalMs: 2700, budgetMs: 150 },
  { call: "ImageStatus", intervalMs: 50, budgetMs: 25 },
  { call: "ImageFsInfo", intervalMs: 1000, budgetMs: 15 },
] as const;

/** What a kubelet waits for one kind of call, and how much of it the design allows. */
export interface CallFigures {
  readonly call: string;
  readonly budgetMs: number;
  readonly calls: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** What a daemon does for its clients over some time. */
export interface DaemonFigures {
  readonly calls: readonly CallFigures[];
  /** The daemon's own clock of its event loop, 99th percentile. */
  readonly loopDelayMs: number;
  /** Processes of the whole machine that wanted to run, over the last minute. */
  readonly load: number;
  /** Images that were made meanwhile. */
  readonly pulls: number;
}

/** A daemon that does nothing else, and one that converts one image after the other. */
export interface DaemonAnswers {
  readonly idle: DaemonFigures;
  readonly converting: DaemonFigures;
}

/**
 * Asks a daemon with 10,000 images at ten times a kubelet's rates.
 *
 * @param registry - gets the image that it converts meanwhile: one layer of 5,000 files and 250 MB
 * @param rounds - of 20 seconds, for each of the two measurements
 */
export async function measureDaemon(registry: string, rounds: number): Promise<DaemonAnswers> {
  const reference = `${registry}/bench/grown:1`;
  await pushImage(await grownImage(1), reference);
  const seconds = rounds * ROUND_SECONDS;
  await using place = await DaemonPlace.make();
  await fillStore(place.store);
  await fillFiles(place.store);
  const metrics = join(place.directory, "metrics.sock");
  await place.configure(`cache: {maxBytes: 0}\ndaemon: {metrics: ${metrics}}`);
  const daemon = await place.start({ environment: { MALLOC_ARENA_MAX: "1" } });
  const idle = await observe(place.socket, metrics, seconds, () => Promise.resolve(0));
  const converting = await observe(place.socket, metrics, seconds, (signal) =>
    convert(daemon, reference, signal),
  );
  await daemon.stop();
  return { idle, converting };
}

async function observe(
  socket: string,
  metrics: string,
  seconds: number,
  work: (signal: AbortSignal) => Promise<number>,
): Promise<DaemonFigures> {
  const stop = new AbortController();
  const working = work(stop.signal);
  working.catch(() => undefined);
  // Each look at the metrics starts the clock of the event loop anew.
  await readSamples(metrics);
  const calls = await Promise.all(
    CALLS.map(async ({ call, intervalMs, budgetMs }) => {
      const words = [socket, call, String(intervalMs), String(seconds * 1000)];
      const { stdout } = await run(NODE, [KUBELET, ...words], { maxBuffer: MAX_OUTPUT_BYTES });
      const times = JSON.parse(stdout) as number[];
      const figures = { p50Ms: percentile(times, 0.5), p99Ms: percentile(times, 0.99) };
      return { call, budgetMs, calls: times.length, ...figures };
    }),
  );
  const samples = await readSamples(metrics);
  const loopDelayMs = (samples.get("nodejs_eventloop_lag_p99_seconds") ?? Number.NaN) * 1000;
  const [load = Number.NaN] = loadavg();
  stop.abort();
  return { calls, loopDelayMs, load, pulls: await working };
}

/** Pulls and removes one image again and again; how often. */
async function convert(
  daemon: RunningDaemon,
  reference: string,
  signal: AbortSignal,
): Promise<number> {
  using client = daemon.client();
  for (let pulls = 0; ; pulls += 1) {
    if (signal.aborted) return pulls;
    await client.remove(await client.pull(reference));
  }
}

function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(part * sorted.length) - 1] ?? Number.NaN;
}
