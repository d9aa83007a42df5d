import assert from "node:assert/strict";
import { truncateSync, writeSync } from "node:fs";
import { mkdir, open, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { openStore, pull as pullInto } from "../../src/index.ts";
import { pullToFile, pullToStore, type PullOptions } from "../../src/pull/index.ts";
import type { Store, StoredImage } from "../../src/store/index.ts";
import {
  dockerFiles,
  layoutFiles,
  nestedLayoutFiles,
  tarOf,
  writeFiles,
  type ArchiveContent,
} from "../fixtures/archive/index.ts";
import { archivesAt, leftovers, never, setUpPull, type PullSetup } from "../fixtures/pull-setup.ts";
import { makeImage, makeIndex, startRegistry } from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";
import { noiseBytes } from "../real/index.ts";

const layers = [tar([{ path: "a", data: "one" }]), tar([{ path: "b", data: "two" }])];
const image = makeImage({ layers, config: { Cmd: ["/a"] } });
const plain = makeImage({ layers, config: { Cmd: ["/a"] }, compression: "none" });
const docker = dockerFiles([{ image: plain, tags: ["team/app:1"] }]);

interface Work {
  readonly setup: PullSetup;
  readonly store: Store;
  readonly pull: (reference: string, wish?: Partial<PullOptions>) => Promise<StoredImage>;
}

/** A store, and `archive.tar` and `layout` of the given files beside it. */
async function setUp(
  t: TestContext,
  files: ArchiveContent = docker,
  input?: Uint8Array,
): Promise<Work> {
  const setup = await setUpPull(t);
  await writeFile(join(setup.directory, "archive.tar"), tarOf(files));
  await writeFiles(join(setup.directory, "layout"), files);
  const context = { ...setup.context, archives: archivesAt(setup.directory, input) };
  const store = await setup.store();
  const pull: Work["pull"] = (reference, wish) =>
    pullToStore(store, reference, context, setup.options(wish), never);
  return { setup, store, pull };
}

describe("an image out of an archive", () => {
  test("is recorded as brought by hand, with the archive's names and no digest", async (t) => {
    const { setup, store, pull } = await setUp(t);
    const pulled = await pull("docker-archive:archive.tar");
    assert.deepEqual(pulled.names, { tags: ["docker.io/team/app:1"], digests: [] });
    assert.equal(pulled.sideLoaded, true);
    assert.equal(pulled.origin, "layers");
    assert.equal(pulled.source.reference, `docker-archive:${setup.directory}/archive.tar`);
    assert.equal(pulled.source.host, undefined);
    assert.equal(pulled.source.configDigest, plain.config.digest);
    assert.deepEqual((await store.find("app", ["docker.io/team/app:1"])).id, pulled.id);
  });

  test("is the same image as its registry's, from every kind of source", async (t) => {
    await using registry = await startRegistry();
    registry.putImage("app", image, "1");
    const { pull } = await setUp(t, new Map([...layoutFiles([{ image }]), ...docker]));
    const { id } = await pull(`${registry.host}/app:1`);
    const sources = [
      "oci:layout",
      "oci-archive:archive.tar",
      "docker-archive:archive.tar",
      "docker-archive:archive.tar:@0",
      `oci:layout@${image.manifest.digest}`,
    ];
    for (const source of sources) {
      const { setup, pull: pullElsewhere } = await setUp(
        t,
        new Map([...layoutFiles([{ image }]), ...docker]),
      );
      assert.equal((await pullElsewhere(source)).id, id, source);
      const converted = setup.events.some(({ kind }) => kind === "converted");
      assert.ok(converted, "nothing was there before");
    }
  });

  test("gets the names that are given, and none of its own", async (t) => {
    const { pull } = await setUp(t);
    const names = ["mine:3", "registry.example/other:4"];
    const pulled = await pull("docker-archive:archive.tar", { names });
    assert.deepEqual(pulled.names.tags, ["docker.io/library/mine:3", "registry.example/other:4"]);
    const digest = { names: [`mine@${image.manifest.digest}`] };
    await assert.rejects(pull("docker-archive:archive.tar", digest), { code: "REFERENCE_INVALID" });
    await assert.rejects(pull("registry.example/app:1", { names }), { code: "REFERENCE_INVALID" });
  });

  test("without a name is found by its id", async (t) => {
    const { store, pull } = await setUp(t, layoutFiles([{ image, refName: "latest" }]));
    const pulled = await pull("oci:layout");
    assert.deepEqual(pulled.names, { tags: [], digests: [] });
    assert.equal((await store.find(pulled.id.slice(0, 12), [])).id, pulled.id);
  });

  test("moves a name from the image that had it", async (t) => {
    const other = makeImage({ layers: [tar([{ path: "other" }])] });
    const { setup, store, pull } = await setUp(t);
    const first = await pull("docker-archive:archive.tar");
    const files = dockerFiles([{ image: other, tags: ["team/app:1"] }]);
    await writeFile(join(setup.directory, "other.tar"), tarOf(files));
    const second = await pull("docker-archive:other.tar");
    assert.deepEqual(second.names.tags, ["docker.io/team/app:1"]);
    assert.deepEqual((await store.findById(first.id))?.names.tags, []);
  });

  test("is the one for the wanted platform, where its entry is an index", async (t) => {
    const arm = makeImage({ layers, platform: { os: "linux", architecture: "arm64" } });
    const index = makeIndex([
      { image: arm, platform: { os: "linux", architecture: "arm64" } },
      { image, platform: { os: "linux", architecture: "amd64" } },
    ]);
    const { pull } = await setUp(t, nestedLayoutFiles(index));
    const here = await pull("oci-archive:archive.tar");
    assert.equal(here.platform.architecture, "amd64");
    assert.equal(here.source.indexDigest, index.descriptor.digest);
    const there = await pull("oci:layout", { platform: { os: "linux", architecture: "arm64" } });
    assert.equal(there.platform.architecture, "arm64");
    const none = pull("oci:layout", { platform: { os: "linux", architecture: "s390x" } });
    await assert.rejects(none, { code: "PLATFORM_NOT_FOUND", message: /linux\/arm64/ });
  });

  test("of another architecture is not taken for this one's", async (t) => {
    const arm = makeImage({ layers, platform: { os: "linux", architecture: "arm64" } });
    const { pull } = await setUp(t, dockerFiles([{ image: arm }]));
    const wrong = pull("docker-archive:archive.tar");
    await assert.rejects(wrong, { code: "PLATFORM_NOT_FOUND" });
  });
});

describe("a large layer of a layout", () => {
  const large = makeImage({
    layers: [tar([{ path: "f", data: noiseBytes("large", 20_000_000) }])],
    compression: "none",
  });
  const files = layoutFiles([{ image: large }]);
  const blob = (directory: string): string => {
    const [layer] = large.layers;
    return join(directory, "layout/blobs/sha256", layer?.digest.slice("sha256:".length) ?? "");
  };

  test("that becomes shorter while it is read is ARCHIVE_CHANGED", async (t) => {
    const { setup, store, pull } = await setUp(t, files);
    const onEvent: PullOptions["onEvent"] = (event) => {
      if (event.kind === "fetched") truncateSync(blob(setup.directory), 1_000_000);
    };
    await assert.rejects(pull("oci:layout", { onEvent }), { code: "ARCHIVE_CHANGED" });
    assert.deepEqual(await leftovers(store), []);
  });

  test("that changes while it is read is no image", async (t) => {
    const { setup, store, pull } = await setUp(t, files);
    const file = await open(blob(setup.directory), "r+");
    t.after(() => file.close());
    const onEvent: PullOptions["onEvent"] = (event) => {
      if (event.kind === "fetched") writeSync(file.fd, "other", 19_000_000);
    };
    await assert.rejects(pull("oci:layout", { onEvent }), { code: "CONTENT_DIGEST_MISMATCH" });
    assert.deepEqual(await leftovers(store), []);
  });

  test("leaves nothing when its pull is stopped", async (t) => {
    const { setup, store } = await setUp(t, files);
    const stop = new AbortController();
    const onEvent: PullOptions["onEvent"] = (event) => {
      if (event.kind === "fetched" && event.bytes > 4_000_000) stop.abort();
    };
    const context = { ...setup.context, archives: archivesAt(setup.directory) };
    const options = setup.options({ onEvent });
    await assert.rejects(pullToStore(store, "oci:layout", context, options, stop.signal), {
      name: "AbortError",
    });
    assert.deepEqual(await leftovers(store), []);
  });
});

describe("an archive that claims what is here already", () => {
  test("is read to its last byte, and then names the stored image, which stays pulled", async (t) => {
    await using registry = await startRegistry();
    registry.putImage("app", image, "1");
    const { setup, pull } = await setUp(t);
    const first = await pull(`${registry.host}/app:1`);
    const before = setup.events.length;
    const second = await pull("docker-archive:archive.tar");
    assert.equal(second.id, first.id);
    assert.deepEqual(second.names.tags, [`${registry.host}/app:1`, "docker.io/team/app:1"]);
    assert.equal(second.sideLoaded, false);
    const kinds = setup.events.slice(before).map(({ kind }) => kind);
    assert.ok(!kinds.includes("converted"), "it was not converted again");
    assert.equal(kinds.at(-1), "present");
  });

  test("and does not hold it gets nothing", async (t) => {
    const { setup, store, pull } = await setUp(t);
    const first = await pull("docker-archive:archive.tar");
    const lying = new Map(dockerFiles([{ image: plain, tags: ["evil:1"] }]));
    lying.set(`${plain.diffIds[1]?.slice(7)}.tar`, tar([{ path: "b", data: "six" }]));
    await writeFile(join(setup.directory, "lying.tar"), tarOf(lying));
    const pulled = pull("docker-archive:lying.tar");
    await assert.rejects(pulled, { code: "CONTENT_DIGEST_MISMATCH" });
    assert.deepEqual((await store.findById(first.id))?.names, first.names);
  });

  test("gets a converted layer of another's image only where it delivers that layer", async (t) => {
    const { setup, store, pull } = await setUp(t);
    const cache = { directory: join(setup.directory, "packs"), maxBytes: 2 ** 30 };
    const first = await pull("docker-archive:archive.tar", { cache });
    await store.remove(first.id, never);
    const lying = new Map(docker);
    lying.set(`${plain.diffIds[1]?.slice(7)}.tar`, tar([{ path: "b", data: "six" }]));
    await writeFile(join(setup.directory, "lying.tar"), tarOf(lying));
    const pulled = pull("docker-archive:lying.tar", { cache });
    await assert.rejects(pulled, { code: "CONTENT_DIGEST_MISMATCH" });
    const before = setup.events.length;
    assert.equal((await pull("docker-archive:archive.tar", { cache })).id, first.id);
    const kinds = setup.events.slice(before).map(({ kind }) => kind);
    assert.ok(kinds.includes("fetched"), "it was read");
    assert.ok(!kinds.includes("converted"), "and not converted again");
  });
});

describe("an archive that cannot be read where it lies", () => {
  const packed = gzipSync(tarOf(docker));

  test("goes through a file that has no name", async (t) => {
    const { setup, store, pull } = await setUp(t, docker, packed);
    const tmp = join(setup.directory, "tmp");
    await mkdir(tmp);
    let seen: readonly string[] | undefined;
    const onEvent: PullOptions["onEvent"] = ({ kind }) => {
      if (kind === "resolved") {
        void Promise.all([readdir(tmp), readdir(join(store.directory, "tmp"))]).then((names) => {
          seen = names.flat();
        });
      }
    };
    await pull("docker-archive:-", { tmpDirectory: tmp, onEvent });
    // What is there by then is the growing image's.
    assert.ok(seen?.every((name) => !name.startsWith("archive-")));
    assert.deepEqual(await readdir(tmp), []);
  });

  test("leaves nothing where it turns out to be broken", async (t) => {
    const { setup, store, pull } = await setUp(t, docker, packed.subarray(0, -30));
    await assert.rejects(pull("-"), { code: "LAYER_TRUNCATED" });
    const tmpDirectory = join(setup.directory, "tmp");
    await mkdir(tmpDirectory);
    const input = { archives: archivesAt("/", packed.subarray(0, -30)) };
    const context = { ...setup.context, ...input };
    const toFile = { ...setup.options({ tmpDirectory }), force: false };
    const out = join(setup.directory, "out.sif");
    const file = pullToFile(setup.directory, () => out, "-", context, toFile, never);
    await assert.rejects(file, { code: "LAYER_TRUNCATED" });
    assert.deepEqual(await readdir(tmpDirectory), []);
    assert.deepEqual(await leftovers(store), []);
  });

  test("says which directory will not have it", async (t) => {
    const { setup, pull } = await setUp(t, docker, packed);
    const tmpDirectory = join(setup.directory, "nowhere");
    const pulled = pull("-", { tmpDirectory });
    await assert.rejects(pulled, { code: "OUTPUT_FAILED", message: /nowhere/ });
  });
});

test("a pull that was given no access to archives reads none", async (t) => {
  const setup = await setUpPull(t);
  await writeFile(join(setup.directory, "archive.tar"), tarOf(docker));
  const store = await setup.store();
  for (const reference of [`docker-archive:${setup.directory}/archive.tar`, "oci:/", "-"]) {
    const pulled = pullToStore(store, reference, setup.context, setup.options(), never);
    await assert.rejects(pulled, { code: "REFERENCE_TRANSPORT" }, reference);
  }
});

test("a Docker daemon is never asked, and the error says what to do", async (t) => {
  const { pull } = await setUp(t);
  const pulled = pull("docker-daemon:app:1");
  await assert.rejects(pulled, { code: "REFERENCE_TRANSPORT", message: /docker save/ });
});

describe("the package", () => {
  test("pulls archives into a directory and into a store", async (t) => {
    const { setup } = await setUp(t);
    const archive = `docker-archive:${setup.directory}/archive.tar`;
    const platform = { os: "linux", architecture: "amd64" };
    const location = join(setup.directory, "images");
    const made = await pullInto(location, archive, { platform });
    assert.deepEqual(await readdir(location), [made.id]);
    assert.deepEqual(made.ref.tags(), ["team/app:1"]);
    assert.deepEqual(made.ociConfig?.Cmd, ["/a"]);
    const named = await pullInto(location, archive, { platform, names: ["mine:1"] });
    assert.deepEqual(named.ref.tags(), ["mine:1"]);
    await using store = await openStore(join(setup.directory, "images-store"));
    const none = store.pull(`oci:${setup.directory}/none`, { platform });
    await assert.rejects(none, { code: "NOT_FOUND", message: /no such directory/ });
    const [one, two] = await Promise.all([
      store.pull(archive, { platform, names: ["a:1"] }),
      store.pull(archive, { platform, names: ["b:1"] }),
    ]);
    assert.equal(one.id, made.id);
    assert.equal(two.id, made.id);
    const found = await store.find("b:1");
    assert.deepEqual(found.ref.tags().toSorted(), ["a:1", "b:1"]);
    await assert.rejects(store.pull("docker-archive:-"), { code: "REFERENCE_TRANSPORT" });
  });
});
