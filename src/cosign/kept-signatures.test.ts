import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseDigest, type SignedImage } from "../image/index.ts";
import { KeepingRepository, keptBeside, keptText } from "./kept-signatures.ts";

const never = new AbortController().signal;
const MANIFEST = parseDigest(`sha256:${"1".repeat(64)}`);
const INDEX = parseDigest(`sha256:${"2".repeat(64)}`);
const TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";
const descriptor = {
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  digest: INDEX,
  size: 3,
  annotations: { __proto__x: "1", "dev.sigstore.bundle.content": "dsse-envelope" },
};
const document = { bytes: Buffer.from("{}\n"), mediaType: descriptor.mediaType };

/** Answers one question of each kind. */
const image: SignedImage = {
  digests: { index: INDEX, manifest: MANIFEST },
  repository: {
    tagged: (tag) => Promise.resolve(tag === "there" ? document : undefined),
    referrers: () => Promise.resolve([descriptor]),
    fetchDocument: () => Promise.resolve(document),
    async *fetch() {
      yield await Promise.resolve(Buffer.from("ab"));
      yield Buffer.from("c");
    },
  },
};

async function answersOf({ repository }: SignedImage): Promise<unknown> {
  return [
    await repository.tagged("there", never),
    await repository.tagged("missing", never),
    await repository.referrers(MANIFEST, TYPE, never),
    await repository.fetchDocument(descriptor, never),
    Buffer.concat(await Array.fromAsync(repository.fetch(descriptor, never))).toString(),
  ];
}

async function kept(): Promise<string> {
  const repository = new KeepingRepository(image.repository);
  await answersOf({ ...image, repository });
  return keptText(image, repository);
}

test("what was answered is answered again, and nothing else is there", async () => {
  const beside = keptBeside(new Map([["reg.test/app:1", await kept()]]));
  const again = beside("reg.test/app:1");
  assert.ok(again !== undefined);
  assert.deepEqual(again.digests, image.digests);
  assert.deepEqual(await answersOf(again), await answersOf(image));
  const other = { ...descriptor, digest: MANIFEST };
  assert.deepEqual(await again.repository.referrers(INDEX, TYPE, never), []);
  await assert.rejects(again.repository.fetchDocument(other, never), { code: "NOT_FOUND" });
  await assert.rejects(Array.fromAsync(again.repository.fetch(other, never)), {
    code: "NOT_FOUND",
  });
  assert.equal(beside("reg.test/app:2"), undefined);
});

test("names of one text are one image, which is judged once", async () => {
  const text = await kept();
  const beside = keptBeside(
    new Map([
      ["a", text],
      ["b", text],
    ]),
  );
  assert.ok(beside("a") !== undefined && beside("a") === beside("b"));
});

test("a text that was changed is no image, or another one, and never an error", async () => {
  const text = await kept();
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.string(), fc.nat(20), (at, put, cut) => {
      const changed = text.slice(0, at) + put + text.slice(at + cut);
      keptBeside(new Map([["a", changed]]))("a");
    }),
  );
  for (const odd of ["", "null", "[]", "{}", '{"digests":{"manifest":"sha256:1"},"answers":{}}']) {
    assert.equal(keptBeside(new Map([["a", odd]]))("a"), undefined);
  }
});
