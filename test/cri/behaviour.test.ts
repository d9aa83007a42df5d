import assert from "node:assert/strict";
import { rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { status as codes } from "@grpc/grpc-js";
import type { ClientImage, CriClient, DaemonPlace } from "../fixtures/daemon/index.ts";
import { makeImage, makeIndex, type FakeRegistry } from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";
import { noiseBytes } from "../real/generated-bytes.ts";
import { imageOf, ServedRegistry } from "./served-registry.ts";

// What the daemon promises of images, beyond the conformance tests: cri.md §2 and §3.1, column "ours".

let served: ServedRegistry;
let registry: FakeRegistry;
let place: DaemonPlace;
let client: CriClient;

before(async () => {
  served = await ServedRegistry.start();
  ({ registry, place, client } = served);
});

after(async () => {
  await served[Symbol.asyncDispose]();
});

/** Whether a list has the image. */
async function isListed(id: string): Promise<boolean> {
  return (await client.list()).some((image) => image.id === id);
}

describe("an image that is there", () => {
  test("has one digest, that of the index that its tag means", async () => {
    const entries = ["amd64", "arm64"].map((architecture) => {
      const platform = { os: "linux", architecture };
      const layers = [tar([{ path: "a", data: architecture }])];
      return { image: makeImage({ layers, platform }), platform };
    });
    const index = makeIndex(entries);
    registry.putIndex("multi", index, "1");
    const name = `${registry.host}/multi:1`;
    await client.pull(name);
    const image = await client.status(name);
    assert.deepEqual(image?.repoTags, [name]);
    assert.deepEqual(image.repoDigests, [`${registry.host}/multi@${index.descriptor.digest}`]);
  });

  test("is found by every spelling of its name and the beginning of its id, and by nothing else", async () => {
    const name = served.put("spelled");
    const id = await client.pull(name);
    const digest = (await client.status(name))?.repoDigests[0] ?? "";
    const spellings = [name, `docker://${name}`, digest, `${name}@${digest.split("@")[1] ?? ""}`];
    for (const text of [...spellings, id, id.slice(0, 12), `sha256:${id}`]) {
      assert.equal((await client.status(text))?.id, id, text);
      assert.deepEqual(
        (await client.list(text)).map((image) => image.id),
        [id],
        text,
      );
      assert.deepEqual(
        (await client.stream(text)).flat().map((image) => image.id),
        [id],
        text,
      );
    }
    for (const text of [id.slice(0, 2), `${name}2`, name.slice(0, -3), "../etc", "\u0000", "🙂"]) {
      assert.equal(await client.status(text), null, text);
      assert.deepEqual(await client.list(text), [], text);
      assert.deepEqual(await client.stream(text), [], text);
    }
  });

  test("is the same in a list, in a stream and alone", async () => {
    const id = await client.pull(served.put("equal"));
    const image = await client.status(id);
    const listed = (await client.list()).find((each) => each.id === id);
    const streamed = (await client.stream()).flat().find((each) => each.id === id);
    assert.deepEqual(listed, image);
    assert.deepEqual(streamed, image);
    assert.deepEqual(await client.list(), (await client.stream()).flat());
    assert.deepEqual(await client.list(""), await client.list());
  });

  test("has the size that its file takes up, and is told in full to who asks for it", async () => {
    const name = served.put("told");
    const id = await client.pull(name);
    const { info } = await client.info(name);
    const told = info as {
      sif: { path: string; partition: { offset: number; size: number; compressor: string } };
      source: { manifestDigest: string };
      imageSpec: { architecture: string };
    };
    assert.equal(told.sif.path, join(place.store, `images/${id}.sif`));
    const { blocks, size } = await stat(told.sif.path);
    assert.equal((await client.status(id))?.size, String(blocks * 512));
    const { partition } = told.sif;
    assert.equal(partition.compressor, "gzip");
    assert.ok(partition.offset > 0 && partition.offset + partition.size <= size);
    assert.match(told.source.manifestDigest, /^sha256:/);
    assert.equal(told.imageSpec.architecture, "amd64");
  });

  test("keeps its id when its tag moves, and stays until it is removed", async () => {
    const name = served.put("moving", imageOf("before"));
    const old = await client.pull(name);
    served.put("moving", imageOf("after"));
    const next = await client.pull(name);
    assert.notEqual(next, old);
    assert.equal((await client.status(name))?.id, next);
    assert.deepEqual((await client.status(old))?.repoTags, []);
    await client.remove(old);
    assert.equal(await client.status(old), null);
    assert.equal((await client.status(name))?.id, next);
  });

  test("whose file is gone is not there, until it is pulled again", async () => {
    const name = served.put("lost");
    const id = await client.pull(name);
    await rm(join(place.store, `images/${id}.sif`));
    assert.equal(await client.status(name), null);
    assert.equal(await client.pull(name), id);
    assert.equal((await client.status(name))?.id, id);
  });

  test("whose file is gone when it is asked for is in no list either, until the file is back", async () => {
    const name = served.put("mislaid");
    const id = await client.pull(name);
    const file = join(place.store, `images/${id}.sif`);
    assert.equal(await isListed(id), true);
    await rename(file, `${file}.mislaid`);
    assert.equal(await client.status(name), null);
    assert.equal(await isListed(id), false);
    assert.deepEqual(await client.list(name), []);
    assert.ok((await client.stream()).flat().every((image) => image.id !== id));
    await rename(`${file}.mislaid`, file);
    const image = await client.status(name);
    assert.equal(image?.id, id);
    assert.deepEqual(
      (await client.list()).find((each) => each.id === id),
      image,
    );
  });

  test("is told with the runtime handler that it was pulled for last", async () => {
    const name = served.put("sandboxed");
    const id = await client.pull(name, { runtimeHandler: "gvisor" });
    const handler = async (): Promise<string | undefined> =>
      (await client.list()).find((image) => image.id === id)?.spec?.runtimeHandler;
    assert.equal(await handler(), "gvisor");
    await client.pull(name);
    assert.equal(await handler(), "");
  });

  test("is pinned where the configuration or somebody says so, and removed all the same", async () => {
    const byName = await client.pull(served.put("team/pinned"));
    assert.equal((await client.status(byName))?.pinned, true);
    const byHand = await client.pull(served.put("by-hand"));
    const pinned = async (): Promise<readonly (boolean | undefined)[]> => [
      (await client.status(byHand))?.pinned,
      (await client.list()).find(({ id }) => id === byHand)?.pinned,
    ];
    assert.deepEqual(await pinned(), [false, false]);
    await place.siflet("pin", byHand);
    assert.deepEqual(await pinned(), [true, true]);
    await client.remove(byName);
    assert.equal(await client.status(byName), null);
  });
});

describe("what the command line does to the same store", () => {
  test("is told at once", async () => {
    const id = await client.pull(served.put("removed-by-hand"));
    assert.equal(await isListed(id), true);
    await place.siflet("rm", id);
    assert.equal(await isListed(id), false);
    assert.equal(await client.status(id), null);
  });

  test("keeps what it borrows from being removed", async () => {
    const name = served.put("borrowed");
    const id = await client.pull(name);
    await place.siflet("borrow", name, "--by", "runtime");
    await assert.rejects(client.remove(id), {
      code: codes.FAILED_PRECONDITION,
      details: `${name}: used by runtime`,
    });
    assert.equal(await isListed(id), true);
    await place.siflet("return", name, "--by", "runtime");
    await client.remove(id);
    assert.equal(await isListed(id), false);
  });

  test("an image that was added by hand has no digest of a registry", async () => {
    const file = join(place.directory, "by-hand.sif");
    await place.siflet("pull", "--no-store", "--output", file, served.put("carried"));
    await place.siflet("add", file, "--name", "example.org/carried:1");
    const image = (await client.status("example.org/carried:1")) as ClientImage;
    assert.deepEqual(image.repoTags, ["example.org/carried:1"]);
    assert.deepEqual(image.repoDigests, []);
  });
});

describe("what the images take up", () => {
  test("is told for a directory that exists, with a time", async () => {
    const { imageFilesystems, containerFilesystems } = await client.fsInfo();
    const [usage] = imageFilesystems;
    assert.equal(imageFilesystems.length, 1);
    assert.deepEqual(containerFilesystems, []);
    assert.equal(usage?.fsId?.mountpoint, place.store);
    assert.ok(BigInt(usage.timestamp) > 10n ** 18n);
    assert.ok(BigInt(usage.usedBytes?.value ?? "0") > 0n);
    assert.ok(BigInt(usage.inodesUsed?.value ?? "0") > 0n);
  });

  test("is less for the very next call after a removal", async () => {
    const usage = async (): Promise<{ at: bigint; used: bigint }> => {
      const [first] = (await client.fsInfo()).imageFilesystems;
      return { at: BigInt(first?.timestamp ?? "0"), used: BigInt(first?.usedBytes?.value ?? "0") };
    };
    // Noise, so that the image is large beside whatever the store's database grows by.
    const data = noiseBytes("what the images take up", 4_000_000);
    const name = served.put("large", makeImage({ layers: [tar([{ path: "noise", data }])] }));
    const id = await client.pull(name);
    const size = BigInt((await client.status(id))?.size ?? "0");
    assert.ok(size > 4_000_000n);
    // A measure that was begun after the pull has the image in it.
    const pulledAt = BigInt(Date.now()) * 1_000_000n;
    let before = await usage();
    while (before.at < pulledAt) {
      await setTimeout(20);
      before = await usage();
    }
    await client.remove(id);
    const { used } = await usage();
    assert.ok(used <= before.used - (size * 9n) / 10n, `${used} after ${before.used}`);
  });
});

describe("the runtime's half", () => {
  test("says who answers, and that it serves images alone", async () => {
    assert.deepEqual(await client.call("RuntimeService", "version", { version: "0.1.0" }), {
      version: "0.1.0",
      runtimeName: "siflet",
      runtimeVersion: "0.1.0",
      runtimeApiVersion: "v1",
    });
    const { status, info } = (await client.call("RuntimeService", "status", {
      verbose: true,
    })) as {
      status: { conditions: readonly { type: string; status: boolean; reason: string }[] };
      info: Readonly<Record<string, string>>;
    };
    assert.deepEqual(
      status.conditions.map(({ type, status: isReady, reason }) => [type, isReady, reason]),
      [
        ["RuntimeReady", false, "ImageServiceOnly"],
        ["NetworkReady", false, "ImageServiceOnly"],
      ],
    );
    assert.equal((JSON.parse(info["siflet"] ?? "") as { store: string }).store, place.store);
    const { linux } = (await client.call("RuntimeService", "runtimeConfig")) as {
      linux: { cgroupDriver: string };
    };
    assert.match(linux.cgroupDriver, /^(SYSTEMD|CGROUPFS)$/);
  });

  test("lists no containers and no sandboxes", async () => {
    const containers = await client.call("RuntimeService", "listContainers");
    assert.deepEqual(containers, { containers: [] });
    assert.deepEqual(await client.call("RuntimeService", "listPodSandbox"), { items: [] });
  });

  test("does not serve what else there is", async () => {
    const unimplemented = { code: codes.UNIMPLEMENTED };
    await assert.rejects(client.call("ImageService", "pullSecurityProfileArtifact"), unimplemented);
    await assert.rejects(client.call("RuntimeService", "runPodSandbox"), unimplemented);
  });
});
