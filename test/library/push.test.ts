import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { assertFailure, runHere } from "../../src/cli/cli-fixture.ts";
import { parseDigest } from "../../src/image/index.ts";
import { parseLibraryPlace, pushToLibrary } from "../../src/push/index.ts";
import { setUpLibrary, type Dialect, type LibrarySetup } from "../fixtures/library/index.ts";
import { makeSif, type MadeSif } from "../fixtures/make-sif.ts";
import { never } from "../fixtures/pull-setup.ts";

const sif = makeSif();
const MiB = 1024 * 1024;
const DIALECTS: readonly Dialect[] = ["enterprise", "hinkskalle", "sregistry"];

interface PushSetup extends LibrarySetup {
  readonly sent: number[];
  /** Pushes a file; answers whether the library had it. */
  readonly push: (file: MadeSif, target: string) => Promise<boolean>;
}

async function setUp(t: TestContext, dialect: Dialect): Promise<PushSetup> {
  const setup = await setUpLibrary(t, dialect, { token: "good" });
  setup.library.tokens.add("good");
  const sent: number[] = [];
  return {
    ...setup,
    sent,
    push: async ({ bytes, sha256, architecture }, target) => {
      const path = join(setup.directory, "push.sif");
      await writeFile(path, bytes);
      const digest = parseDigest(`sha256:${sha256}`);
      const file = { path, digest, size: bytes.length, title: "push.sif" };
      const how = {
        facts: { architecture, isSigned: false, isEncrypted: false },
        warn: () => undefined,
        onSent: (count: number) => sent.push(count),
      };
      const place = parseLibraryPlace(target);
      return await pushToLibrary(file, place, await setup.context.libraries(), how, never);
    },
  };
}

for (const dialect of DIALECTS) {
  test(`${dialect}: what is pushed is pulled again by each of its tags, and pushed again costs no bytes`, async (t) => {
    const { library, objects, push, pull, sent } = await setUp(t, dialect);
    assert.equal(await push(sif, "library://me/tools/app:1,latest"), false);
    assert.equal(sent.at(-1), sif.bytes.length);
    assert.equal((await pull("me/tools/app:1")).id, sif.sha256);
    assert.equal((await pull("me/tools/app")).id, sif.sha256);
    const puts = objects.paths("PUT").length;
    assert.equal(await push(sif, "library://me/tools/app:2"), true);
    assert.equal(objects.paths("PUT").length, puts);
    const tagVersion = dialect === "sregistry" ? "v1" : "v2";
    const tagged = library.paths("POST").filter((path) => path.includes("/tags/"));
    assert.equal(tagged.length, 3);
    assert.ok(tagged.every((path) => path.startsWith(`/${tagVersion}/tags/`)));
  });
}

test("files of several architectures have one tag", async (t) => {
  const { push, pull } = await setUp(t, "enterprise");
  const arm = makeSif({ seed: "arm", architecture: "arm64" });
  await push(sif, "library://me/tools/app:1");
  await push(arm, "library://me/tools/app:1");
  assert.equal((await pull("me/tools/app:1")).id, sif.sha256);
  const platform = { os: "linux", architecture: "arm64" };
  assert.equal((await pull("me/tools/app:1", { platform })).id, arm.sha256);
});

test("an upload is signed for its hash, and shown no token", async (t) => {
  const { objects, library, push } = await setUp(t, "enterprise");
  await push(sif, "library://me/tools/app:1");
  const [upload] = objects.requests.filter(({ method }) => method === "PUT");
  assert.equal(upload?.headers["x-amz-content-sha256"], sif.sha256);
  assert.equal(upload.headers.authorization, undefined);
  library.uploads.signsContent = false;
  await push(makeSif({ seed: "two" }), "library://me/tools/app:2");
  const second = objects.requests.filter(({ method }) => method === "PUT").at(-1);
  assert.equal(second?.headers["x-amz-content-sha256"], undefined);
});

test("a file of more than 64 MiB goes in parts", async (t) => {
  const { objects, library, push, pull, sent } = await setUp(t, "enterprise");
  library.uploads.partSize = 30 * MiB;
  const big = makeSif({ seed: "big", size: 66 * MiB });
  assert.equal(await push(big, "library://me/tools/big:1"), false);
  const parts = objects.paths("PUT").map((path) => /\.([0-9]+)\?/.exec(path)?.[1]);
  assert.deepEqual(parts, ["1", "2", "3"]);
  assert.deepEqual(sent.slice(0, 2), [30 * MiB, 60 * MiB]);
  assert.equal((await pull("me/tools/big:1")).id, big.sha256);
});

test("a part whose place is good no more is sent to a fresh one", async (t) => {
  const { objects, library, push, pull } = await setUp(t, "enterprise");
  library.uploads.partSize = 40 * MiB;
  const big = makeSif({ seed: "big", size: 66 * MiB });
  const key = uploadKey(big);
  objects.addFault(`/${key}.2`, { method: "PUT", status: 403, times: 1 });
  await push(big, "library://me/tools/big:1");
  const parts = objects.paths("PUT").map((path) => /\.([0-9]+)\?/.exec(path)?.[1]);
  assert.deepEqual(parts, ["1", "2", "2"]);
  assert.equal((await pull("me/tools/big:1")).id, big.sha256);
});

/** Where the parts of a file will go. */
function uploadKey(file: MadeSif): string {
  const name = `me/tools/big sha256.${file.sha256}`;
  return `uploads/${createHash("md5").update(name).digest("hex").slice(0, 24)}`;
}

test("an upload in parts that fails is ended at the library", async (t) => {
  const { objects, library, push } = await setUp(t, "enterprise");
  library.uploads.partSize = 40 * MiB;
  const big = makeSif({ seed: "big", size: 66 * MiB });
  objects.addFault(`/${uploadKey(big)}.2`, { method: "PUT", status: 400 });
  await assert.rejects(push(big, "library://me/tools/big:1"), { code: "LIBRARY_STATUS" });
  assert.equal(library.uploads.aborted.length, 1);
});

test("a library without parts takes a large file at once", async (t) => {
  const { objects, library, push, pull } = await setUp(t, "hinkskalle");
  library.uploads.hasMultipart = false;
  const big = makeSif({ seed: "big", size: 66 * MiB });
  await push(big, "library://me/tools/big:1");
  assert.equal(objects.paths("PUT").length, 1);
  assert.equal((await pull("me/tools/big:1")).id, big.sha256);
});

test("a library that tells no version is given the bytes themselves, and tags of old", async (t) => {
  const { objects, library, push, pull } = await setUp(t, "enterprise");
  library.apiVersion = undefined;
  await push(sif, "library://me/tools/app:1");
  assert.equal(objects.paths("PUT").length, 0);
  const posts = library.paths("POST").map((path) => path.split("/").slice(1, 3).join("/"));
  assert.deepEqual(posts.slice(-2), ["v1/imagefile", "v1/tags"]);
  assert.equal((await pull("me/tools/app:1")).id, sif.sha256);
});

test("more than there is room for is LIBRARY_QUOTA", async (t) => {
  const { library, push } = await setUp(t, "enterprise");
  library.uploads.quota = 1000;
  await assert.rejects(push(sif, "library://me/tools/app:1"), {
    code: "LIBRARY_QUOTA",
    message: /no room left/,
  });
});

for (const [name, uploadURL, code] of [
  ["the machine's own services", "https://169.254.169.254/latest", "HTTP_ADDRESS_REFUSED"],
  ["no URL", "uploads", "LIBRARY_PROTOCOL"],
  ["a file", "file:///etc/passwd", "LIBRARY_PROTOCOL"],
  ["a URL with a user", "https://me:you@store.test/", "LIBRARY_PROTOCOL"],
] as const) {
  test(`an upload to ${name} is ${code}, and nothing is sent`, async (t) => {
    const { library, objects, push } = await setUp(t, "enterprise");
    const bytes = Buffer.from(JSON.stringify({ data: { uploadURL } }));
    const name = createHash("md5").update(`me/tools/app sha256.${sif.sha256}`).digest("hex");
    library.addFault(`/v2/imagefile/${name.slice(0, 24)}`, { method: "POST", bytes });
    await assert.rejects(push(sif, "library://me/tools/app:1"), { code });
    assert.equal(objects.requests.length, 0);
  });
}

test("parts smaller or more than S3 takes are LIBRARY_PROTOCOL", async (t) => {
  const { library, push } = await setUp(t, "enterprise");
  const big = makeSif({ seed: "big", size: 66 * MiB });
  for (const partSize of [1, 0, -1, 5 * 1024 * MiB + 1, 10.5 * MiB + 0.5]) {
    library.uploads.partSize = partSize;
    await assert.rejects(push(big, "library://me/tools/big:1"), { code: "LIBRARY_PROTOCOL" });
  }
});

const places = [
  { text: "library://me/tools/app", host: "cloud.sylabs.io", tags: ["latest"] },
  { text: "library://me/tools/app:1,2,1", host: "cloud.sylabs.io", tags: ["1", "2"] },
  { text: "library://lib.example:8/me/tools/app:a", host: "lib.example:8", tags: ["a"] },
];
for (const { text, host, tags } of places) {
  test(`${text} is a place to push to`, () => {
    assert.deepEqual(parseLibraryPlace(text), { host, path: "me/tools/app", tags });
  });
}

for (const text of [
  "library://tools/app:1",
  "library://app",
  "library://me/tools/app:",
  "library://me/tools/app:1,",
  "library://me/tools/app:1,b c",
  `library://me/tools/app:sha256.${"0".repeat(64)}`,
]) {
  test(`${text.slice(0, 40)} is REFERENCE_INVALID to push to`, () => {
    assert.throws(() => parseLibraryPlace(text), { code: "REFERENCE_INVALID" });
  });
}

test("siflet push puts a file, or an image of the store, into a library", async (t) => {
  const { library, directory } = await setUp(t, "enterprise");
  await writeFile(join(directory, "app.sif"), sif.bytes);
  const config = join(directory, "config.yaml");
  const text = `libraries: {lib.example: {endpoint: "${library.url}/", token: good}}`;
  await writeFile(config, text);
  const variables = { SIFLET_STORE: "store", SIFLET_CONFIG: config };
  const run = async (...args: string[]): ReturnType<typeof runHere> =>
    await runHere(args, { directory, environment: { variables } });
  const target = "library://lib.example/me/tools/app";
  const pushed = await run("push", "--json", "./app.sif", `${target}:1,2`);
  assert.equal(pushed.exitCode, 0, pushed.stderr.join("\n"));
  assert.deepEqual(JSON.parse(pushed.stdout), {
    names: [`${target}:1`, `${target}:2`],
    file: `sha256:${sif.sha256}`,
    size: sif.bytes.length,
    architecture: "amd64",
    wasThere: false,
  });
  assert.equal((await run("pull", "--arch", "amd64", `${target}:1`)).exitCode, 0);
  const again = await run("push", `${target}:1`, `${target}:3`);
  assert.match(again.stdout, /nothing, the library had the file/);
  assertFailure(
    await run("push", "--library", "https://a.test", "./app.sif", "oras://r.test/a"),
    2,
    /--library/,
  );
  assertFailure(await run("push", "--username", "me", "./app.sif", `${target}:1`), 2, /token/);
});
