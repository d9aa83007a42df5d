import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ImageError } from "./image-error.ts";
import { Reference } from "./reference.ts";

test("adding never doubles a name, removing what is not there is fine", () => {
  const ref = new Reference("docker.io", ["a:1", "a:1"], ["a@x"]);
  ref.addTags(["a:2", "a:1", "a:2"]);
  ref.addDigests(["a@x", "a@y", "a@y"]);
  ref.removeTag("b:1");
  ref.removeDigest("b@x");
  assert.deepEqual(ref.tags(), ["a:1", "a:2"]);
  assert.deepEqual(ref.digests(), ["a@x", "a@y"]);
  ref.removeTag("a:1");
  ref.removeDigest("a@x");
  assert.deepEqual(ref.tags(), ["a:2"]);
  assert.deepEqual(ref.digests(), ["a@y"]);
});

test("tags and digests are copies, and so are the lists that were given", () => {
  const tags = ["a:1"];
  const ref = new Reference("docker.io", tags);
  tags.push("given");
  ref.tags().push("taken");
  ref.digests().push("taken");
  ref.toJSON().tags?.push("taken");
  assert.deepEqual(ref.tags(), ["a:1"]);
  assert.deepEqual(ref.digests(), []);
});

test("references with other names are not equal", () => {
  assert.notDeepEqual(new Reference("docker.io", ["a:1"]), new Reference("docker.io", ["a:2"]));
});

const texts: readonly { name: string; ref: Reference; text: string }[] = [
  {
    name: "a tag before a digest",
    ref: new Reference("docker.io", ["a:1", "b:1"], ["a@x"]),
    text: "docker.io/a:1",
  },
  { name: "a digest", ref: new Reference("docker.io", [], ["a@x"]), text: "docker.io/a@x" },
  {
    name: "a library",
    ref: new Reference("cloud.sylabs.io", ["cloud.sylabs.io/a:1"]),
    text: "cloud.sylabs.io/a:1",
  },
  {
    name: "another library",
    ref: new Reference("library://h", ["e/c/n:1"]),
    text: "library://h/e/c/n:1",
  },
  {
    name: "a local file",
    ref: new Reference("local.file", ["local.file/a"]),
    text: "local.file/a",
  },
  // B20: the original panics here.
  { name: "no name at all", ref: new Reference("docker.io"), text: "docker.io" },
];

for (const { name, ref, text } of texts) {
  test(`toString of ${name}`, () => {
    assert.equal(ref.toString(), text);
  });
}

test("empty lists are written as null", () => {
  const json = '{"uri":"docker.io","tags":["busybox:1.28"],"digests":null}';
  assert.equal(JSON.stringify(new Reference("docker.io", ["busybox:1.28"])), json);
});

for (const digests of ['"digests":null,', '"digests":[],', ""]) {
  test(`fromJSON reads an empty list from ${digests === "" ? "nothing" : digests}`, () => {
    const ref = Reference.fromJSON(JSON.parse(`{${digests}"uri":"docker.io","tags":["a:1"]}`));
    assert.deepEqual(ref, new Reference("docker.io", ["a:1"]));
  });
}

const refused: readonly { name: string; value: unknown }[] = [
  { name: "nothing", value: undefined },
  { name: "null", value: null },
  { name: "a list", value: [] },
  { name: "a text", value: "busybox" },
  { name: "no uri", value: { tags: [] } },
  { name: "an unknown uri", value: { uri: "gcr.io" } },
  { name: "a library without a host", value: { uri: "library://" } },
  { name: "a library with a path", value: { uri: "library://h/e" } },
  { name: "tags that are no list", value: { uri: "docker.io", tags: "a:1" } },
  { name: "tags that are an object", value: { uri: "docker.io", tags: {} } },
  { name: "a tag that is no string", value: { uri: "docker.io", tags: [1] } },
  { name: "an empty tag", value: { uri: "docker.io", tags: [""] } },
  { name: "a digest that is null", value: { uri: "docker.io", digests: [null] } },
];

for (const { name, value } of refused) {
  test(`Reference.fromJSON refuses ${name}`, () => {
    assert.throws(() => Reference.fromJSON(value), { code: "INFO_INVALID" });
  });
}

test("fromJSON undoes toJSON", () => {
  const uris = fc.constantFrom(
    "docker.io",
    "cloud.sylabs.io",
    "local.file",
    "library://h.example:1",
  );
  const names = fc.array(fc.string({ minLength: 1 }), { maxLength: 4 });
  fc.assert(
    fc.property(uris, names, names, (uri, tags, digests) => {
      const ref = new Reference(uri, tags, digests);
      assert.deepEqual(Reference.fromJSON(JSON.parse(JSON.stringify(ref))), ref);
    }),
    { numRuns: 100 },
  );
});

test("fromJSON answers any value with a reference or its own error", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      try {
        Reference.fromJSON(value);
      } catch (error) {
        assert.ok(error instanceof ImageError && error.code === "INFO_INVALID");
      }
    }),
    { numRuns: 200 },
  );
});
