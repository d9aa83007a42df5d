import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { StoredImage } from "../store/index.ts";
import { imageMessage } from "./image-message.ts";

const ID = "ab".repeat(32);
const HEX = "cd".repeat(32);

function stored(more: Partial<StoredImage> = {}): StoredImage {
  return {
    id: ID,
    size: 1000,
    path: `/store/images/${ID}.sif`,
    names: { tags: [], digests: [] },
    origin: "layers",
    platform: { os: "linux", architecture: "amd64" },
    source: { reference: "x", layers: [] },
    createdAt: 1,
    lastUsedAt: 2,
    borrowers: [],
    pinned: false,
    sideLoaded: false,
    localFiles: [],
    ...more,
  };
}

const facts = { size: 1000, allocated: 4096 };

describe("the user of an image", () => {
  const rows = [
    { user: undefined, uid: undefined, username: "" },
    { user: "", uid: undefined, username: "" },
    { user: "0", uid: 0n, username: "" },
    { user: "1002", uid: 1002n, username: "" },
    { user: "1003:1004", uid: 1003n, username: "" },
    { user: "+7", uid: 7n, username: "" },
    { user: "-1", uid: -1n, username: "" },
    { user: "4294967296", uid: 4_294_967_296n, username: "" },
    { user: "9223372036854775807", uid: 2n ** 63n - 1n, username: "" },
    { user: "9223372036854775808", uid: undefined, username: "9223372036854775808" },
    { user: "www-data", uid: undefined, username: "www-data" },
    { user: "www-data:100", uid: undefined, username: "www-data" },
    { user: ":100", uid: undefined, username: "" },
    { user: "0x10", uid: undefined, username: "0x10" },
    { user: "1e3", uid: undefined, username: "1e3" },
  ];
  for (const { user, uid, username } of rows) {
    test(`${JSON.stringify(user)} is ${uid ?? JSON.stringify(username)}`, () => {
      const ociConfigJson = JSON.stringify(user === undefined ? {} : { User: user });
      const message = imageMessage(stored({ ociConfigJson }), facts, []);
      assert.equal(message?.uid?.value, uid);
      assert.equal(message?.username, username);
    });
  }
});

test("names are sorted, with the tag or digest that clients split off", () => {
  const tags = [
    "registry.example/b:1",
    "local.file/home/me/my.sif",
    "cloud.sylabs.io/me/col/img:latest",
    "docker.io/library/a:1",
  ];
  const digests = [`registry.example/b@sha256:${HEX}`, `cloud.sylabs.io/me/col/img:sha256.${HEX}`];
  const message = imageMessage(stored({ names: { tags, digests } }), facts, []);
  assert.deepEqual(message?.repoTags, [
    "cloud.sylabs.io/me/col/img:latest",
    "docker.io/library/a:1",
    "local.file/home/me/my.sif:latest",
    "registry.example/b:1",
  ]);
  assert.deepEqual(message.repoDigests, [
    `cloud.sylabs.io/me/col/img@sha256:${HEX}`,
    `registry.example/b@sha256:${HEX}`,
  ]);
});

test("the size is that on the disk, and never 0", () => {
  assert.equal(imageMessage(stored(), facts, [])?.size, 4096n);
  assert.equal(imageMessage(stored(), { size: 1000, allocated: 0 }, [])?.size, 1n);
});

test("an image without its file, or with another one, is not there", () => {
  assert.equal(imageMessage(stored(), undefined, []), undefined);
  assert.equal(imageMessage(stored(), { size: 999, allocated: 4096 }, []), undefined);
});

test("spec is set, with the runtime handler that the image was pulled for", () => {
  assert.equal(imageMessage(stored(), facts, [])?.spec?.runtimeHandler, "");
  const handled = imageMessage(stored({ runtimeHandler: "gvisor" }), facts, []);
  assert.equal(handled?.spec?.runtimeHandler, "gvisor");
});

test("pinned is what was pinned by hand or by a pattern of a name", () => {
  const names = { tags: ["registry.example/pause:3"], digests: [] };
  const pinned = (image: StoredImage, pins: readonly string[]): boolean | undefined =>
    imageMessage(image, facts, pins)?.pinned;
  assert.equal(pinned(stored({ names }), []), false);
  assert.equal(pinned(stored({ names }), ["*/pause:3"]), true);
  assert.equal(pinned(stored({ names, pinned: true }), []), true);
});
