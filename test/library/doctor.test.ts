import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { BARE_HOST, runHere } from "../../src/cli/cli-fixture.ts";
import { libraryNameOf } from "../../src/image/index.ts";
import type { LibraryAnswer } from "../../src/library/index.ts";
import { setUpLibrary, type Dialect, type LibrarySetup } from "../fixtures/library/index.ts";
import { never } from "../fixtures/pull-setup.ts";

const DIALECTS: readonly Dialect[] = ["sylabs", "enterprise", "hinkskalle", "sregistry"];
const { host: CLOUD } = libraryNameOf("library://alpine");

async function probe({ context }: LibrarySetup): Promise<LibraryAnswer> {
  const libraries = await context.libraries();
  return await libraries.probe(CLOUD, { warn: () => assert.fail() }, never);
}

async function setUp(t: TestContext, dialect: Dialect, token?: string): Promise<LibrarySetup> {
  const setup = await setUpLibrary(t, dialect, token === undefined ? {} : { token });
  setup.library.tokens.add("good");
  return setup;
}

for (const dialect of DIALECTS) {
  const isAsked = dialect !== "sregistry";
  test(`${dialect}: says what it is, and ${isAsked ? "" : "not "}whether it knows a token`, async (t) => {
    const good = await probe(await setUp(t, dialect, "good"));
    assert.match(good.apiVersion ?? "", /^2\.0\.0/);
    assert.equal(good.token, isAsked ? "accepted" : "unknown");
    assert.equal(good.tokenFrom, "the test");
    assert.ok(Math.abs((good.time ?? 0) - Date.now()) < 3_600_000);
    const bad = await setUp(t, dialect, "bad");
    bad.library.isDeafToTokens = !isAsked;
    assert.equal((await probe(bad)).token, isAsked ? "refused" : "unknown");
    const none = await setUp(t, dialect);
    assert.equal((await probe(none)).token, "none");
    assert.deepEqual(none.library.paths("GET"), ["/version"]);
  });
}

test("a library that wants a token even for its version says whether it is good", async (t) => {
  const setup = await setUp(t, "enterprise", "bad");
  setup.library.addFault("/version", { status: 401 });
  const answer = await probe(setup);
  assert.deepEqual([answer.token, answer.apiVersion], ["refused", undefined]);
  const anonymous = await setUp(t, "enterprise");
  anonymous.library.addFault("/version", { status: 401 });
  await assert.rejects(probe(anonymous), { code: "LIBRARY_UNAUTHORIZED" });
});

test("a library of old tells no version, and a page is no library", async (t) => {
  const setup = await setUp(t, "hinkskalle");
  setup.library.apiVersion = undefined;
  assert.equal((await probe(setup)).apiVersion, undefined);
  setup.library.addFault("/version", { status: 200, bytes: Buffer.from("<html>") });
  await assert.rejects(probe(setup), { code: "LIBRARY_PROTOCOL" });
});

test("a library that fails is asked once, and sends no token elsewhere", async (t) => {
  const setup = await setUp(t, "enterprise", "good");
  setup.library.addFault("/v1/rbac/users/current", {
    status: 302,
    redirect: `${setup.objects.url}/objects/x`,
  });
  assert.equal((await probe(setup)).token, "unknown");
  const shown = setup.objects.requests.map(({ headers }) => headers.authorization);
  assert.deepEqual(shown, [undefined]);
  setup.library.requests.length = 0;
  setup.library.addFault("/version", { status: 503 });
  await assert.rejects(probe(setup), { code: "LIBRARY_STATUS", status: 503 });
  assert.equal(setup.library.requests.length, 1);
});

test("siflet doctor asks the libraries of the configuration, and no other", async (t) => {
  const { library, directory } = await setUp(t, "hinkskalle");
  const openHost = (): Promise<typeof BARE_HOST> => Promise.resolve(BARE_HOST);
  const run = async (libraries: string): ReturnType<typeof runHere> => {
    await writeFile(join(directory, "config.yaml"), `libraries: {${libraries}}\n`);
    const args = ["--config", "config.yaml", "doctor"];
    return await runHere(args, { directory, environment: { openHost } });
  };
  const none = await run("");
  assert.ok(!none.stdout.includes("Libraries"));
  assert.equal(library.requests.length, 0);
  const endpoint = `endpoint: "${library.url}/"`;
  const good = await run(`lib.example: {${endpoint}, token: good}`);
  assert.match(good.stdout, /\nLibraries\n {2}ok {7}lib\.example: a library at http/);
  assert.match(good.stdout, /the token of the configuration of lib\.example is accepted\n/);
  const bad = await run(`lib.example: {${endpoint}, token: secret}`);
  assert.equal(bad.exitCode, 14);
  assert.match(bad.stdout, /PROBLEM {2}lib\.example: the token of .* is refused\n +→ have a new/);
  assert.ok(!bad.stdout.includes("secret"));
  const missing = await run(`lib.example: {${endpoint}, ca: /none/ca.pem}`);
  assert.match(missing.stdout, /PROBLEM .*cannot read certificates in \/none\/ca\.pem/);
});
