import assert from "node:assert/strict";
import { test } from "node:test";
import { status as codes } from "@grpc/grpc-js";
import { DaemonPlace } from "../fixtures/daemon/index.ts";
import { makeImage, makeIndex, startRegistry } from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";

interface Told {
  readonly imageSpec: { readonly architecture: string };
  readonly sif: { readonly partition: { readonly compressor: string } };
}

test("a pull for a runtime handler gets the platform and the profile that it is configured with", async () => {
  await using registry = await startRegistry();
  const entries = ["amd64", "arm64"].map((architecture) => {
    const platform = { os: "linux", architecture };
    const layers = [tar([{ path: "a", data: architecture }])];
    return { image: makeImage({ layers, platform }), platform };
  });
  registry.putIndex("multi", makeIndex(entries), "1");
  const name = `${registry.host}/multi:1`;
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
