import assert from "node:assert/strict";
import { readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test, type TestContext } from "node:test";
import { ImageMaker, newDirectory, openTestStore } from "../../test/fixtures/store/index.ts";
import { parseDigest } from "../image/index.ts";
import type { Publication, Store, StoredImage, StoreOptions } from "./index.ts";

const never = new AbortController().signal;
const BUSYBOX = "docker.io/library/busybox:latest";
const ALPINE = "docker.io/library/alpine:3";
const BY_DIGEST = `docker.io/library/busybox@sha256:${"a".repeat(64)}`;

interface Opened {
  readonly store: Store;
  readonly publish: (text: string, more?: Partial<Publication>) => Promise<StoredImage>;
}

async function open(t: TestContext, more: Partial<StoreOptions> = {}): Promise<Opened> {
  const store = await openTestStore(await newDirectory(t), more);
  const staging = await store.stage();
  t.after(async () => {
    await staging[Symbol.asyncDispose]();
    await store.close();
  });
  const images = new ImageMaker(staging);
  return {
    store,
    publish: async (text, publication) =>
      await store.publish((await images.make(text, publication)).publication, never),
  };
}

function tagged(...tags: readonly string[]): Pick<Publication, "names"> {
  return { names: { tags, digests: [] } };
}

test("a published image comes back whole, its file in images/ with mode 0644", async (t) => {
  const { store, publish } = await open(t);
  const names = { tags: [BUSYBOX], digests: [BY_DIGEST] };
  const published = await publish("some bytes", { names });
  const { path, ...rest } = await store.find("busybox", [BUSYBOX]);
  assert.equal(path, join(store.directory, "images", `${published.id}.sif`));
  assert.equal(await readFile(path, "utf8"), "some bytes");
  assert.equal((await stat(path)).mode & 0o7777, 0o644);
  const digest = parseDigest(`sha256:${published.id}`);
  assert.deepEqual(rest, {
    id: published.id,
    size: 10,
    names,
    origin: "layers",
    contentKey: "content of some bytes",
    profile: { codec: "gzip/1", compression: "gzip", owners: "image", layout: "layout/1" },
    platform: { os: "linux", architecture: "amd64" },
    ociConfigJson: "{}",
    source: {
      reference: "docker://registry.example/10",
      host: "registry.example",
      manifestDigest: digest,
      configDigest: digest,
      layers: [{ digest, diffId: digest, size: 3, mediaType: "application/x-layer" }],
    },
    createdAt: 1000,
    lastUsedAt: 5000,
    borrowers: [],
    pinned: false,
    sideLoaded: false,
    localFiles: [],
  });
  assert.deepEqual(await store.findById(published.id), published);
  assert.deepEqual(await store.findByContent("content of some bytes"), [published]);
  assert.deepEqual(await store.list(), [published]);
  assert.equal(await store.findById("0".repeat(64)), undefined);
  assert.deepEqual(await store.findByContent("another content"), []);
});

test("an image that came as a SIF has neither content key nor profile", async (t) => {
  const { store } = await open(t);
  await using staging = await store.stage();
  const { publication } = await new ImageMaker(staging).make("sif");
  const { contentKey, profile, ociConfigJson, ...sif } = publication;
  const platform = { os: "linux", architecture: "arm", variant: "v7" };
  const bare = {
    ...sif,
    platform,
    origin: "sif",
    source: { reference: "x.sif", layers: [] },
  } as const;
  const stored = await store.publish(bare, never);
  assert.deepEqual(
    [stored.contentKey, stored.profile, stored.ociConfigJson, stored.platform, stored.origin],
    [undefined, undefined, undefined, platform, "sif"],
  );
  // The same bytes converted from layers prove more; the other way round nothing is forgotten.
  await using more = await store.stage();
  const again = (await new ImageMaker(more).make("sif")).publication;
  const proved = await store.publish(again, never);
  assert.deepEqual(
    [proved.origin, proved.contentKey, proved.profile, proved.ociConfigJson],
    ["layers", contentKey, profile, ociConfigJson],
  );
  const { publication: third } = await new ImageMaker(more).make("sif", { origin: "sif" });
  assert.equal((await store.publish(third, never)).origin, "layers");
});

test("a tag moves: it leaves its old image, which keeps its other names", async (t) => {
  const { store, publish } = await open(t);
  const old = await publish("old", { names: { tags: [BUSYBOX, ALPINE], digests: [BY_DIGEST] } });
  const fresh = await publish("fresh", tagged(BUSYBOX));
  assert.equal((await store.find("busybox", [BUSYBOX])).id, fresh.id);
  const kept = await store.findById(old.id);
  assert.deepEqual(kept?.names, { tags: [ALPINE], digests: [BY_DIGEST] });
});

test("a tag moves to an image that is there already (B17)", async (t) => {
  const { store, publish } = await open(t);
  const first = await publish("first", tagged(BUSYBOX));
  const second = await publish("second", tagged(ALPINE));
  await store.addNames(second.id, { tags: [BUSYBOX], digests: [] });
  assert.deepEqual((await store.findById(first.id))?.names.tags, []);
  assert.deepEqual((await store.findById(second.id))?.names.tags, [ALPINE, BUSYBOX]);
});

test("publishing again by digest keeps the digest (B18) and merges names (B8)", async (t) => {
  const { publish } = await open(t);
  await publish("same", { names: { tags: [BUSYBOX], digests: [BY_DIGEST] } });
  const merged = await publish("same", { names: { tags: [ALPINE], digests: [BY_DIGEST] } });
  assert.deepEqual(merged.names, { tags: [BUSYBOX, ALPINE], digests: [BY_DIGEST] });
});

test("names for an image that is not stored are refused (B19)", async (t) => {
  const { store } = await open(t);
  const id = "0".repeat(64);
  await assert.rejects(store.addNames(id, { tags: [BUSYBOX], digests: [] }), { code: "NOT_FOUND" });
  await assert.rejects(store.find("busybox", [BUSYBOX]), { code: "NOT_FOUND" });
});

test("untag takes one name away and leaves the image", async (t) => {
  const { store, publish } = await open(t);
  const { id } = await publish("x", tagged(BUSYBOX, ALPINE));
  assert.deepEqual((await store.untag(BUSYBOX)).names.tags, [ALPINE]);
  await assert.rejects(store.untag(BUSYBOX), { code: "NOT_FOUND" });
  assert.equal((await store.untag(ALPINE)).id, id);
  assert.equal((await store.find(id, [])).id, id);
});

test("an id prefix finds what is unique, from three characters on (B21)", async (t) => {
  const { store, publish } = await open(t);
  const ids: string[] = [];
  // Enough images that some two of them share the first three digits of their ids.
  while (new Set(ids.map((id) => id.slice(0, 3))).size === ids.length) {
    ids.push((await publish(`image ${ids.length}`)).id);
  }
  const last = ids.at(-1) ?? "";
  const prefix = last.slice(0, 3);
  const twins = ids.filter((id) => id.startsWith(prefix)).toSorted();
  const unique = ids.find((id) => !id.startsWith(prefix)) ?? "";

  assert.equal((await store.find(unique.slice(0, 3), [])).id, unique);
  assert.equal((await store.find(unique, [])).id, unique);
  assert.equal((await store.find(last, [])).id, last);
  await assert.rejects(store.find(prefix, []), { code: "NOT_FOUND", candidates: twins });
  const absent = [unique.slice(0, 2), unique.toUpperCase(), `${unique}0`, "", "%", "___"];
  for (const text of absent.filter((one) => !ids.includes(one))) {
    await assert.rejects(store.find(text, []), { code: "NOT_FOUND", candidates: [] }, text);
  }
});

test("names win over id prefixes (B21)", async (t) => {
  const { store, publish } = await open(t);
  const first = await publish("first");
  const text = first.id.slice(0, 6);
  const named = await publish("named", tagged(`docker.io/library/${text}:latest`));
  assert.equal((await store.find(text, [`docker.io/library/${text}:latest`])).id, named.id);
  assert.equal((await store.find(text, [])).id, first.id);
});

test("a borrowed image is not removed, and IS_USED names the borrowers", async (t) => {
  const { store, publish } = await open(t);
  const { id } = await publish("x", tagged(BUSYBOX));
  await store.borrow("busybox", [BUSYBOX], "pod-b", { note: "a note" });
  await store.borrow(id, [], "pod-a");
  await store.borrow(id, [], "pod-a");
  assert.deepEqual(await store.usedBy(id), ["pod-a", "pod-b"]);
  await assert.rejects(store.remove(id, never), {
    code: "IS_USED",
    message: `${BUSYBOX}: used by pod-a, pod-b`,
    candidates: ["pod-a", "pod-b"],
  });
  await store.return(id, [], "pod-a");
  await store.return(id, [], "pod-a");
  const [image] = await store.list();
  const borrow = { who: "pod-b", reference: BUSYBOX, takenAt: 5000, note: "a note" };
  assert.deepEqual(image?.borrowers, [borrow]);
  await store.return(id, [], "pod-b");
  assert.deepEqual((await store.remove(id, never)).names.tags, [BUSYBOX]);
  assert.deepEqual(await readdir(join(store.directory, "images")), []);
  await assert.rejects(store.find("busybox", [BUSYBOX]), { code: "NOT_FOUND" });
  await assert.rejects(store.borrow("busybox", [BUSYBOX], "late"), { code: "NOT_FOUND" });
  await assert.rejects(store.usedBy(id), { code: "NOT_FOUND" });
  await assert.rejects(store.remove(id, never), { code: "NOT_FOUND" });
});

test("a return by name ends what was borrowed by it, whatever image has the name by then", async (t) => {
  let now = 1000;
  const { store, publish } = await open(t, { now: () => now });
  const borrow = async (name: string, who: string, expiresAt?: number): Promise<unknown> =>
    await store.borrow(name, [name], who, expiresAt === undefined ? {} : { expiresAt });
  const giveBack = async (name: string, who: string): Promise<readonly string[]> =>
    (await store.return(name, [name], who)).map(({ id }) => id);

  const old = await publish("old", tagged(BUSYBOX, ALPINE));
  await borrow(BUSYBOX, "a");
  await borrow(BUSYBOX, "b");
  await borrow(ALPINE, "c");
  await store.borrow(old.id, [], "c");
  await borrow(BUSYBOX, "late", 2000);
  const fresh = await publish("fresh", tagged(BUSYBOX, ALPINE));
  await store.borrow(fresh.id, [], "b");
  await borrow(BUSYBOX, "late", 9000);

  assert.deepEqual(await giveBack(BUSYBOX, "a"), [old.id], "of the image that had the name then");
  assert.deepEqual(await giveBack(BUSYBOX, "a"), []);
  assert.deepEqual(await giveBack(BUSYBOX, "b"), [old.id], "not what was borrowed by its id");
  assert.deepEqual(await giveBack(BUSYBOX, "b"), [fresh.id], "else of the image that has it now");
  assert.deepEqual(await giveBack(ALPINE, "c"), [old.id], "an id takes no name away");
  now = 3000;
  assert.deepEqual(await giveBack(BUSYBOX, "late"), [fresh.id], "the other one had expired");
  for (const { id } of await store.list()) assert.deepEqual(await store.usedBy(id), []);

  await borrow(BUSYBOX, "a");
  await store.untag(BUSYBOX);
  assert.deepEqual(await giveBack(BUSYBOX, "a"), [fresh.id], "also where no image has it");
  await assert.rejects(giveBack(BUSYBOX, "a"), { code: "NOT_FOUND" });
});

test("a borrow ends when it expires, and can be renewed", async (t) => {
  let now = 1000;
  const { store, publish } = await open(t, { now: () => now });
  const { id } = await publish("x");
  await store.borrow(id, [], "pod", { expiresAt: 2000 });
  now = 1999;
  await assert.rejects(store.remove(id, never), { code: "IS_USED" });
  await store.borrow(id, [], "pod", { expiresAt: 3000 });
  now = 2999;
  assert.deepEqual(await store.usedBy(id), ["pod"]);
  now = 3000;
  assert.deepEqual(await store.usedBy(id), []);
  await store.remove(id, never);
});

test("borrows, names and uses survive the store's closing", async (t) => {
  let now = 1000;
  const options = { now: () => now };
  const { store, publish } = await open(t, options);
  const { id } = await publish("x", tagged(BUSYBOX));
  const other = await publish("y");
  await store.borrow(id, [], "pod");
  now = 71_000;
  await store.touch(other.id);
  await store.touch("0".repeat(64));
  await store.close();
  await using again = await openTestStore(store.directory, options);
  const listed = await again.list();
  assert.deepEqual(
    listed.map((image) => [image.id, image.lastUsedAt, image.borrowers.length]),
    [
      [other.id, 71_000, 0],
      [id, 1000, 1],
    ],
  );
});

test("who names an image as it is named and uses it again within a minute writes nothing", async (t) => {
  let now = 1000;
  const { store, publish } = await open(t, { now: () => now });
  const { id } = await publish("x", tagged(BUSYBOX));
  using watcher = new DatabaseSync(join(store.directory, "siflet.db"));
  const version = (): unknown => watcher.prepare("PRAGMA data_version").get()?.["data_version"];
  const writes = async (at: number): Promise<boolean> => {
    now = at;
    const before = version();
    await using other = await openTestStore(store.directory, { now: () => now });
    const named = await other.addNames(id, tagged(BUSYBOX).names);
    assert.deepEqual(named.names.tags, [BUSYBOX]);
    await other.close();
    return version() !== before;
  };
  assert.equal(await writes(60_999), false);
  assert.equal(await writes(61_000), true);
  assert.equal((await store.find(id, [])).lastUsedAt, 61_000);
});

test("an image file removed by hand can still be removed (B22)", async (t) => {
  const { store, publish } = await open(t);
  const { id, path } = await publish("x", tagged(BUSYBOX));
  await rm(path);
  await store.remove(id, never);
  assert.deepEqual(await store.list(), []);
});

test("deliveries and manifests are known by host, and by repository", async (t) => {
  const { store, publish } = await open(t);
  const [a, b, c] = ["a", "b", "c"].map((digit) => parseDigest(`sha256:${digit.repeat(64)}`));
  assert.ok(a !== undefined && b !== undefined && c !== undefined);
  const layer = { blobDigest: a, diffId: b };
  const manifest = { host: "r.example", repository: "x/y", digest: c, platform: "linux/amd64" };
  await publish("x", {
    deliveries: { host: "r.example", layers: [layer] },
    manifest: { ...manifest, contentKey: "key" },
  });
  assert.equal(await store.evidence.delivered("r.example", [layer]), true);
  assert.equal(await store.evidence.delivered("other.example", [layer]), false);
  const claimed = { blobDigest: c, diffId: b };
  assert.equal(await store.evidence.delivered("r.example", [layer, claimed]), false);
  await store.evidence.recordDeliveries("r.example", [claimed, layer]);
  assert.equal(await store.evidence.delivered("r.example", [layer, claimed]), true);

  assert.equal(await store.evidence.manifestContent(manifest), "key");
  const others = [{ host: "o.example" }, { repository: "x/z" }, { digest: a }, { platform: "" }];
  for (const other of others) {
    assert.equal(await store.evidence.manifestContent({ ...manifest, ...other }), undefined);
  }
  await store.evidence.recordManifest({ ...manifest, platform: "", contentKey: "another" });
  assert.equal(await store.evidence.manifestContent({ ...manifest, platform: "" }), "another");
});

test("a closed store answers no more, and can be closed again", async (t) => {
  const { store } = await open(t);
  await store.close();
  await store.close();
  await assert.rejects(store.list(), { message: "the store is closed" });
});
