import process from "node:process";
import { after, before, describe, test } from "node:test";
import { DaemonPlace } from "../fixtures/daemon/index.ts";
import type { FakeRegistry } from "../fixtures/registry/index.ts";
import { hasMountRight } from "../real/index.ts";
import { startContainerd } from "./containerd.ts";
import { holdSpecs, type Exception } from "./hold-specs.ts";
import { REGISTRIES, startSpecRegistry } from "./spec-images.ts";

// One client and one table of specs against two image services: Debian's containerd shows that client and
// specs are right, ours has to be as right.

let registry: FakeRegistry;

before(async () => {
  registry = await startSpecRegistry();
});

after(async () => {
  await registry[Symbol.asyncDispose]();
});

const CONTAINERD_DIFFERS: Readonly<Record<string, Exception>> = {
  "20 a stream has what the list has": {
    why: "StreamImages is younger than containerd 1.6",
    fails: { details: "unknown method StreamImages for service runtime.v1.ImageService" },
  },
  "21 a list that is asked for one name has that image alone": {
    why: "containerd ignores filters",
    fails: { code: "ERR_ASSERTION" },
  },
  "22 an id is a SHA-256 without a prefix": {
    why: "containerd's ids are digests of configurations, ours hashes of files",
    fails: { code: "ERR_ASSERTION", message: /match the regular expression/ },
  },
  "23 the spec of an image is always set": {
    why: "containerd 1.6 knows no runtime handlers",
    fails: { code: "ERR_ASSERTION", actual: undefined },
  },
};

describe("containerd", { skip: await whySkipped() }, () => {
  test("the specs of images, in random order", async (t) => {
    const mirrors = Object.fromEntries(REGISTRIES.map((name) => [name, registry.url]));
    await using server = await startContainerd(mirrors);
    const client = server.client.bind(server);
    await holdSpecs(t, { client, registry, exceptions: CONTAINERD_DIFFERS });
  });
});

describe("siflet", () => {
  test("the specs of images, in random order", async (t) => {
    await using place = await DaemonPlace.make();
    for (const name of REGISTRIES) await place.mirror(name, registry.url);
    await place.configure();
    const daemon = await place.start();
    await holdSpecs(t, { client: () => daemon.client(), registry });
  });
});

/** Containerd unpacks with mounts of its own; in CI it has to. */
async function whySkipped(): Promise<string | false> {
  if (process.env["CI"] === "true" || (await hasMountRight())) return false;
  return "containerd needs root who may mount";
}
