import assert from "node:assert/strict";
import { status as codes } from "@grpc/grpc-js";
import type { CriClient } from "../fixtures/daemon/index.ts";
import type { FakeRegistry } from "../fixtures/registry/index.ts";
import { digested, PREFIX, REPOSITORY, USERS } from "./spec-images.ts";

/** Asks something of an image service, and leaves no image behind. */
export type ImageSpec = (client: CriClient, registry: FakeRegistry) => Promise<void>;

/** Pulls, and finds the image under the id that was answered. */
async function pulled(client: CriClient, name: string): Promise<string> {
  const id = await client.pull(name);
  assert.equal((await client.status(name))?.id, id);
  return id;
}

/** What the conformance tests ask, with their numbers. @see cri.md §4.1 */
export const CONFORMANCE: Readonly<Record<string, ImageSpec>> = {
  "1 public image with tag": async (client) => {
    const name = `${PREFIX}/test-image-tag:test`;
    const id = await pulled(client, name);
    assert.deepEqual((await client.status(name))?.repoTags, [name]);
    await client.remove(id);
    assert.equal(await client.status(name), null);
  },
  "2 a pull that times out leaves nothing": async (client, registry) => {
    const name = `${PREFIX}/test-image-tag:test`;
    // Held at its first byte, so that it is the client's time that ends it.
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const hold = promise.then(() => undefined);
    registry.addFault(`/v2/${REPOSITORY}/test-image-tag/manifests/test`, { hold, times: 1 });
    await assert.rejects(client.pull(name, {}, { deadlineMs: 1 }), {
      code: codes.DEADLINE_EXCEEDED,
    });
    resolve(undefined);
    assert.equal(await client.status(name), null);
  },
  "3 public image without tag": async (client) => {
    const name = `${PREFIX}/test-image-latest`;
    const id = await pulled(client, name);
    assert.deepEqual((await client.status(name))?.repoTags, [`${name}:latest`]);
    await client.remove(id);
    assert.equal(await client.status(name), null);
  },
  "4 public image with digest": async (client) => {
    const name = `${PREFIX}/test-image-digest@${digested.manifest.digest}`;
    const id = await pulled(client, name);
    const image = await client.status(name);
    assert.deepEqual(image?.repoTags, []);
    assert.deepEqual(image.repoDigests, [name]);
    await client.remove(id);
    assert.equal(await client.status(name), null);
  },
  "5 image status supports all kinds of references": async (client) => {
    const id = await pulled(client, `${PREFIX}/test-image-tag:all`);
    const image = await client.status(id);
    assert.ok(image !== null);
    for (const name of [...image.repoTags, ...image.repoDigests]) {
      assert.deepEqual(await client.status(name), image);
    }
    await client.remove(id);
  },
  "6 user and its number": async (client) => {
    for (const { name, uid, username } of USERS) {
      const id = await pulled(client, `${PREFIX}/${name}`);
      const image = await client.status(id);
      assert.equal(image?.uid?.value, uid);
      assert.equal(image?.username, username);
      await client.remove(id);
    }
  },
  "7 exactly three images in the list": async (client) => {
    const names = [1, 2, 3].map((number) => `${PREFIX}/test-image-${number}:latest`);
    const ids = [];
    for (const name of names) ids.push(await pulled(client, name));
    const images = await client.list();
    for (const [index, id] of ids.entries()) {
      const found = images.filter((image) => image.id === id);
      assert.deepEqual(
        found.map(({ repoTags }) => repoTags),
        [[names[index]]],
      );
      await client.remove(id);
    }
  },
  "8 exactly three tags of one image in the list": async (client) => {
    const names = [1, 2, 3].map((number) => `${PREFIX}/test-image-tags:${number}`);
    const ids = [];
    for (const name of names) ids.push(await pulled(client, name));
    const [id = ""] = ids;
    assert.deepEqual(ids, [id, id, id]);
    const found = (await client.list()).filter((image) => image.id === id);
    assert.deepEqual(
      found.map(({ repoTags }) => repoTags),
      [names],
    );
    await client.remove(id);
  },
  "9 removing by one tag removes all tags": async (client) => {
    const names = [1, 2, 3].map((number) => `${PREFIX}/test-image-tags:${number}`);
    for (const name of names) await pulled(client, name);
    const id = (await client.status(names[0] ?? ""))?.id ?? "";
    await client.remove(names[0] ?? "");
    for (const name of [...names, id]) assert.equal(await client.status(name), null);
  },
  "10 removing from one registry removes the tags of others": async (client) => {
    const names = ["k8s.gcr.io/pause:3.9", "registry.k8s.io/pause:3.9"];
    const ids = [];
    for (const name of names) ids.push(await pulled(client, name));
    assert.equal(ids[0], ids[1]);
    assert.deepEqual((await client.status(ids[0] ?? ""))?.repoTags, names);
    await client.remove(names[1] ?? "");
    for (const name of names) assert.equal(await client.status(name), null);
  },
  "11 not listed right after its removal": async (client) => {
    const id = await pulled(client, `${PREFIX}/test-image-tag:test`);
    await client.remove(id);
    assert.equal(await client.status(id), null);
    assert.ok((await client.list()).every((image) => image.id !== id));
  },
  "12 listed right after it was pulled": async (client) => {
    const id = await pulled(client, `${PREFIX}/test-image-tag:test`);
    assert.ok((await client.list()).some((image) => image.id === id));
    assert.equal((await client.status(id))?.id, id);
    await client.remove(id);
  },
  "13 removals at once": async (client) => {
    const id = await pulled(client, `${PREFIX}/test-image-tag:test`);
    const removeAndLook = async (): Promise<void> => {
      await client.remove(id);
      assert.equal(await client.status(id), null);
    };
    await Promise.all([1, 2, 3, 4, 5].map(removeAndLook));
  },
  "14 removal of what is not there": async (client) => {
    await client.remove("0".repeat(64));
    await client.remove("0".repeat(64));
  },
};

/** What else is asked of each. @see cri.md §1.3, §2.3, and §3.1, column "ours" */
export const FURTHER: Readonly<Record<string, ImageSpec>> = {
  "15 a pull again has the same id and the same answers": async (client) => {
    const name = `${PREFIX}/test-image-tag:test`;
    const id = await pulled(client, name);
    const image = await client.status(id);
    assert.equal(await pulled(client, name), id);
    assert.deepEqual(await client.status(id), image);
    assert.deepEqual(await client.list(), [image]);
    await client.remove(id);
    assert.equal(await pulled(client, name), id);
    await client.remove(id);
  },
  "16 what is nowhere is NOT_FOUND to pull and absent to look at": async (client) => {
    for (const name of [`${PREFIX}/absent:1`, `${PREFIX}/test-image-tag:absent`]) {
      await assert.rejects(client.pull(name), { code: codes.NOT_FOUND });
      assert.equal(await client.status(name), null);
      await client.remove(name);
    }
    for (const name of ["0".repeat(64), "abcdef", "sha256:0123", "Not A Name"]) {
      assert.equal(await client.status(name), null);
    }
  },
  "17 sizes and times are numbers of 64 bits": async (client) => {
    const id = await pulled(client, `${PREFIX}/test-image-1`);
    assert.ok(BigInt((await client.status(id))?.size ?? 0) > 0n);
    const { imageFilesystems } = await client.fsInfo();
    const [usage] = imageFilesystems;
    assert.equal(imageFilesystems.length, 1);
    assert.match(usage?.fsId?.mountpoint ?? "", /^[/]/);
    assert.ok(BigInt(usage?.timestamp ?? 0) > 10n ** 18n);
    assert.ok(BigInt(usage?.usedBytes?.value ?? -1) >= 0n);
    assert.ok(BigInt(usage?.inodesUsed?.value ?? -1) >= 0n);
    await client.remove(id);
  },
  "18 a pull that its client calls off leaves nothing": async (client, registry) => {
    const name = `${PREFIX}/test-image-2:latest`;
    const leaving = new AbortController();
    const hold = Promise.withResolvers<undefined>();
    const path = `/v2/${REPOSITORY}/test-image-2/manifests/latest`;
    registry.addFault(path, { hold: hold.promise.then(() => undefined), times: 1 });
    registry.requests.length = 0;
    const pull = client.pull(name, {}, { signal: leaving.signal });
    while (registry.requests.length === 0) await client.fsInfo();
    leaving.abort();
    await assert.rejects(pull, { code: codes.CANCELLED });
    hold.resolve(undefined);
    assert.equal(await client.status(name), null);
    assert.deepEqual(await client.list(), []);
  },
  "19 a method that there is not is UNIMPLEMENTED": async (client) => {
    await assert.rejects(client.call("ImageService", "pullSecurityProfileArtifact"), {
      code: codes.UNIMPLEMENTED,
    });
  },
  "20 a stream has what the list has": async (client) => {
    const id = await pulled(client, `${PREFIX}/test-image-tag:test`);
    assert.deepEqual((await client.stream()).flat(), await client.list());
    await client.remove(id);
    assert.deepEqual(await client.stream(), []);
  },
  "21 a list that is asked for one name has that image alone": async (client) => {
    const ids = [];
    for (const number of [1, 2]) ids.push(await pulled(client, `${PREFIX}/test-image-${number}`));
    const listed = await client.list(`${PREFIX}/test-image-2`);
    assert.deepEqual(
      listed.map(({ id }) => id),
      [ids[1]],
    );
    for (const id of ids) await client.remove(id);
  },
  "22 an id is a SHA-256 without a prefix": async (client) => {
    const id = await pulled(client, `${PREFIX}/test-image-tag:test`);
    assert.match(id, /^[0-9a-f]{64}$/);
    await client.remove(id);
  },
  "23 the spec of an image is always set": async (client) => {
    const id = await pulled(client, `${PREFIX}/test-image-tag:test`);
    assert.equal((await client.status(id))?.spec?.image, id);
    await client.remove(id);
  },
};
