import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { status as codes } from "@grpc/grpc-js";
import { hashFile } from "../../src/base/index.ts";
import { DaemonPlace } from "../fixtures/daemon/index.ts";
import { startLibrary } from "../fixtures/library/index.ts";
import { makeSif } from "../fixtures/make-sif.ts";
import { makeImage, startRegistry, type FakeRegistry } from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";

// What images are called and what their ids are, wherever they come from and whoever tells of them.

const never = new AbortController().signal;
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";

async function newPlace(t: TestContext): Promise<DaemonPlace> {
  const place = await DaemonPlace.make();
  t.after(() => place[Symbol.asyncDispose]());
  return place;
}

async function newRegistry(t: TestContext): Promise<FakeRegistry> {
  const registry = await startRegistry();
  t.after(() => registry[Symbol.asyncDispose]());
  return registry;
}

test("a short name is told in full, and found by every spelling", async (t) => {
  const registry = await newRegistry(t);
  const image = makeImage({ layers: [tar([{ path: "f", data: "busybox" }])] });
  registry.putImage("library/busybox", image, "latest");
  const place = await newPlace(t);
  await place.mirror("docker.io", registry.url);
  await place.configure();
  using client = (await place.start()).client();
  // The kubelet's spelling.
  const id = await client.pull("busybox:latest");
  const told = await client.status(id);
  assert.deepEqual(told?.repoTags, ["docker.io/library/busybox:latest"]);
  assert.deepEqual(told.repoDigests, [`docker.io/library/busybox@${image.manifest.digest}`]);
  const full = ["docker.io/library/busybox", "index.docker.io/library/busybox:latest"];
  for (const name of ["busybox", "library/busybox", "docker.io/busybox:latest", ...full]) {
    assert.deepEqual(await client.status(name), told, name);
    assert.equal(await client.pull(name), id, name);
  }
  assert.deepEqual(await client.list(), [told]);
  await client.remove("docker.io/busybox");
  assert.deepEqual(await client.list(), []);
});

test("a SIF of a registry has its own hash as its id, whoever tells of it", async (t) => {
  const registry = await newRegistry(t);
  const sif = makeSif();
  const layers = [
    {
      mediaType: "application/vnd.sylabs.sif.layer.v1.sif",
      digest: registry.putBlob(sif.bytes),
      size: sif.bytes.length,
    },
  ];
  const config = {
    mediaType: "application/vnd.oci.empty.v1+json",
    digest: registry.putBlob(Buffer.from("{}")),
    size: 2,
  };
  const manifest = { schemaVersion: 2, mediaType: MANIFEST, config, layers };
  registry.putManifest("sif", Buffer.from(JSON.stringify(manifest)), MANIFEST, "1");
  const place = await newPlace(t);
  await place.configure();
  using client = (await place.start()).client();
  const name = `${registry.host}/sif:1`;
  assert.equal(await client.pull(name), sif.sha256);
  assert.equal((await client.status(name))?.id, sif.sha256);
  assert.deepEqual(
    (await client.list()).map(({ id }) => id),
    [sif.sha256],
  );
  const { imageId, path } = (await client.call("AdminService", "borrowAndPath", {
    image: name,
    owner: "runtime",
  })) as { readonly imageId: string; readonly path: string };
  assert.equal(imageId, sif.sha256);
  assert.equal(await hashFile(path, never), sif.sha256);
  const images = JSON.parse(await place.siflet("images", "--json")) as readonly {
    readonly id: string;
  }[];
  assert.deepEqual(
    images.map(({ id }) => id),
    [sif.sha256],
  );
});

test("an image of a library is for whoever brings a token as a password, also when it is there", async (t) => {
  const library = await startLibrary({ dialect: "hinkskalle" });
  t.after(() => library.close());
  const sif = makeSif();
  library.put("e/c/private", sif, { tags: ["1"], isPrivate: true });
  library.tokens.add("good");
  const place = await newPlace(t);
  await place.configure(`libraries:\n  cloud.sylabs.io: {endpoint: "${library.url}/"}`);
  using client = (await place.start()).client();
  const name = "cloud.sylabs.io/e/c/private:1";
  const good = { auth: { username: "anybody", password: "good" } };
  const refused = { code: codes.UNAUTHENTICATED };
  await assert.rejects(client.pull(name), refused);
  assert.equal(await client.pull(name, good), sif.sha256);
  assert.deepEqual((await client.status(sif.sha256))?.repoTags, [name]);
  await assert.rejects(client.pull(name), refused);
  await assert.rejects(client.pull(name, { auth: { password: "bad" } }), refused);
  assert.equal(await client.pull(name, good), sif.sha256);
});

test("a file of the host that the operator named has its hash as its id, and stays when it is removed", async (t) => {
  const sif = makeSif();
  const place = await newPlace(t);
  const file = join(place.directory, "Tools 2.sif");
  await writeFile(file, sif.bytes);
  await place.configure(`local:\n  directories: []\n  aliases: {tools: "${file}"}`);
  using client = (await place.start()).client();
  // The kubelet adds the tag.
  const name = "local.file/tools:latest";
  assert.equal(await client.pull(name), sif.sha256);
  assert.equal((await client.status(name))?.id, sif.sha256);
  await client.remove(sif.sha256);
  assert.equal(await client.status(name), null);
  assert.equal(await hashFile(file, never), sif.sha256);
});
