import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { DaemonPlace, readSamples, type CriClient } from "../fixtures/daemon/index.ts";
import { makeImage, startRegistry, type FakeRegistry } from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";

/** `SIFLET_SOAK_MINUTES=2 npm run test:slow` for a try. */
const MINUTES = Number(process.env["SIFLET_SOAK_MINUTES"] ?? 10);

/**
 * A day of a kubelet's calls. Lists every 30 s for the node's status and every 5 min for the collection of
 * garbage (cri.md §2.6), usage every 10 s for eviction and with each collection (§2.7). The specification
 * tells no number of starts: 2,000 containers, each with a status and a pull of what is there, and 100
 * images that are new and are removed.
 */
const DAY = {
  lists: 2880 + 288,
  usages: 8640 + 288,
  starts: 2000,
  newImages: 100,
} as const;
type Deed = keyof typeof DAY;

/** Memory may grow by this much over the second half, in which everything has happened before. */
const MOST_GROWTH = { rssBytes: 32 * 1024 * 1024, heapBytes: 4 * 1024 * 1024 } as const;
const PRESENT = 20;
const MIB = 1024 * 1024;

function put(registry: FakeRegistry, name: string): string {
  const noise = createHash("sha512").update(name).digest("hex");
  const layer = tar([{ path: "content", data: noise.repeat(500) }]);
  registry.putImage(name, makeImage({ layers: [layer] }), "1");
  return `${registry.host}/${name}:1`;
}

interface Memory {
  readonly rssBytes: number;
  readonly heapBytes: number;
}

test("a day of calls leaves the daemon's memory as it was", async (t) => {
  await using registry = await startRegistry();
  await using place = await DaemonPlace.make();
  const metrics = join(place.directory, "metrics.sock");
  await place.configure(`cache: {maxBytes: 0}\ndaemon: {metrics: ${metrics}}`);
  const daemon = await place.start({ environment: { NODE_OPTIONS: "--inspect=127.0.0.1:0" } });
  const [address = ""] = /ws:\S+/.exec(await daemon.said(/ws:/)) ?? [];
  using client = daemon.client();
  const present = Array.from({ length: PRESENT }, (_, number) => put(registry, `there/${number}`));
  for (const name of present) await client.pull(name);
  const memory = async (when: string): Promise<Memory> => {
    // What is left when nobody needs it any more is no growth: the collector leaves it lying for minutes.
    await collectGarbage(address);
    const samples = await readSamples(metrics);
    const rssBytes = samples.get("process_resident_memory_bytes") ?? Number.NaN;
    const heapBytes = samples.get("nodejs_heap_size_used_bytes") ?? Number.NaN;
    const mib = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`;
    t.diagnostic(`${when}: rss ${mib(rssBytes)}, heap ${mib(heapBytes)}`);
    return { rssBytes, heapBytes };
  };
  await memory("start");
  const deeds: Readonly<Record<Deed, (number: number) => Promise<void>>> = {
    lists: async () => {
      assert.ok((await client.list()).length >= PRESENT);
    },
    usages: async () => {
      assert.equal((await client.fsInfo()).imageFilesystems.length, 1);
    },
    starts: (number) => start(client, present[number % PRESENT] ?? ""),
    newImages: async (number) => {
      await client.remove(await client.pull(put(registry, `new/${number}`)));
    },
  };
  await live(deeds, 0, 0.5);
  const middle = await memory("middle");
  await live(deeds, 0.5, 1);
  const end = await memory("end");
  assert.ok(end.rssBytes - middle.rssBytes < MOST_GROWTH.rssBytes);
  assert.ok(end.heapBytes - middle.heapBytes < MOST_GROWTH.heapBytes);
  assert.equal((await client.list()).length, PRESENT);
  assert.equal(await daemon.stop(), 0);
});

/** Has a process that listens for its inspector at `address` clear away what it does not need. */
async function collectGarbage(address: string): Promise<void> {
  const inspector = new WebSocket(address);
  await once(inspector, "open");
  inspector.send(JSON.stringify({ id: 1, method: "HeapProfiler.collectGarbage" }));
  await once(inspector, "message");
  inspector.close();
}

async function start(client: CriClient, name: string): Promise<void> {
  const status = await client.status(name);
  assert.equal(await client.pull(name), status?.id);
}

/** Does what belongs to the part of the day from `from` to `to`, each kind of call spread evenly over it. */
async function live(
  deeds: Readonly<Record<Deed, (number: number) => Promise<void>>>,
  from: number,
  to: number,
): Promise<void> {
  const began = performance.now();
  const totalMs = MINUTES * 60_000;
  await Promise.all(
    Object.entries(DAY).map(async ([deed, count]) => {
      for (let number = Math.ceil(from * count); number < to * count; number += 1) {
        await until(began + (number / count - from) * totalMs);
        await deeds[deed as Deed](number);
      }
    }),
  );
}

async function until(time: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  setTimeout(resolve, Math.max(0, time - performance.now()), undefined);
  await promise;
}
