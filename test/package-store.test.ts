import assert from "node:assert/strict";
import { copyFile, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test, type TestContext } from "node:test";
import { ImageError, Info, openStore, parseRef, pull, type ImageStore } from "../src/index.ts";
import { makeImage, startRegistry, type FakeRegistry } from "./fixtures/registry/index.ts";
import { newDirectory } from "./fixtures/store/index.ts";
import { tar } from "./fixtures/tar/index.ts";

/** Lets the blobs of `held` go out when a test says so. */
let gate = Promise.withResolvers<undefined>();
let asked = Promise.withResolvers<undefined>();
let isHeld = false;
let registry: FakeRegistry;

before(async () => {
  registry = await startRegistry({
    beforeBlob: async () => {
      if (!isHeld) return;
      asked.resolve(undefined);
      await gate.promise;
    },
  });
  for (const tag of ["1", "2"]) {
    const layers = [tar([{ path: "f", data: `content of ${tag}` }])];
    registry.putImage("team/app", makeImage({ layers, config: { Cmd: [tag] } }), tag);
  }
});

after(async () => {
  await registry[Symbol.asyncDispose]();
});

function app(tag: string): string {
  return `${registry.host}/team/app:${tag}`;
}

async function open(t: TestContext, directory?: string): Promise<ImageStore> {
  const store = await openStore(directory ?? (await newDirectory(t)));
  t.after(async () => {
    await store.close();
  });
  return store;
}

/** From now on blobs wait, until `release`. */
function hold(t: TestContext): { readonly asked: Promise<unknown>; release(): void } {
  gate = Promise.withResolvers();
  asked = Promise.withResolvers();
  isHeld = true;
  const release = (): void => {
    isHeld = false;
    gate.resolve(undefined);
  };
  t.after(release);
  return { asked: asked.promise, release };
}

function blobRequests(): number {
  return registry.paths("GET").filter((path) => path.includes("/blobs/")).length;
}

test("an image is found by id, by a unique beginning of it, and by any spelling of its names", async (t) => {
  const store = await open(t);
  const info = await store.pull(app("1"));
  assert.equal(info.path, join(store.directory, "images", `${info.id}.sif`));
  for (const text of [info.id, info.id.slice(0, 3), app("1"), `docker://${app("1")}`]) {
    assert.deepEqual((await store.find(text)).toJSON(), info.toJSON());
  }
  for (const text of [info.id.slice(0, 2), app("9"), "0".repeat(64), ""]) {
    await assert.rejects(store.find(text), { code: "NOT_FOUND" });
  }
});

test("a tag that moves leaves the image that had it, which keeps its digest", async (t) => {
  const store = await open(t);
  const first = await store.pull(app("1"));
  const bytes = registry.putImage("team/moving", makeImage({ layers: [] }), "1");
  const moving = `${registry.host}/team/moving:1`;
  const before = await store.pull(moving);
  registry.putImage("team/moving", makeImage({ layers: [], config: { User: "1" } }), "1");
  const now = await store.pull(moving);
  assert.notEqual(now.id, before.id);
  assert.equal((await store.find(moving)).id, now.id);
  const old = await store.find(before.id);
  assert.deepEqual(old.ref.tags(), []);
  assert.deepEqual(old.ref.digests(), [`${registry.host}/team/moving@${bytes.digest}`]);
  assert.equal((await store.list()).length, 3);
  assert.equal((await store.find(app("1"))).id, first.id);
});

test("borrowers outlive the process and keep the image from being removed", async (t) => {
  const directory = await newDirectory(t);
  const store = await openStore(directory);
  const info = await store.pull(app("1"));
  await info.borrow("pod-1");
  await info.borrow("pod-1");
  const borrowed = await store.borrow(app("1"), "pod-2", { note: "why" });
  assert.deepEqual(borrowed.usedBy(), ["pod-1", "pod-2"]);
  await store.close();

  const again = await open(t, directory);
  assert.deepEqual(await again.usedBy(app("1")), ["pod-1", "pod-2"]);
  const found = await again.find(app("1"));
  await assert.rejects(found.remove(), (error) => {
    assert.ok(error instanceof ImageError);
    assert.equal(error.code, "IS_USED");
    assert.deepEqual(error.candidates, ["pod-1", "pod-2"]);
    return true;
  });
  await assert.rejects(again.remove(app("1")), { code: "IS_USED" });
  await found.return("pod-1");
  assert.deepEqual(found.usedBy(), ["pod-2"]);
  await again.return(app("1"), "pod-2");
  await found.remove();
  assert.deepEqual(await again.list(), []);
  assert.deepEqual(await readdir(join(directory, "images")), []);
  await assert.rejects(found.borrow("late"), { code: "NOT_FOUND" });
  await assert.rejects(found.remove(), { code: "NOT_FOUND" });
  await found.return("late");
});

test("removing an image whose file is gone says so, and forgets it", async (t) => {
  const store = await open(t);
  const info = await store.pull(app("1"));
  await rm(info.path);
  await assert.rejects(info.remove(), { code: "NOT_FOUND" });
  assert.deepEqual(await store.list(), []);
});

test("a pull brings the file of a known image back where it is gone", async (t) => {
  const store = await open(t);
  const info = await store.pull(app("1"));
  await rm(info.path);
  assert.equal((await store.pull(app("1"))).id, info.id);
  assert.equal((await stat(info.path)).size, info.size);
});

test("list takes the original's filter", async (t) => {
  const store = await open(t);
  const one = await store.pull(app("1"));
  await store.pull(app("2"));
  assert.equal((await store.list()).length, 2);
  assert.equal((await store.list({ image: { image: "" } })).length, 2);
  const ids = async (image: string): Promise<readonly string[]> =>
    (await store.list({ image: { image } })).map(({ id }) => id);
  assert.deepEqual(await ids(one.id.slice(0, 8)), [one.id]);
  assert.equal((await ids(`${registry.host}/team/app`)).length, 2);
  assert.deepEqual(await ids("nothing"), []);
});

test("add, untag and setPinned", async (t) => {
  const store = await open(t);
  const { path, id } = await store.pull(app("1"));
  const other = await open(t);
  const added = await other.add(path, { names: ["site/app:1", "app"] });
  assert.equal(added.id, id);
  assert.deepEqual(added.ref.tags(), ["site/app:1", "app:latest"]);
  assert.deepEqual((await other.untag("docker.io/library/app")).ref.tags(), ["site/app:1"]);
  await assert.rejects(other.untag("app"), { code: "NOT_FOUND" });
  const digest = `a@sha256:${"0".repeat(64)}`;
  await assert.rejects(other.add(path, { names: [digest] }), { code: "REFERENCE_INVALID" });
  await assert.rejects(other.add(join(other.directory, "none")), { code: "NOT_FOUND" });
  await other.setPinned(id, true);
  await other.remove(id);
});

test("an image of a library is found under that library's host, and under no other", async (t) => {
  const store = await open(t);
  const { path } = await store.pull(app("1"));
  const other = await open(t);
  const name = "library://lib.example:8080/me/col/img:1";
  const { id } = await other.add(path, { names: [name] });
  const found = await other.find(name);
  assert.equal(found.id, id);
  assert.deepEqual(found.ref, parseRef(name));
  assert.equal(found.ref.toString(), name);
  const strangers = [
    "library://lib.example/me/col/img:1",
    "library://me/col/img:1",
    "me/col/img:1",
  ];
  for (const stranger of strangers) {
    await assert.rejects(other.find(stranger), { code: "NOT_FOUND" }, stranger);
  }
  await other.untag(name);
  await assert.rejects(other.find(name), { code: "NOT_FOUND" });
});

test("a local file is described in place by pull, with and without a store", async (t) => {
  const store = await open(t);
  const { path, id } = await store.pull(app("1"));
  const file = join(await newDirectory(t), "my.sif");
  await copyFile(path, file);
  const location = await newDirectory(t);
  const alone = await pull(location, `local.file${file}:latest`);
  assert.deepEqual(await readdir(location), []);
  const other = await open(t);
  const kept = await other.pull(`local.file${file}`);
  for (const info of [alone, kept]) {
    assert.equal(info.id, id);
    assert.equal(info.path, file);
    assert.equal(info.ref.uri(), "local.file");
    assert.equal(info.origin, "local");
    assert.deepEqual(info.ociConfig?.Cmd, ["1"]);
    assert.equal(Info.fromJSON(JSON.parse(JSON.stringify(info))).path, file);
  }
  await kept.borrow("me");
  await assert.rejects(kept.remove(), { code: "IS_USED" });
  await kept.return("me");
  await kept.remove();
  assert.ok((await stat(file)).isFile());
});

test("a pull to a directory whose listener throws ends with what it threw, and leaves nothing", async (t) => {
  const own = new Error("my own trouble");
  for (const kind of ["resolved", "fetched", "converted", "layer-done", "written"]) {
    const location = await newDirectory(t);
    const onProgress = (event: { readonly kind: string }): void => {
      if (event.kind === kind) throw own;
    };
    await assert.rejects(pull(location, app("1"), { onProgress }), own, kind);
    assert.deepEqual(await readdir(location), []);
  }
});

describe("many who ask for one image at once", () => {
  test("200 callers fetch and convert it once", async (t) => {
    const store = await open(t);
    const before = blobRequests();
    const infos = await Promise.all(
      Array.from({ length: 200 }, async () => await store.pull(app("1"))),
    );
    assert.equal(new Set(infos.map(({ id }) => id)).size, 1);
    // The configuration and the one layer.
    assert.equal(blobRequests() - before, 2);
  });

  test("each may leave alone, and the others get the image", async (t) => {
    const store = await open(t);
    const held = hold(t);
    const before = blobRequests();
    const leaving = Array.from({ length: 5 }, () => new AbortController());
    const left = leaving.map(async ({ signal }) => await store.pull(app("1"), { signal }));
    const staying = Array.from({ length: 5 }, async () => await store.pull(app("1")));
    await held.asked;
    for (const [index, controller] of leaving.entries()) controller.abort(new Error(`${index}`));
    for (const [index, waiting] of left.entries()) {
      await assert.rejects(waiting, { message: `${index}` });
    }
    held.release();
    const ids = (await Promise.all(staying)).map(({ id }) => id);
    assert.equal(new Set(ids).size, 1);
    assert.equal(blobRequests() - before, 2);
  });

  test("the last one that leaves stops the work, and nothing is left of it", async (t) => {
    const store = await open(t);
    const held = hold(t);
    const controllers = [new AbortController(), new AbortController()];
    const waiting = controllers.map(async ({ signal }) => await store.pull(app("1"), { signal }));
    await held.asked;
    for (const controller of controllers) controller.abort();
    for (const pulled of waiting) await assert.rejects(pulled, { name: "AbortError" });
    await store.close();
    held.release();
    assert.deepEqual(await readdir(join(store.directory, "images")), []);
    assert.deepEqual(await readdir(join(store.directory, "tmp")), []);
  });

  test("who joins late is told what the image is, and so is everyone of the end", async (t) => {
    const store = await open(t);
    const held = hold(t);
    const kinds: string[][] = [[], []];
    const listen = (index: number) => ({
      onProgress: ({ kind }: { readonly kind: string }): void => void kinds[index]?.push(kind),
    });
    const first = store.pull(app("2"), listen(0));
    await held.asked;
    const second = store.pull(app("2"), listen(1));
    held.release();
    await Promise.all([first, second]);
    for (const told of kinds) {
      assert.equal(told[0], "resolved");
      assert.ok(told.includes("written"));
    }
  });

  test("one whose listener throws gets what it threw, and the others the image", async (t) => {
    const store = await open(t);
    const held = hold(t);
    const before = blobRequests();
    const own = new Error("my own trouble");
    const told: string[] = [];
    const throwing = (isTime: (kind: string) => boolean) => ({
      onProgress: ({ kind }: { readonly kind: string }): void => {
        if (!isTime(kind)) return;
        told.push(kind);
        throw own;
      },
    });
    const first = store.pull(app("1"));
    await held.asked;
    const bad = [
      store.pull(
        app("1"),
        throwing(() => true),
      ),
      store.pull(
        app("1"),
        throwing((kind) => kind === "written"),
      ),
    ].map(async (pulled) => {
      await assert.rejects(pulled, own);
    });
    held.release();
    await Promise.all(bad);
    assert.equal((await store.find((await first).id)).id, (await first).id);
    assert.deepEqual(told, ["resolved", "written"]);
    assert.equal(blobRequests() - before, 2);
  });

  test("where the last one leaves by a listener that throws, the work stops", async (t) => {
    const store = await open(t);
    const own = new Error("my own trouble");
    for (const kind of ["resolved", "fetched", "converted", "written"]) {
      const onProgress = (event: { readonly kind: string }): void => {
        if (event.kind === kind) throw own;
      };
      const waiting = [1, 2].map(async () => await store.pull(app("2"), { onProgress }));
      for (const pulled of waiting) await assert.rejects(pulled, own, kind);
    }
    await store.close();
    assert.deepEqual(await readdir(join(store.directory, "images")), []);
    assert.deepEqual(await readdir(join(store.directory, "tmp")), []);
  });

  test("another profile is another image", async (t) => {
    const store = await open(t);
    const [gzip, zstd] = await Promise.all([
      store.pull(app("1"), { compression: "gzip" }),
      store.pull(app("1"), { compression: "zstd" }),
    ]);
    assert.notEqual(gzip.id, zstd.id);
  });
});
