import { stat, statfs } from "node:fs/promises";
import { isErrno } from "../base/index.ts";
import type { FileSystemUsage, NodeImages, Observer } from "../cri/index.ts";
import type { DaemonMetrics } from "../metrics/index.ts";
import { PackCache } from "../packs/index.ts";
import {
  bytesInStore,
  collectGarbage,
  type Collection,
  type CollectOptions,
} from "../upkeep/index.ts";
import { Housekeeping, type CheckResult, type HousekeepingPolicy } from "./housekeeping.ts";

/** What housekeeping works on, and whom it tells. */
export interface HouseParts {
  readonly images: NodeImages;
  readonly policy: () => HousekeepingPolicy;
  /** Reads every file of the store in a process of its own, at the lowest priority. */
  readonly checkFiles: (signal: AbortSignal) => Promise<CheckResult>;
  readonly usage: FileSystemUsage;
  readonly observer: Observer;
  readonly metrics: DaemonMetrics | undefined;
  /** Milliseconds of a clock that never goes back. */
  readonly clock: () => number;
}

/** Keeps the store of a daemon in order until it is disposed of. */
export function keepHouse(parts: HouseParts): Housekeeping {
  const { images, policy, checkFiles, observer, clock } = parts;
  return new Housekeeping({
    policy,
    collect: async (collection, signal) => {
      const { pins } = images.sources();
      const cache = await cacheBeside(images);
      const space = spaceOf(images.store.directory);
      const options = { policy: collection, cache, pins, now: images.now(), space };
      return await collectGarbage(images.store, options, signal);
    },
    check: checkFiles,
    onCollected: (collection) => {
      tellCollected(parts, collection);
    },
    onChecked: (result) => {
      tellChecked(parts, result);
    },
    onFailure: (what, error) => {
      const reason = error instanceof Error ? error.message : String(error);
      observer.warn(`the ${what === "check" ? "check of all files" : what} failed: ${reason}`);
    },
    now: clock,
  });
}

function tellCollected(
  { usage, observer, metrics }: HouseParts,
  { images, packBytes, missingBytes }: Collection,
): void {
  for (const image of images) {
    const bytes = bytesInStore(image);
    metrics?.collected(bytes);
    usage.freed(bytes);
    observer.note(`collected image ${image.id}: ${bytes} bytes`);
  }
  if (packBytes > 0) {
    observer.note(`collected converted layers: ${packBytes} bytes`);
    usage.changed();
  }
  if (missingBytes > 0) {
    observer.warn(
      `${missingBytes} bytes more should go: what is left is borrowed, pinned or was used lately`,
    );
  }
}

function tellChecked(
  { observer, metrics, usage }: HouseParts,
  { images, faults }: CheckResult,
): void {
  for (const fault of faults) observer.warn(`check of all files: ${fault}`);
  const faulty = Math.min(images, faults.length);
  metrics?.checked({ sound: images - faulty, faulty });
  // Each may have been put right by removing something.
  if (faults.length > 0) usage.changed();
}

/** The cache of converted layers, where what goes there makes room for images. */
async function cacheBeside({ sources, store, now }: NodeImages): Promise<PackCache | undefined> {
  const { cache } = sources().defaults;
  if (cache === undefined) return undefined;
  const [own, other] = await Promise.all([deviceOf(store.directory), deviceOf(cache.directory)]);
  return own !== undefined && own === other ? new PackCache({ ...cache, now }) : undefined;
}

async function deviceOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).dev;
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR", "EACCES")) return undefined;
    throw error;
  }
}

function spaceOf(directory: string): CollectOptions["space"] {
  return async () => {
    const { blocks, bavail, bsize } = await statfs(directory);
    return { size: blocks * bsize, available: bavail * bsize };
  };
}
