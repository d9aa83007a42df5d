import assert from "node:assert/strict";
import { test } from "node:test";
import { status as codes } from "@grpc/grpc-js";
import { DaemonPlace } from "../fixtures/daemon/index.ts";
import {
  makeImage,
  makeIndex,
  startRegistry,
  type FakeRegistry,
} from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";

interface Told {
  readonly imageSpec: { readonly architecture: string };
  readonly sif: { readonly partition: { readonly compressor: string } };
}

/** An image of two platforms; its name. */
function putBoth(registry: FakeRegistry): string {
  const entries = ["amd64", "arm64"].map((architecture) => {
    const platform = { os: "linux", architecture };
    const layers = [tar([{ path: "a", data: architecture }])];
    return { image: makeImage({ layers, platform }), platform };
  });
  registry.putIndex("multi", makeIndex(entries), "1");
  return `${registry.host}/multi:1`;
}

test("a pull for a runtime handler gets the platform and the profile that it is configured with", async () => {
  await using registry = await startRegistry();
  const name = putBoth(registry);
  await using place = await DaemonPlace.make();
  await place.configure(
    "daemon: {runtimeHandlers: {same: , other: {platform: linux/arm64}, quick: {compression: zstd}}}",
  );
  using client = (await place.start()).client();
  const pull = async (runtimeHandler: string): Promise<readonly [string, string, string]> => {
    const id = await client.pull(name, { runtimeHandler });
    const image = await client.status(id);
    assert.equal(image?.spec?.runtimeHandler, runtimeHandler);
    assert.deepEqual(image.repoTags, [name]);
    const { imageSpec, sif } = (await client.info(id))["info"] as Told;
    return [id, imageSpec.architecture, sif.partition.compressor];
  };
  const [usual, ...facts] = await pull("");
  assert.deepEqual(facts, ["amd64", "gzip"]);
  assert.deepEqual(await pull("same"), [usual, "amd64", "gzip"]);
  const [other, ...otherFacts] = await pull("other");
  assert.notEqual(other, usual);
  assert.deepEqual(otherFacts, ["arm64", "gzip"]);
  const [quick, ...quickFacts] = await pull("quick");
  assert.notEqual(quick, usual);
  assert.deepEqual(quickFacts, ["amd64", "zstd"]);
  await assert.rejects(client.pull(name, { runtimeHandler: "constructor" }), {
    code: codes.INVALID_ARGUMENT,
  });
});

test("the annotation of a pod chooses the platform where the configuration names it, and nowhere else", async () => {
  await using registry = await startRegistry();
  const name = putBoth(registry);
  await using place = await DaemonPlace.make();
  const handlers = "runtimeHandlers: {usual: {platform: linux/amd64}}";
  await place.configure(`daemon: {${handlers}, platformAnnotation: siflet.example/platform}`);
  const daemon = await place.start();
  using client = daemon.client();
  const pull = async (
    annotations: Readonly<Record<string, string>>,
    runtimeHandler = "",
  ): Promise<string> => {
    const id = await client.pull(name, { annotations, runtimeHandler });
    return ((await client.info(id))["info"] as Told).imageSpec.architecture;
  };
  assert.equal(await pull({ "siflet.example/platform": "linux/arm64" }), "arm64");
  assert.equal(await pull({ "siflet.example/platform": "linux/arm64" }, "usual"), "arm64");
  assert.equal(await pull({}, "usual"), "amd64");
  assert.equal(await pull({ platform: "linux/arm64" }), "amd64");
  await assert.rejects(pull({ "siflet.example/platform": "arm64" }), {
    code: codes.INVALID_ARGUMENT,
    details: /annotation siflet\.example\/platform: platform "arm64": expected os\/architecture/,
  });
  const seen = daemon.log.length;
  await place.configure(`daemon: {${handlers}}`);
  daemon.signal("SIGHUP");
  await daemon.said(/configuration/, seen);
  assert.equal(await pull({ "siflet.example/platform": "linux/arm64" }), "amd64");
});
