import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { status as codes } from "@grpc/grpc-js";
import { random } from "../faults/random.ts";
import { DaemonPlace, type CriClient } from "../fixtures/daemon/index.ts";
import { makeImage, startRegistry } from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";

/** Names, of which each image has two. */
const NAMES = 6;
const CLIENTS = 8;
const DEEDS_OF_EACH = 40;
const LONGEST_MS = 100;
const OWNERS = ["pod-0", "pod-1"] as const;

/** What may become of a call among all these others. */
const EXPECTED: readonly number[] = [codes.CANCELLED, codes.NOT_FOUND, codes.FAILED_PRECONDITION];

type Deed = (client: CriClient, name: string, at: number) => Promise<unknown>;

const DEEDS: readonly Deed[] = [
  (client, name) => client.pull(name),
  async (client, name, at) => {
    const leaving = new AbortController();
    const pull = client.pull(name, {}, { signal: leaving.signal });
    const left = delay(at * LONGEST_MS).then(() => {
      leaving.abort();
    });
    await Promise.all([pull, left]);
  },
  (client, name) => client.remove(name),
  async (client, name) => {
    const id = (await client.status(name))?.id;
    if (id !== undefined) await client.remove(id);
  },
  (client, image, at) => {
    const owner = OWNERS[at < 0.5 ? 0 : 1];
    return client.call("AdminService", "borrowAndPath", { image, owner });
  },
  (client, image, at) => {
    const owner = OWNERS[at < 0.5 ? 0 : 1];
    return client.call("AdminService", "return", { image, owner });
  },
  async (client) => {
    for (const image of await client.list()) {
      assert.ok(image.repoTags.length <= 2 && BigInt(image.size) > 0n);
      assert.equal(image.spec?.image, image.id);
    }
  },
];

test("pulls that are called off, removals, borrows and reloads among each other leave all in order", async () => {
  await using registry = await startRegistry();
  const names = Array.from({ length: NAMES }, (_, number) => {
    const layers = [tar([{ path: "f", data: `image ${number % (NAMES / 2)}` }])];
    registry.putImage(`storm/app-${number}`, makeImage({ layers }), "1");
    return `${registry.host}/storm/app-${number}:1`;
  });
  await using place = await DaemonPlace.make();
  await place.configure();
  const daemon = await place.start();
  using client = daemon.client();
  const unexpected: unknown[] = [];
  const next = random(23);
  const act = async (): Promise<void> => {
    using own = daemon.client();
    for (let count = 0; count < DEEDS_OF_EACH; count += 1) {
      const name = names[Math.floor(next() * NAMES)] ?? "";
      const deed = DEEDS[Math.floor(next() * DEEDS.length)];
      if (next() < 0.05) daemon.signal("SIGHUP");
      await deed?.(own, name, next()).catch((error: unknown) => {
        const code = error instanceof Error && "code" in error ? error.code : undefined;
        if (!EXPECTED.includes(Number(code))) unexpected.push(error);
      });
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, act));
  assert.deepEqual(unexpected, []);

  const { borrows } = (await client.call("AdminService", "listBorrows")) as {
    readonly borrows: readonly { readonly imageId: string; readonly owner: string }[];
  };
  for (const { imageId: image, owner } of borrows) {
    assert.equal((await client.status(image))?.id, image, "borrowed, and not there");
    await client.call("AdminService", "return", { image, owner });
  }
  const ids = new Map<string, string>();
  for (const name of names) ids.set(name, await client.pull(name));
  for (const [name, id] of ids) assert.equal((await client.status(name))?.id, id);
  const listed = await client.list();
  assert.deepEqual(
    listed.map(({ repoTags, repoDigests }) => [repoTags.length, repoDigests.length]),
    Array.from({ length: NAMES / 2 }, () => [2, 2]),
  );
  const files = listed.map(({ id }) => `${id}.sif`);
  assert.deepEqual((await readdir(join(place.store, "images"))).sort(), files);
  assert.deepEqual(await readdir(join(place.store, "tmp")), []);
  assert.equal(await daemon.stop(), 0);
  assert.deepEqual(
    daemon.log.filter((line) => / ERROR /.test(line)),
    [],
  );
});
