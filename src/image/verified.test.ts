import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { parseDigest } from "./digest.ts";
import { ContentError } from "./image-error.ts";
import { checkDigest, verified } from "./verified.ts";

const good = Uint8Array.from({ length: 100 }, (_, n) => n);

function descriptorOf(bytes: Uint8Array): { digest: ReturnType<typeof parseDigest>; size: number } {
  const hex = createHash("sha256").update(bytes).digest("hex");
  return { digest: parseDigest(`sha256:${hex}`), size: bytes.length };
}

async function* chunksOf(bytes: Uint8Array, size: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size)
    yield await Promise.resolve(bytes.subarray(at, at + size));
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

const refusals = [
  { name: "no byte at all", bytes: new Uint8Array(), code: "CONTENT_SIZE_MISMATCH" },
  { name: "one byte short", bytes: good.subarray(1), code: "CONTENT_SIZE_MISMATCH" },
  { name: "one byte long", bytes: new Uint8Array([...good, 0]), code: "CONTENT_SIZE_MISMATCH" },
  { name: "the same size, reversed", bytes: good.toReversed(), code: "CONTENT_DIGEST_MISMATCH" },
] as const;

for (const { name, bytes, code } of refusals) {
  test(`verified refuses ${name}`, async () => {
    await assert.rejects(collect(verified(chunksOf(bytes, 7), descriptorOf(good), "blob")), {
      code,
    });
  });
}

test("verified passes the bytes on unchanged", async () => {
  assert.deepEqual(await collect(verified(chunksOf(good, 7), descriptorOf(good), "blob")), good);
});

test("verified accepts nothing where nothing was promised", async () => {
  const none = new Uint8Array();
  assert.deepEqual(await collect(verified(chunksOf(none, 1), descriptorOf(none), "blob")), none);
});

test("verified stops an endless source at the first byte too many, and closes it", async () => {
  let closed = false;
  let yielded = 0;
  async function* endless(): AsyncIterable<Uint8Array> {
    try {
      for (;;) {
        yielded += 10;
        yield await Promise.resolve(new Uint8Array(10));
      }
    } finally {
      closed = true;
    }
  }
  const code = "CONTENT_SIZE_MISMATCH";
  await assert.rejects(collect(verified(endless(), descriptorOf(good), "blob")), { code });
  assert.equal(yielded, 110);
  assert.ok(closed);
});

test("verified lets the source's own error pass", async () => {
  const failure = new Error("connection lost");
  async function* failing(): AsyncIterable<Uint8Array> {
    yield await Promise.resolve(good.subarray(0, 10));
    throw failure;
  }
  await assert.rejects(collect(verified(failing(), descriptorOf(good), "blob")), failure);
});

test("verified never hands out a byte past the promised size", async () => {
  const seen: number[] = [];
  const long = new Uint8Array([...good, ...good]);
  await assert.rejects(async () => {
    for await (const chunk of verified(chunksOf(long, 60), descriptorOf(good), "blob")) {
      seen.push(chunk.length);
    }
  }, ContentError);
  assert.deepEqual(seen, [60]);
});

test("verified answers alike however the bytes are chunked", async () => {
  const cuts = fc.array(fc.integer({ min: 0, max: good.length }), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(cuts, fc.boolean(), async (points, damaged) => {
      const bytes = damaged ? good.with(50, 0) : good;
      async function* chunks(): AsyncIterable<Uint8Array> {
        let from = 0;
        for (const to of [...points.toSorted((a, b) => a - b), bytes.length]) {
          yield await Promise.resolve(bytes.subarray(from, to));
          from = to;
        }
      }
      const result = collect(verified(chunks(), descriptorOf(good), "blob"));
      if (damaged) await assert.rejects(result, { code: "CONTENT_DIGEST_MISMATCH" });
      else assert.deepEqual(await result, good);
    }),
    { numRuns: 60 },
  );
});

test("checkDigest names the thing, what was expected and what came", () => {
  const { digest } = descriptorOf(good);
  checkDigest({ digest }, digest.slice("sha256:".length), "blob");
  const hex = "0".repeat(64);
  assert.throws(
    () => {
      checkDigest({ digest }, hex, "layer 1 of r.example/app");
    },
    new ContentError(
      "CONTENT_DIGEST_MISMATCH",
      `layer 1 of r.example/app: expected digest ${digest}, got sha256:${hex}`,
    ),
  );
});
