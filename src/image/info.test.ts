import assert from "node:assert/strict";
import { access, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import fc from "fast-check";
import type { ImageHome } from "./image-home.ts";
import { ImageError } from "./image-error.ts";
import { ID_LEN, Info, type ImageFilter, type ImageOrigin } from "./info.ts";
import { Reference } from "./reference.ts";

const id = "0123456789abcdef".repeat(4);
const sample = {
  id,
  sha256: id,
  size: 741376,
  path: `/images/${id}`,
  ref: { uri: "docker.io", tags: ["busybox:1.28"], digests: null },
};

async function infoOnDisk(t: TestContext, origin: ImageOrigin = "layers"): Promise<Info> {
  const folder = await mkdtemp(join(tmpdir(), "info-test-"));
  t.after(async () => {
    await rm(folder, { recursive: true, force: true });
  });
  const path = join(folder, id);
  await writeFile(path, "image");
  return new Info({ id, size: 5, path, ref: new Reference("docker.io", ["a:1"]), origin });
}

test("an id has ID_LEN characters, and is the sha256", () => {
  assert.equal(ID_LEN, 64);
  const info = Info.fromJSON(sample);
  assert.equal(info.id.length, ID_LEN);
  assert.equal(info.sha256, info.id);
});

test("borrowers count once each and hold the image", async (t) => {
  const info = await infoOnDisk(t);
  await info.borrow("a");
  await info.borrow("b");
  await info.borrow("a");
  assert.deepEqual(info.usedBy(), ["a", "b"]);
  info.usedBy().push("c");
  assert.deepEqual(info.usedBy(), ["a", "b"]);
  await assert.rejects(info.remove(), { code: "IS_USED", candidates: ["a", "b"] });
  await access(info.path);
  await info.return("a");
  await info.return("nobody");
  await assert.rejects(info.remove(), { code: "IS_USED", candidates: ["b"] });
  await info.return("b");
  assert.deepEqual(info.usedBy(), []);
  await info.remove();
  await assert.rejects(access(info.path), { code: "ENOENT" });
});

test("remove of a removed image is NOT_FOUND, and so is its borrow", async (t) => {
  const info = await infoOnDisk(t);
  await info.remove();
  await assert.rejects(info.remove(), { code: "NOT_FOUND" });
  await assert.rejects(info.borrow("a"), { code: "NOT_FOUND" });
  assert.deepEqual(info.usedBy(), []);
});

test("an image whose file somebody deleted is NOT_FOUND", async (t) => {
  const info = await infoOnDisk(t);
  await rm(info.path);
  await assert.rejects(info.borrow("a"), { code: "NOT_FOUND" });
  await assert.rejects(info.remove(), { code: "NOT_FOUND" });
});

test("an image that never was on disk is NOT_FOUND", async () => {
  const info = Info.fromJSON({ ...sample, path: "" });
  await assert.rejects(info.borrow("a"), { code: "NOT_FOUND" });
  await assert.rejects(info.remove(), { code: "NOT_FOUND" });
});

test("a borrow while the image is being removed never succeeds", async (t) => {
  const info = await infoOnDisk(t);
  const removal = info.remove();
  await assert.rejects(info.borrow("a"), { code: "NOT_FOUND" });
  await removal;
});

test("a failed removal leaves the image as it was", async (t) => {
  const info = await infoOnDisk(t);
  await rm(info.path);
  const folder = new Info({ id, size: 5, path: join(info.path, ".."), ref: info.ref });
  await assert.rejects(folder.remove(), (error) => !(error instanceof ImageError));
  await folder.borrow("a");
});

test("remove forgets a local.file image and never deletes its file", async (t) => {
  const info = await infoOnDisk(t, "local");
  await info.remove();
  await access(info.path);
  await assert.rejects(info.borrow("a"), { code: "NOT_FOUND" });
  await assert.rejects(info.remove(), { code: "NOT_FOUND" });
});

test("an Info of a store asks the store", async () => {
  const calls: string[] = [];
  const home: ImageHome = {
    borrow: (which, who) => {
      calls.push(`borrow ${which} ${who}`);
      return Promise.resolve(["elsewhere", who]);
    },
    return: (which, who) => {
      calls.push(`return ${which} ${who}`);
      return Promise.resolve(["elsewhere"]);
    },
    remove: (info) => {
      calls.push(`remove ${info.id}`);
      return Promise.resolve();
    },
  };
  const ref = new Reference("docker.io");
  const info = new Info({ id, size: 1, path: "/x", ref, usedBy: ["before"] }, home);
  assert.deepEqual(info.usedBy(), ["before"]);
  await info.borrow("a");
  assert.deepEqual(info.usedBy(), ["elsewhere", "a"]);
  await info.return("a");
  assert.deepEqual(info.usedBy(), ["elsewhere"]);
  await info.remove();
  assert.deepEqual(calls, [`borrow ${id} a`, `return ${id} a`, `remove ${id}`]);
});

const named = new Info({
  id,
  size: 1,
  path: "",
  ref: new Reference("docker.io", ["gcr.io/img:1", "gcr.io/img:2"], ["gcr.io/other@sha256:00"]),
});
const filters: readonly { name: string; filter?: ImageFilter | null; matches: boolean }[] = [
  { name: "no filter", matches: true },
  { name: "null", filter: null, matches: true },
  { name: "a filter without an image", filter: {}, matches: true },
  { name: "a filter with an image of nothing", filter: { image: {} }, matches: true },
  { name: "a filter with an empty image", filter: { image: { image: "" } }, matches: true },
  { name: "the id", filter: { image: { image: id } }, matches: true },
  { name: "the id's beginning", filter: { image: { image: "0123" } }, matches: true },
  { name: "the id's end", filter: { image: { image: "cdef" } }, matches: false },
  { name: "the first tag's beginning", filter: { image: { image: "gcr.io/img" } }, matches: true },
  { name: "the second tag", filter: { image: { image: "gcr.io/img:2" } }, matches: true },
  { name: "a digest's beginning", filter: { image: { image: "gcr.io/other" } }, matches: true },
  { name: "another name", filter: { image: { image: "busybox" } }, matches: false },
];

for (const { name, filter, matches } of filters) {
  test(`matches with ${name} is ${matches}`, () => {
    assert.equal(named.matches(filter), matches);
  });
}

test("the JSON is the original's, byte for byte", () => {
  const text =
    `{"id":"${id}","sha256":"${id}","size":741376,"path":"/images/${id}",` +
    `"ref":{"uri":"docker.io","tags":["busybox:1.28"],"digests":null}}`;
  assert.equal(JSON.stringify(Info.fromJSON(JSON.parse(text))), text);
});

test("ociConfig is kept in its own spelling, borrowers never are", () => {
  const info = Info.fromJSON(sample);
  const ociConfig = { Env: ["A=1"], Labels: { x: "y" } };
  const json: unknown = JSON.parse(
    JSON.stringify(
      new Info({ id, size: info.size, path: info.path, ref: info.ref, ociConfig, usedBy: ["a"] }),
    ),
  );
  assert.deepEqual(json, { ...info.toJSON(), ociConfig });
  const back = Info.fromJSON(json);
  assert.deepEqual(back.ociConfig, ociConfig);
  assert.deepEqual(back.usedBy(), []);
});

test("fromJSON reads a null ociConfig as none and other members not at all", () => {
  const info = Info.fromJSON({ ...sample, ociConfig: null, usedBy: ["a"], more: 1 });
  assert.deepEqual(info, Info.fromJSON(sample));
});

const origins = [
  { uri: "docker.io", origin: undefined },
  { uri: "cloud.sylabs.io", origin: "sif" },
  { uri: "library://lib.example.org", origin: "sif" },
  { uri: "local.file", origin: "local" },
];

for (const { uri, origin } of origins) {
  test(`an Info of ${uri} from JSON has the origin ${origin ?? "of nobody knows"}`, () => {
    assert.equal(Info.fromJSON({ ...sample, ref: { uri } }).origin, origin);
  });
}

const refused: readonly { name: string; value: unknown }[] = [
  { name: "null", value: null },
  { name: "a list", value: [sample] },
  { name: "no id", value: { ...sample, id: undefined } },
  {
    name: "an upper-case id",
    value: { ...sample, id: id.toUpperCase(), sha256: id.toUpperCase() },
  },
  { name: "a short id", value: { ...sample, id: id.slice(1), sha256: id.slice(1) } },
  { name: "another sha256", value: { ...sample, sha256: "0".repeat(64) } },
  { name: "no sha256", value: { ...sample, sha256: undefined } },
  { name: "a negative size", value: { ...sample, size: -1 } },
  { name: "an unsafe size", value: { ...sample, size: 2 ** 53 } },
  { name: "half a byte", value: { ...sample, size: 0.5 } },
  { name: "a size in a string", value: { ...sample, size: "1" } },
  { name: "no path", value: { ...sample, path: null } },
  { name: "no reference", value: { ...sample, ref: null } },
  { name: "a wrong reference", value: { ...sample, ref: { uri: 1 } } },
  { name: "a wrong ociConfig", value: { ...sample, ociConfig: [] } },
  { name: "a command in a string", value: { ...sample, ociConfig: { Cmd: "sh" } } },
];

for (const { name, value } of refused) {
  test(`Info.fromJSON refuses ${name}`, () => {
    assert.throws(() => Info.fromJSON(value), { code: "INFO_INVALID" });
  });
}

test("Info.fromJSON answers any value with an Info or its own error", () => {
  const members = fc.record({
    size: fc.jsonValue(),
    path: fc.jsonValue(),
    ref: fc.jsonValue(),
    ociConfig: fc.jsonValue(),
  });
  fc.assert(
    fc.property(members, (some) => {
      try {
        Info.fromJSON({ ...sample, ...some });
      } catch (error) {
        assert.ok(error instanceof ImageError && error.code === "INFO_INVALID");
      }
    }),
    { numRuns: 200 },
  );
});
