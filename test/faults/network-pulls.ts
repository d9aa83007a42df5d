import assert from "node:assert/strict";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { CodedError, DEFAULT_LIMITS } from "../../src/base/index.ts";
import { DEFAULT_TIMEOUTS } from "../../src/http/index.ts";
import { pullToFile } from "../../src/pull/index.ts";
import { Registries } from "../../src/registry/index.ts";
import { NETWORK_FAULTS, seededRandom, startFaultProxy } from "../fixtures/fault-proxy/index.ts";
import { never, setUpPull } from "../fixtures/pull-setup.ts";
import { makeImage, makeIndex, openTestClient, startRegistry } from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";
import { noiseBytes, textBytes } from "../real/index.ts";

const PLATFORM = { os: "linux", architecture: "amd64" };

// The large layer is spooled and taken up from there, the small ones never touch a disk.
const small = makeImage({
  layers: [
    tar([{ path: "a", data: textBytes("a", 300_000) }]),
    tar([{ path: "b", data: noiseBytes("b", 100_000) }]),
    tar([{ path: "c", data: "c" }]),
  ],
});
const large = makeImage({
  layers: [
    tar([{ path: "a", data: textBytes("a", 300_000) }]),
    tar([{ path: "d", data: noiseBytes("d", 17_000_000) }]),
  ],
});
const EVERY_LARGE = 10;

/** What became of many pulls. */
export interface NetworkCounts {
  pulls: number;
  /** Ended with the right file. */
  right: number;
  /** Ended with an error that has a code. */
  failed: number;
  faults: number;
  /** Of the pulls that saw nothing worse than cut and late answers: bytes of blobs that came … */
  cameBytes: number;
  /** … and those that there are. */
  neededBytes: number;
}

/**
 * Pulls through a proxy that spoils every third answer. Each pull must end with the right file or a
 * coded error, and leave nothing else behind.
 *
 * @throws AssertionError otherwise
 */
export async function pullUnderFaults(
  t: TestContext,
  { pulls, seed }: { readonly pulls: number; readonly seed: number },
): Promise<NetworkCounts> {
  await using registry = await startRegistry({ ranges: true });
  for (const [name, image] of Object.entries({ small, large })) {
    registry.putIndex(name, makeIndex([{ image, platform: PLATFORM }]), "1");
  }
  await using proxy = await startFaultProxy(registry.host);
  const setup = await setUpPull(t);
  await using http = openTestClient({
    // Long enough for a busy machine to be late now and then: that is one more fault, and no failure.
    timeouts: { ...DEFAULT_TIMEOUTS, headersMs: 2000, idleMs: 400 },
  });
  const context = {
    ...setup.context,
    registries: new Registries({ client: http.client, limits: DEFAULT_LIMITS }),
  };
  const directory = join(setup.directory, "out");
  const pullOnce = async (name: string, cacheName: string): Promise<string> => {
    await mkdir(directory, { recursive: true });
    const cache = { directory: join(setup.directory, cacheName), maxBytes: 1e9 };
    const place = (): string => join(directory, "app.sif");
    const options = { ...setup.options({ cache }), force: true };
    const reference = `${proxy.host}/${name}:1`;
    const { id } = await pullToFile(directory, place, reference, context, options, never);
    return id;
  };
  const expected = {
    small: await pullOnce("small", "packs"),
    large: await pullOnce("large", "packs"),
  };
  const counts: NetworkCounts = {
    pulls: 0,
    right: 0,
    failed: 0,
    faults: 0,
    cameBytes: 0,
    neededBytes: 0,
  };
  for (let number = 0; number < pulls; number += 1) {
    const random = seededRandom(seed + number);
    const isGentle = number % 2 === 0;
    const faults = isGentle ? (["cut", "delay", "stall"] as const) : NETWORK_FAULTS;
    const name = number % EVERY_LARGE === 0 ? "large" : "small";
    const cacheName = `packs-${number}`;
    proxy.follow({ faults, probability: 1 / 3, random });
    await rm(directory, { recursive: true, force: true });
    counts.pulls += 1;
    try {
      const id = await pullOnce(name, cacheName);
      assert.equal(id, expected[name], `pull ${number} of seed ${seed} made another image`);
      counts.right += 1;
      if (isGentle) {
        counts.cameBytes += proxy.log.blobBytes;
        counts.neededBytes += blobBytes(name === "large" ? large : small);
      }
      assert.deepEqual(await readdir(directory), ["app.sif"]);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      counts.failed += 1;
      assert.deepEqual(await readdir(directory), [], `${error.message} left something behind`);
    }
    counts.faults += proxy.log.fallen.length;
    await rm(join(setup.directory, cacheName), { recursive: true, force: true });
  }
  return counts;
}

function blobBytes({ blobs }: typeof small): number {
  return [...blobs.values()].reduce((sum, { length }) => sum + length, 0);
}

/** Checks that enough happened, and how much came twice; tells the counts. */
export function checkCounts(t: TestContext, counts: NetworkCounts): void {
  const twice = counts.cameBytes / counts.neededBytes - 1;
  t.diagnostic(
    `${counts.pulls} pulls under ${counts.faults} faults: ${counts.right} right, ` +
      `${counts.failed} failed with a code, 0 wrong; ${(twice * 100).toFixed(1)} % of the bytes came twice`,
  );
  assert.equal(counts.right + counts.failed, counts.pulls);
  assert.ok(counts.right > 0 && counts.faults > counts.pulls);
  assert.ok(twice < 0.1, `${counts.cameBytes} bytes for ${counts.neededBytes}`);
}
