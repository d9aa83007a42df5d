import assert from "node:assert/strict";
import { mkdtempDisposable, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import {
  canMount,
  comparableHere,
  compareTrees,
  layersOf,
  pushImage,
  readTree,
  recompressImage,
  run,
  smallImage,
  startDockerRegistry,
  umociUnpack,
  unsquash,
  withKernelMount,
  type FileFacts,
} from "./index.ts";

const OFFSET = 4096;

async function manifestType(host: string, repository: string, tag: string): Promise<string | null> {
  const accept = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
  ].join(", ");
  const url = `http://${host}/v2/${repository}/manifests/${tag}`;
  return (await fetch(url, { headers: { accept } })).headers.get("content-type");
}

test("the small image reaches a real registry in every form", async () => {
  await using work = await mkdtempDisposable(join(tmpdir(), "siflet-forms-"));
  await using registry = await startDockerRegistry();
  const image = await smallImage();
  const zstd = await recompressImage(image, "zstd", join(work.path, "zstd"));
  const plain = await recompressImage(image, "plain", join(work.path, "plain"));

  const digest = await pushImage(image, `${registry.host}/real/small:1`);
  await pushImage(image, `${registry.host}/real/docker:1`, { format: "v2s2" });
  await pushImage(zstd, `${registry.host}/real/zstd:1`, { preserveDigests: true });
  await pushImage(plain, `${registry.host}/real/plain:1`, { preserveDigests: true });

  assert.match(digest, /^sha256:[0-9a-f]{64}$/);
  const oci = "application/vnd.oci.image.manifest.v1+json";
  const docker = "application/vnd.docker.distribution.manifest.v2+json";
  assert.equal(await manifestType(registry.host, "real/small", "1"), oci);
  assert.equal(await manifestType(registry.host, "real/docker", "1"), docker);
  assert.equal(await manifestType(registry.host, "real/zstd", "1"), oci);
  for (const { digest: layer } of await layersOf(zstd)) {
    const blob = await fetch(`http://${registry.host}/v2/real/zstd/blobs/${layer}`);
    const magic = Buffer.from(await blob.arrayBuffer()).readUInt32LE();
    assert.equal(magic, 0xfd2f_b528, `${layer} is a zstd frame`);
  }
});

test("a squashfs of an unpacked image reads back as the same tree", async () => {
  await using work = await mkdtempDisposable(join(tmpdir(), "siflet-read-back-"));
  const root = await umociUnpack(await smallImage(), join(work.path, "bundle"));
  const expected = await readTree(root);
  const file = join(work.path, "image");
  await run("mksquashfs", [root, file, "-no-progress", "-quiet", "-offset", String(OFFSET)]);

  const unpacked = join(work.path, "unsquashed");
  await unsquash(file, OFFSET, unpacked);
  assert.deepEqual(compareTrees(expected, await readTree(unpacked), comparableHere()), []);

  if (await canMount()) {
    const size = (await stat(file)).size - OFFSET;
    const mounted = await withKernelMount(file, { offset: OFFSET, size }, readTree);
    assert.deepEqual(compareTrees(expected, mounted), []);
  }
});

test("compareTrees names every difference and no allowed one", () => {
  const facts: FileFacts = { type: "file", mode: 0o644, uid: 0, gid: 0, mtime: 1, xattrs: {} };
  const expected = new Map([
    ["gone", facts],
    ["other", { ...facts, mtime: 2 }],
    ["same", facts],
  ]);
  const actual = new Map([
    ["added", facts],
    ["added/below", facts],
    ["other", { ...facts, mode: 0o600, xattrs: { "user.a": "00" } }],
    ["same", facts],
    ["unknown", facts],
  ]);
  assert.deepEqual(compareTrees(expected, actual, { addedPaths: ["added"] }), [
    "gone: missing",
    "other: mode: expected 420, got 384",
    "other: mtime: expected 2, got 1",
    'other: xattrs: expected {}, got {"user.a":"00"}',
    "unknown: not expected",
  ]);
  const lenient = compareTrees(expected, actual, {
    ignoreMtimeOf: (path) => path === "other",
    ignoredFacts: ["mode", "xattrs"],
  });
  assert.deepEqual(lenient, [
    "added: not expected",
    "added/below: not expected",
    "gone: missing",
    "unknown: not expected",
  ]);
});
