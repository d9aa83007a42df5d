import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { DaemonPlace, type CriClient } from "../fixtures/daemon/index.ts";
import {
  makeImage,
  startRegistry,
  type FakeRegistry,
  type FixtureImage,
} from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";

const IMAGES = 40;
/** Layers that the images share; each has three of them, and one of its own. */
const SHARED_LAYERS = 8;
const CALLS_PER_IMAGE = 5;

interface Sample {
  readonly name: string;
  readonly image: FixtureImage;
}

function putImages(registry: FakeRegistry): readonly Sample[] {
  const shared = Array.from({ length: SHARED_LAYERS }, (_, number) =>
    tar([{ path: `shared/${number}`, data: `layer ${number} `.repeat(4000) }]),
  );
  return Array.from({ length: IMAGES }, (_, number) => {
    const layers = [0, 1, 3].map((step) => shared[(number + step) % SHARED_LAYERS] ?? tar([]));
    const own = tar([{ path: "own", data: `image ${number}` }]);
    const image = makeImage({ layers: [...layers, own] });
    registry.putImage(`team/app-${number}`, image, "1");
    return { name: `${registry.host}/team/app-${number}:1`, image };
  });
}

/** What a kubelet asks all the time, again and again until `signal`; throws at a wrong answer. */
async function ask(
  client: CriClient,
  samples: readonly Sample[],
  signal: AbortSignal,
): Promise<number> {
  let rounds = 0;
  for (; !signal.aborted; rounds += 1) {
    const name = samples[rounds % samples.length]?.name ?? "";
    const [listed, status, usage] = await Promise.all([
      client.list(),
      client.status(name),
      client.fsInfo(),
    ]);
    assert.equal(usage.imageFilesystems.length, 1);
    assert.equal(new Set(listed.map(({ id }) => id)).size, listed.length);
    for (const image of [...listed, ...(status === null ? [] : [status])]) {
      assert.match(image.id, /^[0-9a-f]{64}$/);
      assert.equal(image.repoTags.length, 1, "an image without its name");
      assert.equal(image.repoDigests.length, 1, "an image without its digest");
      assert.ok(BigInt(image.size) > 0n);
      assert.equal(image.spec?.image, image.id);
    }
    if (status !== null) assert.deepEqual(status.repoTags, [name]);
  }
  return rounds;
}

test("200 pulls of 40 images with shared layers, while a kubelet asks", async () => {
  await using registry = await startRegistry();
  const samples = putImages(registry);
  await using place = await DaemonPlace.make();
  await place.configure();
  const daemon = await place.start();
  using client = daemon.client();
  const stop = new AbortController();
  const asking = ask(client, samples, stop.signal);
  asking.catch(() => undefined);
  // In rounds over all images, so that calls for one of them are far apart.
  const calls = Array.from({ length: CALLS_PER_IMAGE }, () => samples).flat();
  const answers = await Promise.all(
    calls.map(async ({ name }) => ({ name, id: await client.pull(name) })),
  );
  stop.abort();
  assert.ok((await asking) > 0);

  const ids = new Map(answers.map(({ name, id }) => [name, id]));
  assert.equal(new Set(ids.values()).size, IMAGES);
  for (const { name, id } of answers) assert.equal(id, ids.get(name));
  for (const { name } of samples) assert.equal((await client.status(name))?.id, ids.get(name));
  assert.deepEqual(
    (await client.list()).map(({ id }) => id),
    [...ids.values()].sort(),
  );
  assert.deepEqual(fetchedTwice(registry, samples), []);

  assert.equal(await daemon.stop(), 0);
  assert.deepEqual(
    daemon.log.filter((line) => /call \d+/.test(line)),
    [],
  );
  const files = (await readdir(join(place.store, "images"))).sort();
  assert.deepEqual(files, [...ids.values()].map((id) => `${id}.sif`).sort());
  assert.deepEqual(await readdir(join(place.store, "tmp")), []);
});

function fetchedTwice(registry: FakeRegistry, samples: readonly Sample[]): readonly string[] {
  const layers = new Set(samples.flatMap(({ image }) => image.layers.map(({ digest }) => digest)));
  const fetched = registry
    .paths("GET")
    .map((path) => path.split("/").at(-1) ?? "")
    .filter((digest) => layers.has(digest as never));
  const counts = Map.groupBy(fetched, (digest) => digest);
  return [...counts]
    .filter(([, { length }]) => length > 1)
    .map(([digest, all]) => `${digest} ${all.length}`);
}
