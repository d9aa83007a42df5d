import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import type { TrustRule } from "../../src/config/index.ts";
import { pullToFile, pullToStore, type Kept } from "../../src/pull/index.ts";
import { parseEcl, type TrustPolicy } from "../../src/trust/index.ts";
import { leftovers, never } from "../fixtures/pull-setup.ts";
import { digestOf, makeImage } from "../fixtures/registry/index.ts";
import { assertNothing, JudgedFiles, LAYERS, namesIn, REQUIRED } from "./judged-files.ts";

let judged: JudgedFiles;

before(async (t) => {
  judged = await JudgedFiles.make(t as never);
});

test("by default what is not signed is accepted, and what is signed badly is refused and gone", async (t) => {
  const { store: make, put, pull } = await judged.setUp(t);
  const store = await make();
  await assert.rejects(pull(store, put("broken", "bad"), await judged.trusting({}, false)), {
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
    assert.equal((await pull(store, reference, await judged.trusting({}, keys))).origin, "sif");
    assert.ok((await namesIn(store)).includes(reference));
  }
});

test("the original's outcome: images of registries accepted, unsigned files accepted, broken ones refused", async (t) => {
  const { registry, store: make, put, pull } = await judged.setUp(t);
  const store = await make();
  const trust = await judged.trusting();
  registry.putImage("layers", makeImage({ layers: LAYERS }), "1");
  assert.equal((await pull(store, `${registry.host}/layers:1`, trust)).origin, "layers");
  assert.equal((await pull(store, put("unsigned", "unsigned"), trust)).origin, "sif");
  await assert.rejects(pull(store, put("broken", "bad"), trust), { code: "SIGNATURE_DATA" });
});

test("required: the signature of one who counts, and of nobody else", async (t) => {
  const { store: make, put, pull } = await judged.setUp(t);
  const signed = put("signed", "signed");
  const unsigned = put("unsigned", "unsigned");
  const bob = await judged.gpg.makeKey("Bob <bob@example.test>");
  const byBob: TrustRule = { ...REQUIRED, signers: [{ kind: "openpgp", fingerprint: bob }] };
  for (const [reference, rule, keys] of [
    [unsigned, judged.byAlice(), true],
    [signed, byBob, true],
    // Who counts, and whose key nobody has here.
    [signed, judged.byAlice(), false],
    [signed, { ...judged.byAlice(), atLeast: 2 }, true],
    [signed, REQUIRED, true],
  ] as const) {
    const store = await make();
    await assert.rejects(pull(store, reference, await judged.trusting({ rule }, keys)), {
      code: "TRUST_REQUIRED",
    });
    await assertNothing(store);
  }
  const store = await make();
  await pull(store, signed, await judged.trusting({ rule: judged.byAlice() }));
  assert.deepEqual(await namesIn(store), [signed]);
});

test("what is converted here is refused where signatures are required, before a layer is fetched", async (t) => {
  const { registry, store: make, pull, options, context, directory } = await judged.setUp(t);
  registry.putImage("layers", makeImage({ layers: LAYERS }), "1");
  const reference = `${registry.host}/layers:1`;
  const store = await make();
  const trust = await judged.trusting({ rule: judged.byAlice() });
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
  const { registry, store: make, put, pull } = await judged.setUp(t);
  const store = await make();
  const [a, b] = [put("signed", "a"), put("signed", "b")];
  const bob = "b".repeat(40);
  const names = {
    [`${registry.host}/b:*`]: {
      mode: "required",
      signers: [{ kind: "openpgp", fingerprint: bob }],
    },
  } as const;
  const trust = await judged.trusting({ names });
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
  const { registry, store: make, put, pull } = await judged.setUp(t);
  const store = await make();
  const trust = await judged.trusting({ rule: judged.byAlice() });
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

test("CVE-2020-13845: an execution control list holds for what lies in the store", async (t) => {
  const { store: make, put, pull } = await judged.setUp(t);
  const store = await make();
  const list = (mode: string, directory: string, key: string): TrustPolicy["lists"] => {
    const text = `activated = true\n[[execgroup]]\ntagname = "x"\nmode = "${mode}"\ndirpath = "${directory}"\nkeyfp = ["${key}"]\n`;
    const parsed = parseEcl(text, "/etc/ecl.toml");
    return parsed === undefined ? [] : [parsed];
  };
  const images = store.imagesDirectory;
  const reference = put("signed", "a");
  for (const lists of [
    list("blacklist", images, judged.alice),
    list("whitelist", images, "b".repeat(40)),
    list("whitelist", "/elsewhere", judged.alice),
  ]) {
    await assert.rejects(pull(store, reference, await judged.trusting({ lists })), {
      code: "TRUST_FORBIDDEN",
    });
    await assertNothing(store);
  }
  const unsigned = put("unsigned", "b");
  const lists = list("whitelist", images, judged.alice);
  await assert.rejects(pull(store, unsigned, await judged.trusting({ lists })), {
    code: "TRUST_FORBIDDEN",
  });
  await pull(store, reference, await judged.trusting({ lists }));
  assert.deepEqual(await namesIn(store), [reference]);
});

test("a key of the policy that cannot be read lets nothing pass", async (t) => {
  const { store: make, put, pull } = await judged.setUp(t);
  const store = await make();
  const rule: TrustRule = {
    ...REQUIRED,
    signers: [{ kind: "pem", path: "/nowhere/key.pub" }, ...judged.byAlice().signers],
  };
  await assert.rejects(pull(store, put("signed", "a"), await judged.trusting({ rule })), {
    code: "KEY_UNREADABLE",
  });
  await assertNothing(store);
});

test("a pull that is stopped while signatures are read leaves nothing", async (t) => {
  const { store: make, put, options, context } = await judged.setUp(t);
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
  const { store: make, put, events, pull } = await judged.setUp(t);
  const store = await make();
  const stepsOf = async (reference: string): Promise<readonly string[]> => {
    const before = events.length;
    await pull(store, reference, await judged.trusting()).catch(() => undefined);
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
