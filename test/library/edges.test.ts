import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { assertFailure, pullHere, runHere } from "../../src/cli/cli-fixture.ts";
import { libraryInfo, openStore, pull } from "../../src/index.ts";
import { startLibrary, type FakeLibrary } from "../fixtures/library/index.ts";
import { makeSif } from "../fixtures/make-sif.ts";
import { newDirectory } from "../fixtures/store/index.ts";

const sif = makeSif();
const arm = makeSif({ seed: "arm", architecture: "arm64" });
const amd64 = { os: "linux", architecture: "amd64" };

async function start(t: TestContext): Promise<FakeLibrary> {
  const library = await startLibrary({ dialect: "hinkskalle" });
  t.after(() => library.close());
  library.put("e/c/n", sif, { tags: ["1"] });
  library.put("e/c/n", arm, { tags: ["1"] });
  return library;
}

test("libraryInfo asks for metadata alone", async (t) => {
  const library = await start(t);
  const info = await libraryInfo(`library://${library.host}/e/c/n:1`, { platform: amd64 });
  assert.deepEqual(info.toJSON(), {
    id: sif.sha256,
    sha256: sif.sha256,
    size: sif.bytes.length,
    path: "",
    ref: { uri: `library://${library.host}`, tags: ["e/c/n:1"], digests: null },
  });
  assert.deepEqual(library.paths("GET"), ["/v1/images/e/c/n:1?arch=amd64"]);
  const platform = { os: "linux", architecture: "aarch64" };
  const other = await libraryInfo(`library://${library.host}/e/c/n:1`, { platform });
  assert.equal(other.id, arm.sha256);
});

test("libraryInfo of what is in no library is NOT_LIBRARY, and of what is not there NOT_FOUND", async (t) => {
  const library = await start(t);
  for (const ref of ["alpine", "docker://alpine", "local.file/a.sif"]) {
    await assert.rejects(libraryInfo(ref), { code: "NOT_LIBRARY" });
  }
  await assert.rejects(libraryInfo(`library://${library.host}/e/c/m`), { code: "NOT_FOUND" });
  assert.ok(library.requests.length > 0);
});

test("libraryInfo shows the token of its caller, and takes nothing else for one", async (t) => {
  const library = await start(t);
  library.put("e/c/private", sif, { isPrivate: true });
  library.tokens.add("good");
  const ref = `library://${library.host}/e/c/private`;
  const settings = { platform: amd64 };
  await assert.rejects(libraryInfo(ref, settings), { code: "LIBRARY_UNAUTHORIZED" });
  const auth = { identityToken: "good" };
  assert.equal((await libraryInfo(ref, { ...settings, auth })).id, sif.sha256);
  const password = { username: "me", password: "secret" };
  await assert.rejects(libraryInfo(ref, { ...settings, auth: password }), {
    code: "CREDENTIALS_INVALID",
  });
});

test("libraryInfo of a library that says no hash is LIBRARY_UNVERIFIED", async (t) => {
  const library = await start(t);
  library.put("e/c/none", sif, { metadata: { hash: undefined } });
  await assert.rejects(libraryInfo(`library://${library.host}/e/c/none`, { platform: amd64 }), {
    code: "LIBRARY_UNVERIFIED",
  });
});

test("the package pulls from a library into a directory and into a store", async (t) => {
  const library = await start(t);
  const directory = await newDirectory(t);
  const ref = `library://${library.host}/e/c/n:1`;
  const info = await pull(join(directory, "images"), ref, { platform: amd64 });
  assert.equal(info.path, join(directory, "images", sif.sha256));
  assert.equal(info.ref.toString(), ref);
  await using store = await openStore(join(directory, "store"));
  const kept = await store.pull(ref, { platform: amd64 });
  assert.deepEqual([kept.id, kept.origin], [sif.sha256, "sif"]);
  assert.equal((await store.find(ref)).id, sif.sha256);
});

test("siflet pull takes images of libraries, finds them by name, and names files after them", async (t) => {
  const library = await start(t);
  const directory = await newDirectory(t);
  const ref = `library://${library.host}/e/c/n:1`;
  assert.equal((await pullHere(directory, ref)).id, sif.sha256);
  const path = await runHere(["path", ref], { directory });
  assert.equal(path.stdout.trim(), join(directory, "store/images", `${sif.sha256}.sif`));
  const file = await runHere(["pull", "--no-store", "--arch", "arm64", ref], { directory });
  assert.equal(file.exitCode, 0, file.stderr.join("\n"));
  assert.ok((await readFile(join(directory, "n_1.sif"))).equals(arm.bytes));
  const missing = await runHere(["pull", "--arch", "s390x", ref], { directory });
  assertFailure(missing, 3, /has no image for linux\/s390x; it has linux\/amd64, linux\/arm64$/);
});
