import { createHash } from "node:crypto";
import { open, mkdtempDisposable, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { DEFAULT_LIMITS } from "../src/base/index.ts";
import { HttpClient, systemClock } from "../src/http/index.ts";
import { PackCache } from "../src/packs/index.ts";
import { pullToStore, type PullEvent } from "../src/pull/index.ts";
import { Libraries } from "../src/library/index.ts";
import { Registries } from "../src/registry/index.ts";
import { openStore } from "../src/store/index.ts";
import { DEFAULT_TRANSFERS, Transfers } from "../src/transfer/index.ts";
import { median } from "./measure.ts";
import type { Fact } from "./report.ts";

/**
 * What can only be seen inside a process: how long the main event loop was kept waiting during a
 * cold pull, and what assembling an image from packs costs beside reading, hashing and writing a
 * file of its size.
 */
export async function measureInProcess(reference: string, rounds: number): Promise<Fact[]> {
  const delays: { p99: number; max: number }[] = [];
  const assemblies: number[] = [];
  const floors: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const folder = resolve(import.meta.dirname, "../.cache");
    await using work = await mkdtempDisposable(join(folder, "bench-"));
    const cache = new PackCache({
      directory: join(work.path, "packs"),
      maxBytes: 2 ** 40,
      now: Date.now,
    });
    const pull = async (name: string): Promise<{ path: string; assembleMs: number }> => {
      await using client = new HttpClient({
        userAgent: "siflet-bench",
        plainHttpHosts: [],
        clock: systemClock,
        random: Math.random,
      });
      const store = {
        directory: join(work.path, name),
        host: "bench",
        bootId: "b0",
        now: Date.now,
      };
      await using opened = await openStore(store);
      let layersDone = 0;
      let written = 0;
      const onEvent = ({ kind }: PullEvent): void => {
        if (kind === "layer-done") layersDone = performance.now();
        if (kind === "written") written = performance.now();
      };
      const limits = DEFAULT_LIMITS;
      const transfers = new Transfers(client, DEFAULT_TRANSFERS);
      const registries = new Registries({ client, limits, transfers });
      const libraries = new Libraries({ client, limits, transfers, registries });
      const context = {
        registries,
        libraries: () => Promise.resolve(libraries),
        limits,
        hostPlatform: { os: "linux", architecture: "amd64" },
        now: Date.now,
      };
      const options = { jobs: 2, cache, onEvent };
      const never = new AbortController().signal;
      const { path } = await pullToStore(opened, reference, context, options, never);
      return { path, assembleMs: written - layersDone };
    };
    const histogram = monitorEventLoopDelay({ resolution: 1 });
    histogram.enable();
    const { path, assembleMs } = await pull("cold");
    histogram.disable();
    delays.push({ p99: histogram.percentile(99) / 1e6, max: histogram.max / 1e6 });
    assemblies.push(assembleMs);
    floors.push(await copyHashAndSync(path, join(work.path, "copy")));
    await rm(join(work.path, "copy"));
  }
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  const assembly = median(assemblies);
  const floor = median(floors);
  return [
    {
      name: "event loop delay of the main thread during a cold pull, p99 (its clock ticks once a ms)",
      value: ms(median(delays.map(({ p99 }) => p99))),
    },
    {
      name: "the same, largest of all rounds",
      value: ms(Math.max(...delays.map(({ max }) => max))),
    },
    { name: "assembly of the image from packs", value: ms(assembly) },
    { name: "reading, hashing, writing and syncing a file of that size", value: ms(floor) },
    { name: "assembly against that", value: `${(assembly / floor).toFixed(2)}×` },
  ];
}

async function copyHashAndSync(from: string, to: string): Promise<number> {
  const start = performance.now();
  await using source = await open(from, "r");
  await using target = await open(to, "wx");
  const hash = createHash("sha256");
  const buffer = new Uint8Array(1024 * 1024);
  while (true) {
    const { bytesRead } = await source.read(buffer);
    if (bytesRead === 0) break;
    const bytes = buffer.subarray(0, bytesRead);
    hash.update(bytes);
    await target.write(bytes);
  }
  hash.digest();
  await target.sync();
  return performance.now() - start;
}
