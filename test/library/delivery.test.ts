import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import type { PullEvent } from "../../src/pull/index.ts";
import type { StoredImage } from "../../src/store/index.ts";
import { setUpLibrary, type LibrarySetup } from "../fixtures/library/index.ts";
import { makeSif } from "../fixtures/make-sif.ts";
import { leftovers } from "../fixtures/pull-setup.ts";
import { pathOf, type FakeServer } from "../fixtures/registry/index.ts";

const sif = makeSif({ size: 1_000_000 });
const FILE = "/v1/imagefile/e/c/n:latest";

async function assertWhole({ id, path }: StoredImage): Promise<void> {
  assert.equal(id, sif.sha256);
  assert.ok((await readFile(path)).equals(sif.bytes));
}

function shown(server: FakeServer): (string | undefined)[] {
  return server.requests.map(({ headers }) => headers.authorization);
}

function ranges({ requests }: FakeServer): (string | undefined)[] {
  return requests.map(({ headers }) => headers.range);
}

test("a 200 without Content-Length is read to its end and checked", async (t) => {
  const { library, pull } = await setUpLibrary(t, "hinkskalle");
  library.put("e/c/n", sif);
  library.addFault(FILE, { headers: { "content-length": null } });
  await assertWhole(await pull("e/c/n"));
});

test("a 303 to another host is followed without the token", async (t) => {
  const { library, objects, pull } = await setUpLibrary(t, "enterprise", { token: "good" });
  library.tokens.add("good");
  library.put("e/c/n", sif, { isPrivate: true });
  await assertWhole(await pull("e/c/n"));
  assert.deepEqual(shown(objects), [undefined]);
  assert.deepEqual([...new Set(shown(library))], ["Bearer good"]);
});

test("a 303 to the library's own host is followed with the token", async (t) => {
  const { library, pull } = await setUpLibrary(t, "hinkskalle", { token: "good" });
  library.tokens.add("good");
  library.put("e/c/n", sif, { isPrivate: true });
  library.put("e/c/moved", sif, { isPrivate: true });
  library.addFault("/v1/imagefile/e/c/moved:latest", {
    status: 303,
    redirect: `${FILE}?arch=amd64`,
  });
  await assertWhole(await pull("e/c/moved"));
  assert.equal(library.paths("GET").at(-1), `${FILE}?arch=amd64`);
  assert.equal(shown(library).at(-1), "Bearer good");
});

test("a 302 to a presigned URL is followed", async (t) => {
  const { library, objects, pull } = await setUpLibrary(t, "sregistry");
  library.put("e/c/n", sif);
  await assertWhole(await pull("e/c/n"));
  assert.match(objects.paths("GET")[0] ?? "", /X-Amz-Signature=/);
});

for (const status of [301, 302, 303, 307, 308]) {
  test(`a ${status} from the library is followed to the file, without the token`, async (t) => {
    const { library, objects, pull } = await setUpLibrary(t, "hinkskalle", { token: "good" });
    library.tokens.add("good");
    library.put("e/c/n", sif);
    objects.put("file", sif.bytes);
    library.addFault(FILE, { status, redirect: objects.sign("file") });
    await assertWhole(await pull("e/c/n"));
    assert.deepEqual(shown(objects), [undefined]);
  });
}

test("redirects without end are HTTP_REDIRECT", async (t) => {
  const { library, pull, images } = await setUpLibrary(t, "hinkskalle");
  library.put("e/c/n", sif);
  library.addFault(FILE, { status: 303, redirect: FILE });
  await assert.rejects(pull("e/c/n"), { code: "HTTP_REDIRECT" });
  assert.deepEqual(await leftovers(images), []);
});

test("a redirect from https to http is HTTP_REDIRECT, and nothing is asked there", async (t) => {
  const { library, objects, pull, images } = await setUpLibrary(t, "enterprise", { tls: true });
  library.put("e/c/n", sif);
  await assert.rejects(pull("e/c/n"), { code: "HTTP_REDIRECT" });
  assert.equal(objects.requests.length, 0);
  assert.deepEqual(await leftovers(images), []);
});

/** The path of the one object of `item`, found out by a pull into a store of its own. */
async function objectPath(setup: LibrarySetup, item: string): Promise<string> {
  await setup.pull(item, {}, await setup.store("first"));
  const path = setup.objects.paths("GET")[0]?.split("?")[0] ?? "";
  for (const server of [setup.objects, setup.library]) server.requests.length = 0;
  return path;
}

test("a presigned URL that expires in the middle is asked for anew, and the file goes on", async (t) => {
  const setup = await setUpLibrary(t, "enterprise");
  const { library, objects, pull } = setup;
  library.put("e/c/n", sif);
  const path = await objectPath(setup, "e/c/n");
  objects.addFault(path, { truncateAt: 300_000, times: 1 });
  const onEvent = ({ kind }: PullEvent): void => {
    if (kind === "fetched" && objects.requests.length === 1) objects.expire();
  };
  await assertWhole(await pull("e/c/n", { onEvent }));
  assert.equal(library.paths("GET").filter((each) => each.startsWith(FILE)).length, 2);
  const [first, expired, fresh] = ranges(objects);
  assert.equal(first, undefined);
  assert.match(expired ?? "", /^bytes=[1-9]/);
  assert.equal(fresh, expired);
  assert.equal(objects.requests.length, 3);
});

test("a presigned URL that is good still is asked for what is missing, and the library is not", async (t) => {
  const setup = await setUpLibrary(t, "sregistry");
  const { library, objects, pull } = setup;
  library.put("e/c/n", sif);
  const path = await objectPath(setup, "e/c/n");
  objects.addFault(path, { truncateAt: 300_000, times: 1 });
  await assertWhole(await pull("e/c/n"));
  assert.equal(library.paths("GET").filter((each) => each.startsWith(FILE)).length, 1);
  assert.equal(objects.requests.length, 2);
});

test("a part that is answered with all of the file is cut out of it", async (t) => {
  const setup = await setUpLibrary(t, "enterprise");
  setup.library.put("e/c/n", sif);
  const path = await objectPath(setup, "e/c/n");
  setup.objects.addFault(path, { truncateAt: 300_000, times: 1 });
  setup.objects.addFault(path, {
    status: 200,
    bytes: sif.bytes,
    headers: { "content-range": null },
  });
  await assertWhole(await setup.pull("e/c/n"));
  assert.equal(setup.objects.requests.length, 2);
});

test("a part of another range is not taken for the one that was asked for", async (t) => {
  const setup = await setUpLibrary(t, "enterprise");
  setup.library.put("e/c/n", sif);
  const path = await objectPath(setup, "e/c/n");
  const other = { "content-range": `bytes 0-9/${sif.bytes.length}` };
  setup.objects.addFault(path, { truncateAt: 300_000, times: 1 });
  setup.objects.addFault(path, { headers: other, times: 1 });
  // It is as good as other bytes: the file is fetched once more, from its beginning.
  await assertWhole(await setup.pull("e/c/n"));
  assert.match(ranges(setup.objects)[1] ?? "", /^bytes=[1-9]/);
  assert.equal(ranges(setup.objects)[2], undefined);
});

test("a part of a file of another size is not taken, and what is wrong twice is an error", async (t) => {
  const setup = await setUpLibrary(t, "hinkskalle");
  setup.library.put("e/c/n", sif);
  const from = { truncateAt: 300_000, times: 1 };
  const part = {
    status: 206,
    headers: { "content-range": "bytes 300000-300009/400000" },
    times: 1,
  };
  for (const fault of [from, part, from, part]) setup.library.addFault(FILE, fault);
  await assert.rejects(setup.pull("e/c/n"), { code: "CONTENT_SIZE_MISMATCH" });
  assert.deepEqual(await leftovers(setup.images), []);
});

test("a large file goes on with the next pull where the last one ended", async (t) => {
  const big = makeSif({ seed: "big", size: 17_000_000 });
  const { library, pull, images } = await setUpLibrary(t, "hinkskalle");
  library.put("e/c/n", big);
  const cache = { directory: `${images.directory}/packs`, maxBytes: 1e9 };
  library.addFault(FILE, { truncateAt: 10_000_000, times: 1 });
  library.addFault(FILE, { status: 403, times: 1 });
  await assert.rejects(pull("e/c/n", { cache }), { code: "LIBRARY_DENIED" });
  library.requests.length = 0;
  assert.equal((await pull("e/c/n", { cache })).id, big.sha256);
  const [range] = library.requests
    .filter(({ path }) => path.startsWith(FILE))
    .map(({ headers }) => headers.range);
  assert.match(range ?? "", /^bytes=[1-9]/);
});

for (const dialect of ["sylabs", "enterprise", "sregistry"] as const) {
  test(`${dialect}: a large file goes on with the next pull where whoever gives it broke off`, async (t) => {
    const big = makeSif({ seed: "big", size: 17_000_000 });
    const setup = await setUpLibrary(t, dialect);
    const { library, objects, registry, pull, images } = setup;
    library.put("e/c/n", big);
    if (dialect === "sylabs") library.publish("e/c/n", [big]);
    const server = dialect === "sylabs" ? registry : objects;
    const blob = `/v2/e/c/n/blobs/sha256:${big.sha256}`;
    const path = server === registry ? blob : await objectPath(setup, "e/c/n");
    const cache = { directory: `${images.directory}/packs`, maxBytes: 1e9 };
    server.addFault(path, { method: "GET", truncateAt: 10_000_000, times: 1 });
    server.addFault(path, { method: "GET", truncateAt: 0, times: 4 });
    await assert.rejects(pull("e/c/n", { cache }), { code: "HTTP_UNREACHABLE" });
    server.requests.length = 0;
    assert.equal((await pull("e/c/n", { cache })).id, big.sha256);
    const [range] = server.requests
      .filter((request) => pathOf(request) === path && request.method === "GET")
      .map(({ headers }) => headers.range);
    assert.match(range ?? "", /^bytes=[1-9]/);
  });
}

test("a file of more than 32 MiB is asked for in parts, each held to what was asked for", async (t) => {
  const big = makeSif({ seed: "huge", size: 36_000_000 });
  const { library, objects, pull } = await setUpLibrary(t, "enterprise");
  library.put("e/c/n", big);
  assert.equal((await pull("e/c/n")).id, big.sha256);
  assert.deepEqual(ranges(objects), ["bytes=0-16777215", `bytes=16777216-${big.bytes.length - 1}`]);
  assert.equal(library.paths("GET").filter((path) => path.startsWith(FILE)).length, 1);
});

test("a library answers 503 once, and the pull goes on", async (t) => {
  const { library, pull } = await setUpLibrary(t, "enterprise");
  library.put("e/c/n", sif);
  library.addFault("/v1/images/e/c/n:latest", { status: 503, times: 1 });
  library.addFault(FILE, { status: 502, times: 1 });
  await assertWhole(await pull("e/c/n"));
});
