import assert from "node:assert/strict";
import { copyFile, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test, type TestContext } from "node:test";
import { setTimeout } from "node:timers/promises";
import type { TrustRule } from "../../src/config/index.ts";
import {
  addFile,
  copyLocalName,
  pullToFile,
  pullToStore,
  type Kept,
} from "../../src/pull/index.ts";
import {
  addSignature,
  metadataText,
  NOW,
  startGpg,
  type Gpg,
} from "../../src/signing/signing-fixture.ts";
import type { Store, StoredImage } from "../../src/store/index.ts";
import { DEFAULT_POLICY, parseEcl, Trust, type TrustPolicy } from "../../src/trust/index.ts";
import { checkStore } from "../../src/upkeep/index.ts";
import { leftovers, never, setUpPull, type PullSetup } from "../fixtures/pull-setup.ts";
import {
  digestOf,
  makeImage,
  startRegistry,
  type FakeRegistry,
} from "../fixtures/registry/index.ts";
import { tar } from "../fixtures/tar/index.ts";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const SIF_LAYER = "application/vnd.sylabs.sif.layer.v1.sif";
const SIF_CONFIG = {
  mediaType: "application/vnd.sylabs.sif.config.v1+json",
  digest: digestOf(Buffer.from("{}")),
  size: 2,
};
const LAYERS = [tar([{ path: "f", data: "trusted".repeat(1000) }])];

let gpg: Gpg;
let alice = "";
/** The file of one and the same image: as it was converted, signed by Alice, and changed after that. */
const files = new Map<string, Uint8Array>();

before(async (t) => {
  const scope = t as unknown as TestContext;
  gpg = await startGpg(scope);
  alice = await gpg.makeKey("Alice <alice@example.test>");
  const { directory, context, options } = await setUpPull(scope);
  await using registry = await startRegistry();
  registry.putImage("app", makeImage({ layers: LAYERS, config: { Env: ["A=1"] } }), "1");
  const path = join(directory, "app.sif");
  const how = { ...options(), force: false };
  await pullToFile(directory, () => path, `${registry.host}/app:1`, context, how, never);
  const unsigned = await readFile(path);
  const text = await gpg.clearSign(await metadataText(unsigned, 1), alice);
  const signed = await addSignature(unsigned, { text, fingerprint: alice });
  const broken = signed.slice();
  // A byte of the configuration, which stands before the partition.
  const at = Buffer.from(broken).indexOf('"A=1"');
  broken[at + 3] = "2".charCodeAt(0);
  for (const [name, bytes] of Object.entries({ unsigned, signed, broken })) files.set(name, bytes);
});

function bytesOf(name: string): Uint8Array {
  const bytes = files.get(name);
  assert.ok(bytes !== undefined);
  return bytes;
}

interface Setup extends PullSetup {
  readonly registry: FakeRegistry;
  /** Puts a file into a repository, as an artifact; answers its reference. */
  readonly put: (file: string, repository: string) => string;
  readonly pull: (store: Store, reference: string, trust: Trust) => Promise<StoredImage>;
}

async function setUp(t: TestContext): Promise<Setup> {
  const registry = await startRegistry();
  t.after(() => registry.close());
  const setup = await setUpPull(t);
  return {
    ...setup,
    registry,
    put(file, repository) {
      const bytes = Buffer.from(bytesOf(file));
      registry.putBlob(Buffer.from("{}"));
      const layer = { mediaType: SIF_LAYER, digest: registry.putBlob(bytes), size: bytes.length };
      const manifest = {
        schemaVersion: 2,
        mediaType: MANIFEST,
        config: SIF_CONFIG,
        layers: [layer],
      };
      registry.putManifest(repository, Buffer.from(JSON.stringify(manifest)), MANIFEST, "1");
      return `${registry.host}/${repository}:1`;
    },
    pull: async (store, reference, trust) =>
      await pullToStore(store, reference, { ...setup.context, trust }, setup.options(), never),
  };
}

/** @param keys - whether Alice's key is known */
async function trusting(policy: Partial<TrustPolicy> = {}, keys = true): Promise<Trust> {
  return new Trust({
    policy: { ...DEFAULT_POLICY, ...policy },
    keys: keys ? [await gpg.ring(alice)] : [],
    readText: async (path) => await readFile(path, "utf8"),
    now: () => NOW + 60_000,
  });
}

const REQUIRED: TrustRule = { mode: "required", signers: [], atLeast: 1 };

function byAlice(): TrustRule {
  return { ...REQUIRED, signers: [{ kind: "openpgp", fingerprint: alice }] };
}

async function namesIn(store: Store): Promise<readonly string[]> {
  return (await store.list()).flatMap(({ names }) => names.tags);
}

async function assertNothing(store: Store): Promise<void> {
  assert.deepEqual(await store.list(), []);
  assert.deepEqual(await readdir(join(store.directory, "tmp")), []);
  assert.deepEqual(await readdir(store.imagesDirectory), []);
}

test("by default what is not signed is accepted, and what is signed badly is refused and gone", async (t) => {
  const { store: make, put, pull } = await setUp(t);
  const store = await make();
  await assert.rejects(pull(store, put("broken", "bad"), await trusting({}, false)), {
    code: "SIGNATURE_DATA",
    message: /bad:1: the signature in object \d+ is broken: object \d+ was changed/,
  });
  await assertNothing(store);
  for (const [file, keys] of [
    ["unsigned", true],
    ["signed", true],
    ["signed", false],
  ] as const) {
    const reference = put(file, `${file}-${keys}`);
    assert.equal((await pull(store, reference, await trusting({}, keys))).origin, "sif");
    assert.ok((await namesIn(store)).includes(reference));
  }
});

test("the original's outcome: images of registries accepted, unsigned files accepted, broken ones refused", async (t) => {
  const { registry, store: make, put, pull } = await setUp(t);
  const store = await make();
  const trust = await trusting();
  registry.putImage("layers", makeImage({ layers: LAYERS }), "1");
  assert.equal((await pull(store, `${registry.host}/layers:1`, trust)).origin, "layers");
  assert.equal((await pull(store, put("unsigned", "unsigned"), trust)).origin, "sif");
  await assert.rejects(pull(store, put("broken", "bad"), trust), { code: "SIGNATURE_DATA" });
});

test("required: the signature of one who counts, and of nobody else", async (t) => {
  const { store: make, put, pull } = await setUp(t);
  const signed = put("signed", "signed");
  const unsigned = put("unsigned", "unsigned");
  const bob = await gpg.makeKey("Bob <bob@example.test>");
  const byBob: TrustRule = { ...REQUIRED, signers: [{ kind: "openpgp", fingerprint: bob }] };
  for (const [reference, rule, keys] of [
    [unsigned, byAlice(), true],
    [signed, byBob, true],
    // Who counts, and whose key nobody has here.
    [signed, byAlice(), false],
    [signed, { ...byAlice(), atLeast: 2 }, true],
    [signed, REQUIRED, true],
  ] as const) {
    const store = await make();
    await assert.rejects(pull(store, reference, await trusting({ rule }, keys)), {
      code: "TRUST_REQUIRED",
    });
    await assertNothing(store);
  }
  const store = await make();
  await pull(store, signed, await trusting({ rule: byAlice() }));
  assert.deepEqual(await namesIn(store), [signed]);
});

test("what is converted here is refused where signatures are required, before a layer is fetched", async (t) => {
  const { registry, store: make, pull, options, context, directory } = await setUp(t);
  registry.putImage("layers", makeImage({ layers: LAYERS }), "1");
  const reference = `${registry.host}/layers:1`;
  const store = await make();
  const trust = await trusting({ rule: byAlice() });
  const layer = digestOf(LAYERS[0] ?? Buffer.alloc(0));
  await assert.rejects(pull(store, reference, trust), { code: "TRUST_REQUIRED" });
  const how = { ...options(), force: false };
  const toFile = pullToFile(
    directory,
    (id) => join(directory, id),
    reference,
    { ...context, trust },
    how,
    never,
  );
  await assert.rejects(toFile, { code: "TRUST_REQUIRED" });
  assert.ok(registry.requests.every(({ path }) => !path.includes(layer)));
  await assertNothing(store);
});

test("an image that is there is judged by each name that it shall get, and keeps those that it has", async (t) => {
  const { registry, store: make, put, pull } = await setUp(t);
  const store = await make();
  const [a, b] = [put("signed", "a"), put("signed", "b")];
  const bob = "b".repeat(40);
  const names = {
    [`${registry.host}/b:*`]: {
      mode: "required",
      signers: [{ kind: "openpgp", fingerprint: bob }],
    },
  } as const;
  const trust = await trusting({ names });
  const { id } = await pull(store, a, trust);
  await assert.rejects(pull(store, b, trust), {
    code: "TRUST_REQUIRED",
    message: new RegExp(
      `b:1: trust\\.names: .*/b:\\* asks for signatures of 1 of 1 signers, and 0 did`,
    ),
  });
  assert.deepEqual(await namesIn(store), [a]);

  // The same of one that was converted: signed by nobody, whatever the name.
  registry.putImage("c", makeImage({ layers: LAYERS }), "1");
  registry.putImage("b", makeImage({ layers: LAYERS }), "2");
  await pull(store, `${registry.host}/c:1`, trust);
  await assert.rejects(pull(store, `${registry.host}/b:2`, trust), { code: "TRUST_REQUIRED" });
  assert.deepEqual([...(await namesIn(store))].sort(), [a, `${registry.host}/c:1`].sort());
  assert.equal((await store.find(a, [a])).id, id);
});

test("a file is hashed once, and judged from then on without being read", async (t) => {
  const { registry, store: make, put, pull } = await setUp(t);
  const store = await make();
  const trust = await trusting({ rule: byAlice() });
  const image = await pull(store, put("signed", "a"), trust);
  const digests = await store.evidence.objectDigests(image.id);
  assert.equal(digests.size, 4);
  // Whether the file is still what it was another check says.
  const bytes = await readFile(image.path);
  bytes[bytes.indexOf('"A=1"') + 3] = "2".charCodeAt(0);
  await writeFile(image.path, bytes);
  assert.equal((await pull(store, put("signed", "b"), trust)).id, image.id);
  assert.equal(
    registry.requests.filter(({ method, path }) => method === "GET" && path.includes("blobs"))
      .length,
    1,
  );
});

test("a pull to a file leaves nothing of what is refused", async (t) => {
  const { put, options, context, directory } = await setUp(t);
  const out = join(directory, "out.sif");
  const pull = async (reference: string): Promise<unknown> =>
    await pullToFile(
      directory,
      () => out,
      reference,
      { ...context, trust: await trusting() },
      { ...options(), force: false },
      never,
    );
  const before = await readdir(directory);
  await assert.rejects(pull(put("broken", "bad")), { code: "SIGNATURE_DATA" });
  assert.deepEqual(await readdir(directory), before);
  await pull(put("signed", "good"));
  assert.ok((await readFile(out)).equals(bytesOf("signed")));
});

test("files of this host are judged too, where they lie and when they are added", async (t) => {
  const { store: make, directory, pull, context } = await setUp(t);
  const store = await make();
  const trust = await trusting();
  for (const name of ["signed", "broken"])
    await writeFile(join(directory, `${name}.sif`), bytesOf(name));
  const path = (name: string): string => join(directory, `${name}.sif`);
  const add = async (name: string): Promise<StoredImage> => {
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
  const { registry, store: make, put, context, options } = await setUp(t);
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
  const { directory, context } = await setUp(t);
  const trust = await trusting();
  const to = join(directory, "copy.sif");
  const copy = async (name: string): Promise<unknown> => {
    const path = join(directory, `${name}.sif`);
    await writeFile(path, bytesOf(name));
    const how = { force: false, now: context.now() };
    return await copyLocalName(`local.file${path}`, { ...context, trust }, to, how, never);
  };
  await assert.rejects(copy("broken"), { code: "SIGNATURE_DATA" });
  assert.deepEqual(
    (await readdir(directory)).filter((name) => !name.endsWith("broken.sif")),
    [],
  );
  await copy("signed");
  assert.ok((await readFile(to)).equals(bytesOf("signed")));
});

test("another store's image is judged before it is ours", async (t) => {
  const { store: make, put, options, context } = await setUp(t);
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
  await assert.rejects(plain(ours, { otherStores, trust: await trusting({ rule: bob }) }), {
    code: "TRUST_REQUIRED",
  });
  await assertNothing(ours);
  await plain(ours, { otherStores, trust: await trusting({ rule: byAlice() }) });
  assert.deepEqual(await namesIn(ours), [reference]);
});

test("fsck adopts no file that the policy refuses", async (t) => {
  const { store: make, put, pull } = await setUp(t);
  const store = await make();
  const { id, path } = await pull(store, put("signed", "a"), await trusting());
  const kept = `${path}.kept`;
  await copyFile(path, kept);
  await store.remove(id, never);
  await copyFile(kept, path);
  const check = async (rule: TrustRule): Promise<readonly (string | undefined)[]> => {
    const options = { deep: false, repair: true, now: NOW, trust: await trusting({ rule }) };
    const { faults } = await checkStore(store, options, never);
    return faults.map(({ repaired }) => repaired);
  };
  assert.deepEqual(await check({ ...byAlice(), atLeast: 2 }), [undefined]);
  assert.deepEqual(await store.list(), []);
  assert.deepEqual(await check(byAlice()), ["made an image without a name"]);
  assert.equal((await store.list()).length, 1);
});

test("CVE-2020-13845: an execution control list holds for what lies in the store", async (t) => {
  const { store: make, put, pull } = await setUp(t);
  const store = await make();
  const list = (mode: string, directory: string, key: string): TrustPolicy["lists"] => {
    const text = `activated = true\n[[execgroup]]\ntagname = "x"\nmode = "${mode}"\ndirpath = "${directory}"\nkeyfp = ["${key}"]\n`;
    const parsed = parseEcl(text, "/etc/ecl.toml");
    return parsed === undefined ? [] : [parsed];
  };
  const images = store.imagesDirectory;
  const reference = put("signed", "a");
  for (const lists of [
    list("blacklist", images, alice),
    list("whitelist", images, "b".repeat(40)),
    list("whitelist", "/elsewhere", alice),
  ]) {
    await assert.rejects(pull(store, reference, await trusting({ lists })), {
      code: "TRUST_FORBIDDEN",
    });
    await assertNothing(store);
  }
  const unsigned = put("unsigned", "b");
  const lists = list("whitelist", images, alice);
  await assert.rejects(pull(store, unsigned, await trusting({ lists })), {
    code: "TRUST_FORBIDDEN",
  });
  await pull(store, reference, await trusting({ lists }));
  assert.deepEqual(await namesIn(store), [reference]);
});

test("a key of the policy that cannot be read lets nothing pass", async (t) => {
  const { store: make, put, pull } = await setUp(t);
  const store = await make();
  const rule: TrustRule = {
    ...REQUIRED,
    signers: [{ kind: "pem", path: "/nowhere/key.pub" }, ...byAlice().signers],
  };
  await assert.rejects(pull(store, put("signed", "a"), await trusting({ rule })), {
    code: "KEY_UNREADABLE",
  });
  await assertNothing(store);
});

test("a pull that is stopped while signatures are read leaves nothing", async (t) => {
  const { store: make, put, options, context } = await setUp(t);
  const store = await make();
  const stop = new AbortController();
  const trust = {
    looksBeside: () => Promise.resolve(false),
    require: (_image: unknown, signal: AbortSignal): Promise<Kept> => {
      stop.abort(new Error("stopped"));
      signal.throwIfAborted();
      return Promise.resolve({ kept: new Map() });
    },
  };
  const pulling = pullToStore(
    store,
    put("signed", "a"),
    { ...context, trust },
    options(),
    stop.signal,
  );
  await assert.rejects(pulling, /stopped/);
  await assertNothing(store);
  assert.deepEqual(await leftovers(store), []);
});

test("a pull tells when its policy is asked and when the image is published", async (t) => {
  const { store: make, put, events, pull } = await setUp(t);
  const store = await make();
  const stepsOf = async (reference: string): Promise<readonly string[]> => {
    const before = events.length;
    await pull(store, reference, await trusting()).catch(() => undefined);
    return events
      .slice(before)
      .flatMap((event) => (event.kind === "step" ? [`${event.step} ${event.at}`] : []));
  };
  const signed = put("signed", "a");
  const verified = ["verify begin", "verify end"];
  assert.deepEqual(await stepsOf(signed), [...verified, "publish begin", "publish end"]);
  assert.deepEqual(await stepsOf(signed), verified);
  assert.deepEqual(await stepsOf(put("broken", "b")), ["verify begin"]);
});
