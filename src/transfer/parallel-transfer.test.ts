import assert from "node:assert/strict";
import { test } from "node:test";
import { joinBytes } from "../base/index.ts";
import { HttpError } from "../http/index.ts";
import type { BlobPart } from "./blob-transfer.ts";
import type { Span } from "./content-range.ts";
import { transferredInParallel, type ParallelOptions } from "./parallel-transfer.ts";

const never = new AbortController().signal;
const MiB = 1024 * 1024;
const SIZE = 50 * MiB + 7;

/** The byte at each place of the blob is a function of the place alone. */
const blob = new Uint8Array(SIZE);
for (let at = 0; at < SIZE; at += 1) blob[at] = (at * 31 + (at >>> 12)) & 255;

interface Host {
  readonly asked: Span[];
  readonly options: ParallelOptions;
  /** Most parts that were open at a time. */
  most: number;
  /** Places that were taken and not given back. */
  held: number;
}

interface Behaviour {
  /** Milliseconds that each MiB takes to come. */
  readonly msPerMiB: number;
  /** Sends all of the blob, whatever is asked for. */
  readonly ignoresRanges?: boolean | ((asked: Span) => boolean);
  /** Breaks off after so many bytes of the part that begins there. */
  readonly breaks?: (asked: Span) => number | undefined;
  readonly connections?: number;
  readonly places?: number;
}

function hostOf({
  msPerMiB,
  ignoresRanges = false,
  breaks,
  connections = 4,
  places = 9,
}: Behaviour): Host {
  let now = 0;
  let open = 0;
  const ignores = typeof ignoresRanges === "boolean" ? () => ignoresRanges : ignoresRanges;
  const body = async function* (asked: Span, whole: boolean): AsyncIterable<Uint8Array> {
    open += 1;
    host.most = Math.max(host.most, open);
    try {
      const end = whole ? SIZE : asked.to;
      const limit = breaks?.(asked);
      for (let at = asked.from; at < end; at += MiB) {
        if (limit !== undefined && at - asked.from >= limit) {
          throw new HttpError("HTTP_UNREACHABLE", "cut", { retryable: true });
        }
        await Promise.resolve();
        now += msPerMiB;
        yield blob.subarray(at, Math.min(at + MiB, end));
      }
    } finally {
      open -= 1;
    }
  };
  const host: Host = {
    asked: [],
    most: 0,
    held: 0,
    options: {
      clock: { now: () => now, sleep: () => Promise.resolve() },
      random: () => 0,
      connections,
      takeFree: () => {
        if (host.held >= places) return undefined;
        host.held += 1;
        return {
          [Symbol.dispose]: () => {
            host.held -= 1;
          },
        };
      },
      open: (asked): Promise<BlobPart> => {
        host.asked.push(asked);
        const whole = ignores(asked);
        return Promise.resolve({
          body: body(asked, whole),
          isPart: !whole,
          brokeOff: () => undefined,
        });
      },
    },
  };
  return host;
}

async function read(host: Host, span: Span = { from: 0, to: SIZE }): Promise<void> {
  const bytes = await joinBytes(transferredInParallel(span, host.options, never));
  assert.ok(
    Buffer.from(bytes).equals(blob.subarray(span.from, span.to)),
    "the bytes of the blob in order",
  );
  assert.equal(host.held, 0);
}

test("a blob that comes slowly is fetched over several connections", async () => {
  const host = hostOf({ msPerMiB: 100 });
  await read(host);
  assert.equal(host.most, 4);
  assert.deepEqual(host.asked[0], { from: 0, to: 16 * MiB });
  assert.deepEqual(host.asked[1], { from: 16 * MiB, to: 20 * MiB });
  assert.deepEqual(host.asked.at(-1), { from: 48 * MiB, to: SIZE });
});

test("a blob that comes quickly is fetched over one", async () => {
  const host = hostOf({ msPerMiB: 10 });
  await read(host);
  assert.equal(host.most, 1);
  assert.deepEqual(host.asked, [
    { from: 0, to: 16 * MiB },
    { from: 16 * MiB, to: SIZE },
  ]);
});

test("a small blob, and the small rest of one, is fetched as a whole", async () => {
  const host = hostOf({ msPerMiB: 1000 });
  await read(host, { from: SIZE - 32 * MiB + 1, to: SIZE });
  assert.equal(host.asked.length, 1);
});

test("with one connection allowed there is one", async () => {
  const host = hostOf({ msPerMiB: 1000, connections: 1 });
  await read(host);
  assert.deepEqual(host.asked, [{ from: 0, to: SIZE }]);
});

test("where there is no place for more, one connection does it", async () => {
  const host = hostOf({ msPerMiB: 100, places: 0 });
  await read(host);
  assert.equal(host.most, 1);
});

test("a host without ranges is asked once", async () => {
  const host = hostOf({ msPerMiB: 100, ignoresRanges: true });
  await read(host);
  assert.equal(host.asked.length, 1);
});

test("a host that stops heeding ranges is asked for the rest at once", async () => {
  const host = hostOf({ msPerMiB: 100, ignoresRanges: ({ from }) => from >= 24 * MiB });
  await read(host);
  assert.ok(host.asked.length <= 7, `${host.asked.length} requests`);
});

test("each part is taken up where it broke off", async () => {
  const seen = new Set<number>();
  const host = hostOf({
    msPerMiB: 100,
    breaks: ({ from }) => (seen.has(from) ? undefined : (seen.add(from), 2 * MiB)),
  });
  await read(host);
  const fetched = host.asked.length;
  assert.ok(fetched > 12, `${fetched} requests`);
});

test("a part that fails for good ends the transfer, and gives all places back", async () => {
  const host = hostOf({ msPerMiB: 100, breaks: ({ from }) => (from >= 30 * MiB ? 0 : undefined) });
  await assert.rejects(read(host), { code: "HTTP_UNREACHABLE" });
  assert.equal(host.held, 0);
});

test("a reader who leaves gives all places back", async () => {
  const host = hostOf({ msPerMiB: 100 });
  let got = 0;
  for await (const chunk of transferredInParallel({ from: 0, to: SIZE }, host.options, never)) {
    got += chunk.length;
    if (got > 20 * MiB) break;
  }
  assert.equal(host.held, 0);
});
