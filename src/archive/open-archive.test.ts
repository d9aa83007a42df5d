import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import {
  dockerFiles,
  layoutFiles,
  tarOf,
  writeFiles,
  type ArchiveContent,
} from "../../test/fixtures/archive/index.ts";
import { inChunks } from "../../test/fixtures/in-chunks.ts";
import { makeImage, type FixtureImage } from "../../test/fixtures/registry/index.ts";
import { tar } from "../../test/fixtures/tar/index.ts";
import { deliver, newDirectory } from "./archive-fixture.ts";

const layers = [tar([{ path: "a", data: "one" }]), tar([{ path: "b", data: "two" }])];
const image = makeImage({ layers });
const plain = makeImage({ layers, compression: "none" });
const other = makeImage({ layers: [tar([{ path: "c" }])] });

async function place(t: TestContext, files: ArchiveContent, kind: string): Promise<string> {
  const directory = await newDirectory(t);
  if (kind === "oci") {
    await writeFiles(directory, files);
    return directory;
  }
  const path = join(directory, "archive.tar");
  await writeFile(path, tarOf(files));
  return path;
}

async function assertDelivers(text: string, expected: FixtureImage): Promise<readonly string[]> {
  const { root, config, layers: got, names, warnings } = await deliver(text);
  assert.equal(root.digest, expected.manifest.digest);
  assert.deepEqual(Buffer.from(config), Buffer.from(expected.configBytes));
  assert.deepEqual(
    got.map(({ bytes }) => Buffer.from(bytes)),
    expected.layers.map(({ digest }) => Buffer.from(expected.blobs.get(digest) ?? [])),
  );
  assert.deepEqual(warnings, []);
  return names;
}

for (const kind of ["oci", "oci-archive"]) {
  describe(`an image layout as ${kind}`, () => {
    test("with one image needs no choice, and a mere tag is no name", async (t) => {
      const path = await place(t, layoutFiles([{ image, refName: "latest" }]), kind);
      assert.deepEqual(await assertDelivers(`${kind}:${path}`, image), []);
    });

    test("with several images is chosen from by name, digest and place", async (t) => {
      const files = layoutFiles([
        { image, refName: "one" },
        { image: other, refName: "registry.example/app:2" },
      ]);
      const path = await place(t, files, kind);
      assert.deepEqual(await assertDelivers(`${kind}:${path}:one`, image), []);
      const named = `${kind}:${path}:registry.example/app:2`;
      assert.deepEqual(await assertDelivers(named, other), ["registry.example/app:2"]);
      await assertDelivers(`${kind}:${path}@${other.manifest.digest}`, other);
      await assertDelivers(`${kind}:${path}:@0`, image);
    });

    test("gives an image all the names that it has there", async (t) => {
      const files = layoutFiles([
        { image, refName: "one", imageName: "docker.io/library/app:one" },
        { image, refName: "two", imageName: "docker.io/library/app:two" },
        { image, refName: "app:two" },
      ]);
      const path = await place(t, files, kind);
      const names = ["docker.io/library/app:one", "docker.io/library/app:two"];
      assert.deepEqual(await assertDelivers(`${kind}:${path}`, image), names);
      assert.deepEqual(await assertDelivers(`${kind}:${path}:two`, image), names);
      assert.deepEqual(await assertDelivers(`${kind}:${path}:app:one`, image), names);
    });

    test("names no digest and no library: neither can an archive prove", async (t) => {
      const files = layoutFiles([
        { image, refName: `app@${image.manifest.digest}` },
        { image, imageName: "cloud.sylabs.io/me/col/app:1" },
        { image, imageName: "Not a name:1" },
      ]);
      const path = await place(t, files, kind);
      assert.deepEqual(await assertDelivers(`${kind}:${path}`, image), []);
    });

    test("lists what there is where none or nothing that there is was chosen", async (t) => {
      const files = layoutFiles([{ image, refName: "one" }, { image: other }]);
      const path = await place(t, files, kind);
      const list = `it holds ${kind}:${path}:one, ${kind}:${path}@${other.manifest.digest}`;
      await assert.rejects(deliver(`${kind}:${path}`), (error: Error & { code?: string }) => {
        assert.equal(error.code, "ARCHIVE_AMBIGUOUS");
        assert.ok(error.message.endsWith(list), error.message);
        return true;
      });
      for (const choice of [":three", ":@2", `@${image.config.digest}`]) {
        const missed = deliver(`${kind}:${path}${choice}`);
        await assert.rejects(missed, (error: Error & { code?: string }) => {
          assert.equal(error.code, "NOT_FOUND");
          assert.ok(error.message.endsWith(list), error.message);
          return true;
        });
      }
    });

    test("with one name for two images asks for another choice", async (t) => {
      const files = layoutFiles([
        { image, refName: "one" },
        { image: other, refName: "one" },
      ]);
      const path = await place(t, files, kind);
      await assert.rejects(deliver(`${kind}:${path}:one`), { code: "ARCHIVE_AMBIGUOUS" });
    });

    test("passes over attestations and artifacts beside the image", async (t) => {
      const files = new Map(layoutFiles([{ image }]));
      const manifests = [
        { ...image.manifest, platform: { os: "linux", architecture: "amd64" } },
        { ...other.manifest, platform: { os: "unknown", architecture: "unknown" } },
        { ...other.manifest, mediaType: "application/vnd.example.signature+json" },
        { ...other.manifest, digest: `sha512:${"0".repeat(128)}` },
      ];
      files.set("index.json", Buffer.from(JSON.stringify({ schemaVersion: 2, manifests })));
      await assertDelivers(`${kind}:${await place(t, files, kind)}`, image);
    });

    test("that holds no image says so", async (t) => {
      const path = await place(t, layoutFiles([]), kind);
      await assert.rejects(deliver(`${kind}:${path}`), { code: "NOT_FOUND", message: /none$/ });
    });
  });
}

describe("a Docker archive", () => {
  const forms = [
    { name: "plain", made: plain, type: "application/vnd.oci.image.layer.v1.tar" },
    { name: "gzip", made: image, type: "application/vnd.oci.image.layer.v1.tar+gzip" },
    {
      name: "zstd",
      made: makeImage({ layers, compression: "zstd" }),
      type: "application/vnd.oci.image.layer.v1.tar+zstd",
    },
  ];
  for (const { name, made, type } of forms) {
    test(`without a layout delivers ${name} layers, all called .tar`, async (t) => {
      const path = await place(t, dockerFiles([{ image: made, tags: ["app:1"] }]), "docker");
      const got = await deliver(`docker-archive:${path}`);
      assert.deepEqual(Buffer.from(got.config), Buffer.from(made.configBytes));
      assert.deepEqual(
        got.layers,
        made.layers.map(({ digest }) => ({
          mediaType: type,
          bytes: Buffer.from(made.blobs.get(digest) ?? []),
        })),
      );
      assert.deepEqual(got.names, ["docker.io/library/app:1"]);
      assert.deepEqual(got.warnings, []);
    });
  }

  test("is chosen from by any spelling of a name, or by place", async (t) => {
    const files = dockerFiles([
      { image: plain, tags: ["app:1", "registry.example/app:latest"] },
      { image: other },
    ]);
    const archive = `docker-archive:${await place(t, files, "docker")}`;
    for (const choice of ["app:1", "docker.io/library/app:1", "registry.example/app", "@0"]) {
      const { names } = await deliver(`${archive}:${choice}`);
      assert.deepEqual(names, ["docker.io/library/app:1", "registry.example/app:latest"]);
    }
    assert.deepEqual((await deliver(`${archive}:@1`)).names, []);
    const list = new RegExp(`it holds ${archive}:app:1, ${archive}:@1$`);
    await assert.rejects(deliver(archive), { code: "ARCHIVE_AMBIGUOUS", message: list });
    await assert.rejects(deliver(`${archive}:app:2`), { code: "NOT_FOUND", message: list });
  });

  test("of Docker 25 is read as the layout that it also is, by whole names alone", async (t) => {
    const item = { image, refName: "1", imageName: "docker.io/library/app:1" };
    const files = new Map([...dockerFiles([{ image: other }]), ...layoutFiles([item])]);
    const archive = `docker-archive:${await place(t, files, "docker")}`;
    const names = ["docker.io/library/app:1"];
    assert.deepEqual(await assertDelivers(archive, image), names);
    assert.deepEqual(await assertDelivers(`${archive}:app:1`, image), names);
    await assert.rejects(deliver(`${archive}:1`), { code: "NOT_FOUND" });
    // A place is one in manifest.json, as other tools count.
    const placed = await deliver(`${archive}:@0`);
    assert.deepEqual(Buffer.from(placed.config), Buffer.from(other.configBytes));
  });

  test("whose configuration is called something else is read, with a warning", async (t) => {
    const files = new Map(dockerFiles([{ image: plain, record: { Config: "config.json" } }]));
    files.set("config.json", plain.configBytes);
    const { warnings } = await deliver(`docker-archive:${await place(t, files, "docker")}`);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", /config\.json has the SHA-256 [0-9a-f]{64}/);
  });

  test("keeps a layer once and links to it, as Docker before 25 did", async (t) => {
    const twice = makeImage({ layers: [layers[0] ?? new Uint8Array()], compression: "none" });
    const hex = twice.diffIds[0]?.slice(7) ?? "";
    const files = dockerFiles([{ image: twice, record: { Layers: ["second/layer.tar"] } }]);
    const path = join(await newDirectory(t), "linked.tar");
    const links = [
      { path: "second/layer.tar", linkname: `../first/./layer.tar` },
      { path: "first/layer.tar", type: "1", linkname: `./${hex}.tar` },
    ];
    await writeFile(path, tarOf(files, links));
    const { layers: got } = await deliver(`docker-archive:${path}`);
    assert.deepEqual(got[0]?.bytes, Buffer.from(layers[0] ?? []));
  });
});

describe("an archive", () => {
  const archives = [
    { kind: "oci-archive", bytes: tarOf(layoutFiles([{ image, refName: "a.example/app:1" }])) },
    { kind: "docker-archive", bytes: tarOf(dockerFiles([{ image, tags: ["a.example/app:1"] }])) },
    { kind: "docker-archive", bytes: tarOf(layoutFiles([{ image, refName: "a.example/app:1" }])) },
  ];
  const packed = [
    { name: "plain", pack: (bytes: Uint8Array) => bytes },
    { name: "in gzip", pack: (bytes: Uint8Array): Uint8Array => gzipSync(bytes) },
    { name: "in zstd", pack: (bytes: Uint8Array): Uint8Array => zstdCompressSync(bytes) },
  ];
  for (const [index, { kind, bytes }] of archives.entries()) {
    for (const { name, pack } of packed) {
      test(`${index} (${kind}) ${name} is read from a file and from standard input`, async (t) => {
        const path = join(await newDirectory(t), "archive");
        await writeFile(path, pack(bytes));
        const fromFile = await deliver(`${kind}:${path}`);
        assert.deepEqual(fromFile.names, ["a.example/app:1"]);
        assert.deepEqual(Buffer.from(fromFile.config), Buffer.from(image.configBytes));
        async function* standardInput(): AsyncGenerator<Uint8Array, void> {
          for (const chunk of inChunks(pack(bytes), [1, 600])) yield await Promise.resolve(chunk);
        }
        assert.deepEqual(await deliver(`${kind}:-`, { standardInput }), fromFile);
      });
    }
  }

  test("has names with ./ before them, long ones in PAX and GNU form, and any order", async (t) => {
    const long = `${"d/".repeat(60)}layer.tar`;
    const files = dockerFiles([{ image: plain, record: { Layers: [long, `./${long}2`] } }]);
    const [first = new Uint8Array(), second = new Uint8Array()] = layers;
    const directory = await newDirectory(t);
    const path = join(directory, "long.tar");
    const gnu = [
      { path: "././@LongLink", type: "L", data: `./${long}2\0`, magic: "gnu" },
      { path: "cut", data: second, magic: "gnu" },
    ] as const;
    const entries = [...files].filter(([name]) => !name.endsWith(".tar")).reverse();
    const items = entries.map(([name, data]) => ({ path: `./${name}`, data }));
    await writeFile(
      path,
      tar([{ path: "./" }, { path: `./${long}`, data: first }, ...gnu, ...items]),
    );
    const { layers: got } = await deliver(`docker-archive:${path}`);
    assert.deepEqual(
      got.map(({ bytes }) => bytes),
      [Buffer.from(first), Buffer.from(second)],
    );
  });
});
