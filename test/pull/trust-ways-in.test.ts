import assert from "node:assert/strict";
import { copyFile, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import type { TrustRule } from "../../src/config/index.ts";
import { addFile, copyLocalName, pullToFile, pullToStore } from "../../src/pull/index.ts";
import { NOW } from "../../src/signing/signing-fixture.ts";
import type { Store, StoredImage } from "../../src/store/index.ts";
import { checkStore } from "../../src/upkeep/index.ts";
import { never } from "../fixtures/pull-setup.ts";
import { assertNothing, JudgedFiles, namesIn, REQUIRED, type FileName } from "./judged-files.ts";

// Whatever way an image comes in, the policy is asked before it is there.

let judged: JudgedFiles;

before(async (t) => {
  judged = await JudgedFiles.make(t as never);
});

test("a pull to a file leaves nothing of what is refused", async (t) => {
  const { put, options, context, directory } = await judged.setUp(t);
  const out = join(directory, "out.sif");
  const pull = async (reference: string): Promise<unknown> =>
    await pullToFile(
      directory,
      () => out,
      reference,
      { ...context, trust: await judged.trusting() },
      { ...options(), force: false },
      never,
    );
  const before = await readdir(directory);
  await assert.rejects(pull(put("broken", "bad")), { code: "SIGNATURE_DATA" });
  assert.deepEqual(await readdir(directory), before);
  await pull(put("signed", "good"));
  assert.ok((await readFile(out)).equals(judged.bytesOf("signed")));
});

test("files of this host are judged too, where they lie and when they are added", async (t) => {
  const { store: make, directory, pull, context } = await judged.setUp(t);
  const store = await make();
  const trust = await judged.trusting();
  for (const name of ["signed", "broken"] as const)
    await writeFile(join(directory, `${name}.sif`), judged.bytesOf(name));
  const path = (name: string): string => join(directory, `${name}.sif`);
  const add = async (name: FileName): Promise<StoredImage> => {
    const how = { names: { tags: [], digests: [] }, reference: path(name), origin: "sif" } as const;
    return await addFile(
      store,
      path(name),
      { ...how, sideLoaded: true, trust, now: context.now() },
      never,
    );
  };
  await assert.rejects(pull(store, `local.file${path("broken")}`, trust), {
    code: "SIGNATURE_DATA",
  });
  await assert.rejects(add("broken"), { code: "SIGNATURE_DATA" });
  await assertNothing(store);
  assert.equal((await pull(store, `local.file${path("signed")}`, trust)).origin, "local");
  assert.equal((await add("signed")).origin, "sif");
});

test("what the name means is asked while the store opens, whose error comes first", async (t) => {
  const { registry, store: make, put, context, options } = await judged.setUp(t);
  const reference = put("signed", "a");
  const opening = Promise.withResolvers<Store>();
  const pulling = pullToStore(opening.promise, reference, context, options(), never);
  while (registry.requests.length === 0) await setTimeout(5);
  opening.resolve(await make());
  assert.equal((await pulling).origin, "sif");
  const failed = Promise.reject<Store>(new Error("no store"));
  const missing = `${registry.host}/missing:1`;
  await assert.rejects(pullToStore(failed, missing, context, options(), never), /no store/);
});

test("a copy of a local file is judged before it is there", async (t) => {
  const { directory, context } = await judged.setUp(t);
  const trust = await judged.trusting();
  const to = join(directory, "copy.sif");
  const copy = async (name: FileName): Promise<unknown> => {
    const path = join(directory, `${name}.sif`);
    await writeFile(path, judged.bytesOf(name));
    const how = { force: false, now: context.now() };
    return await copyLocalName(`local.file${path}`, { ...context, trust }, to, how, never);
  };
  await assert.rejects(copy("broken"), { code: "SIGNATURE_DATA" });
  assert.deepEqual(
    (await readdir(directory)).filter((name) => !name.endsWith("broken.sif")),
    [],
  );
  await copy("signed");
  assert.ok((await readFile(to)).equals(judged.bytesOf("signed")));
});

test("another store's image is judged before it is ours", async (t) => {
  const { store: make, put, options, context } = await judged.setUp(t);
  const [theirs, ours] = [await make("theirs"), await make("ours")];
  const reference = put("signed", "a");
  const plain = async (store: Store, more: object): Promise<StoredImage> =>
    await pullToStore(store, reference, { ...context, ...more }, options(), never);
  await plain(theirs, {});
  const bob: TrustRule = {
    ...REQUIRED,
    signers: [{ kind: "openpgp", fingerprint: "b".repeat(40) }],
  };
  const otherStores = [theirs];
  await assert.rejects(plain(ours, { otherStores, trust: await judged.trusting({ rule: bob }) }), {
    code: "TRUST_REQUIRED",
  });
  await assertNothing(ours);
  await plain(ours, { otherStores, trust: await judged.trusting({ rule: judged.byAlice() }) });
  assert.deepEqual(await namesIn(ours), [reference]);
});

test("fsck adopts no file that the policy refuses", async (t) => {
  const { store: make, put, pull } = await judged.setUp(t);
  const store = await make();
  const { id, path } = await pull(store, put("signed", "a"), await judged.trusting());
  const kept = `${path}.kept`;
  await copyFile(path, kept);
  await store.remove(id, never);
  await copyFile(kept, path);
  const check = async (rule: TrustRule): Promise<readonly (string | undefined)[]> => {
    const options = { deep: false, repair: true, now: NOW, trust: await judged.trusting({ rule }) };
    const { faults } = await checkStore(store, options, never);
    return faults.map(({ repaired }) => repaired);
  };
  assert.deepEqual(await check({ ...judged.byAlice(), atLeast: 2 }), [undefined]);
  assert.deepEqual(await store.list(), []);
  assert.deepEqual(await check(judged.byAlice()), ["made an image without a name"]);
  assert.equal((await store.list()).length, 1);
});
