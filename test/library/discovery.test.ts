import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test, type TestContext } from "node:test";
import { DEFAULT_LIMITS, Secret } from "../../src/base/index.ts";
import { libraryNameOf } from "../../src/image/index.ts";
import { Discoveries, libraryIn } from "../../src/library/discovery.ts";
import { ConfiguredLibraries, Libraries, usualRemoteFiles } from "../../src/library/index.ts";
import type { LibraryToken, NamedLibrary } from "../../src/library/index.ts";
import { Registries } from "../../src/registry/index.ts";
import { DEFAULT_TRANSFERS, Transfers } from "../../src/transfer/index.ts";
import { DISCOVERY, Frontend, startLibrary, type FakeLibrary } from "../fixtures/library/index.ts";
import { makeSif } from "../fixtures/make-sif.ts";
import { never } from "../fixtures/pull-setup.ts";
import { openTestClient } from "../fixtures/registry/index.ts";
import { newDirectory } from "../fixtures/store/index.ts";

const sif = makeSif();
const TOKEN: LibraryToken = { secret: new Secret("good"), described: "the caller" };

/** Names that lead to this host, so that domains differ and addresses do not. */
const NAMES = ["cloud.site.test", "library.site.test", "library.other.test"] as const;

interface Site {
  readonly home: string;
  readonly frontend: Frontend;
  readonly library: FakeLibrary;
  /** `cloud.site.test:PORT`, by which people know the library. */
  readonly host: string;
  /** The library's URL under one of the names. */
  readonly at: (name: (typeof NAMES)[number], path?: string) => string;
  /** The hash that `library://HOST/e/c/n` means, as the host or a remote.yaml is configured. */
  readonly describe: (settings?: NamedLibrary, token?: LibraryToken) => Promise<string>;
}

/** A site whose frontend says where its library is, once a test lets it. */
async function setUp(t: TestContext): Promise<Site> {
  const stack = new AsyncDisposableStack();
  t.after(() => stack.disposeAsync());
  const home = await newDirectory(t);
  const frontend = stack.use(new Frontend());
  await frontend.listen();
  const library = stack.use(await startLibrary({ dialect: "hinkskalle" }));
  library.put("e/c/n", sif);
  library.tokens.add("good");
  const port = (server: { readonly host: string }): string => server.host.split(":")[1] ?? "";
  const host = `${NAMES[0]}:${port(frontend)}`;
  const { client } = stack.use(
    openTestClient({
      plainHttpHosts: [host, ...NAMES.map((name) => `${name}:${port(library)}`)],
      resolve: () => Promise.resolve([{ address: "127.0.0.1", family: 4 }]),
    }),
  );
  const transfers = new Transfers(client, DEFAULT_TRANSFERS);
  const limits = DEFAULT_LIMITS;
  const registries = new Registries({ client, limits, transfers });
  const remoteFiles = { ...usualRemoteFiles({}, home), system: [join(home, "system.yaml")] };
  const userId = process.geteuid?.() ?? 0;
  return {
    ...{ home, frontend, library, host },
    at: (name, path = "") => `http://${name}:${port(library)}${path}`,
    describe: async (own, token) => {
      const settings = own === undefined ? {} : { [host]: own };
      const options = { client, settings, remoteFiles, variables: {}, userId };
      const hosts = new ConfiguredLibraries(options);
      const libraries = new Libraries({ client, limits, transfers, registries, hosts });
      const name = libraryNameOf(`library://${host}/e/c/n`);
      const wish = { architecture: "amd64", token };
      return (await libraries.describe(name, wish, never)).digest;
    },
  };
}

function shown({ library, frontend }: Site): (string | undefined)[] {
  const all = [...frontend.requests, ...library.requests];
  return all.map(({ headers }) => headers.authorization);
}

async function writeRemote({ home, host }: Site, members = "", name?: string): Promise<void> {
  await mkdir(join(home, ".singularity"), { recursive: true });
  const text = `Active: it\nRemotes:\n  it:\n    URI: ${host}\n${members}`;
  await writeFile(join(home, name ?? ".singularity/remote.yaml"), text, { mode: 0o600 });
}

test("a host that is configured without an endpoint is asked where its library is", async (t) => {
  const site = await setUp(t);
  site.frontend.services = { libraryAPI: { uri: site.at("library.site.test") } };
  assert.equal(await site.describe({}), `sha256:${sif.sha256}`);
  assert.deepEqual(site.frontend.paths("GET"), [DISCOVERY]);
  assert.deepEqual(site.library.paths("GET"), ["/v1/images/e/c/n:latest?arch=amd64"]);
});

test("the library gets the token of the host that named it, and the document is asked for without", async (t) => {
  const site = await setUp(t);
  site.frontend.services = { libraryAPI: { uri: site.at("library.site.test") } };
  await site.describe({ token: new Secret("good") });
  assert.deepEqual(shown(site), [undefined, "Bearer good"]);
});

for (const file of [".singularity/remote.yaml", "system.yaml"]) {
  test(`a host of ${file} is asked where its library is`, async (t) => {
    const site = await setUp(t);
    site.frontend.services = { libraryAPI: { uri: site.at("library.site.test") } };
    await writeRemote(site, "    Token: good\n", file);
    await site.describe();
    assert.deepEqual(site.frontend.paths("GET"), [DISCOVERY]);
    const isUsers = file !== "system.yaml";
    assert.deepEqual(shown(site), [undefined, isUsers ? "Bearer good" : undefined]);
  });
}

for (const settings of [undefined, { token: new Secret("good") }]) {
  test(`a library of another domain is ${settings ? "not shown the token" : "asked without one"}`, async (t) => {
    const site = await setUp(t);
    site.frontend.services = { libraryAPI: { uri: site.at("library.other.test") } };
    await writeRemote(site);
    if (settings === undefined) {
      assert.equal(await site.describe(), `sha256:${sif.sha256}`);
      assert.deepEqual(shown(site), [undefined, undefined]);
      return;
    }
    await assert.rejects(site.describe(settings), {
      code: "LIBRARY_DISCOVERY",
      message: /may be shown its token, got library\.other\.test:\d+, which is of another domain/,
    });
    assert.equal(site.library.requests.length, 0);
  });
}

test("a token of the caller is held to the same rule", async (t) => {
  const site = await setUp(t);
  site.frontend.services = { libraryAPI: { uri: site.at("library.other.test") } };
  await assert.rejects(site.describe({}, TOKEN), { code: "LIBRARY_DISCOVERY" });
  assert.equal(site.library.requests.length, 0);
});

test("a library of another domain that is configured as the endpoint is shown the token", async (t) => {
  const site = await setUp(t);
  await site.describe({ endpoint: site.at("library.other.test"), token: new Secret("good") });
  assert.equal(site.frontend.requests.length, 0);
  assert.deepEqual(shown(site), ["Bearer good"]);
});

test("a host without such a document is a library itself", async (t) => {
  const site = await setUp(t);
  await assert.rejects(site.describe({ token: new Secret("good") }), { code: "NOT_FOUND" });
  assert.deepEqual(site.frontend.paths("GET"), [
    DISCOVERY,
    "/v1/images/e/c/n:latest?arch=amd64",
    "/v1/containers/e/c/n",
  ]);
});

for (const uri of [undefined, "https://library.test/"]) {
  test(`a host with ${uri === undefined ? "no" : "a"} document is believed for an hour`, async (t) => {
    const { frontend } = await setUp(t);
    frontend.services = uri && { libraryAPI: { uri } };
    let now = 0;
    const clock = { now: () => now, sleep: () => Promise.resolve() };
    await using opened = openTestClient({ clock });
    const discoveries = new Discoveries(opened.client);
    const host = { api: new URL(`${frontend.url}/`), tls: undefined };
    const asked: number[] = [];
    for (const time of [0, 3_599_999, 3_600_000]) {
      now = time;
      assert.equal((await discoveries.find(host, never))?.href, uri);
      asked.push(frontend.requests.length);
    }
    assert.deepEqual(asked, [1, 1, 2]);
  });
}

test("a host that nobody configured is asked for images alone", async (t) => {
  const site = await setUp(t);
  site.frontend.services = { libraryAPI: { uri: site.at("library.site.test") } };
  await assert.rejects(site.describe(), { code: "NOT_FOUND" });
  assert.ok(!site.frontend.paths("GET").includes(DISCOVERY));
});

test("a path of the library's URL stays, with or without a slash at its end", async (t) => {
  const site = await setUp(t);
  for (const path of ["/api", "/api/"]) {
    site.frontend.services = { libraryAPI: { uri: site.at("library.site.test", path) } };
    await assert.rejects(site.describe({}), { code: "NOT_FOUND" });
    assert.ok(site.library.paths("GET").at(-1)?.startsWith("/api/v1/"));
  }
});

const documents = [
  { name: "no library", services: { keystoreAPI: { uri: "https://keys.test" } } },
  { name: "a library without URI", services: { libraryAPI: {} } },
  { name: "a library of another kind", services: { libraryAPI: "https://library.test" } },
  { name: "a URI that is none", services: { libraryAPI: { uri: "library" } } },
  { name: "a URI of another scheme", services: { libraryAPI: { uri: "file:///etc" } } },
  { name: "a URI with a user", services: { libraryAPI: { uri: "https://me:you@l.test/" } } },
  { name: "a URI with a query", services: { libraryAPI: { uri: "https://l.test/?a=b" } } },
  { name: "a list", services: [] },
  { name: "more than 64 KiB", services: { x: "x".repeat(64 * 1024) } },
];

for (const { name, services } of documents) {
  test(`a document with ${name} is LIBRARY_DISCOVERY, and says what to do`, async (t) => {
    const site = await setUp(t);
    site.frontend.services = services;
    await assert.rejects(site.describe({ token: new Secret("good") }), {
      code: "LIBRARY_DISCOVERY",
      message: /config\.prod\.json: expected .*endpoint can be given under libraries/,
    });
    assert.deepEqual(shown(site), [undefined]);
  });
}

test("a page instead of the document is LIBRARY_DISCOVERY, and nothing of it is shown", async (t) => {
  const site = await setUp(t);
  const bytes = Buffer.from("<html>\u001b[2J log in");
  site.frontend.addFault(DISCOVERY, { status: 200, bytes });
  await assert.rejects(site.describe({}), {
    code: "LIBRARY_DISCOVERY",
    message: /expected JSON, got something else; /,
  });
});

test("a host that cannot say it now is an error, and is not taken for a library itself", async (t) => {
  const site = await setUp(t);
  site.frontend.addFault(DISCOVERY, { status: 503 });
  await assert.rejects(site.describe({}), { code: "LIBRARY_STATUS", status: 503 });
  assert.equal(site.library.requests.length, 0);
});

test("a library without TLS is named without TLS alone", () => {
  const text = JSON.stringify({ libraryAPI: { uri: "http://l.test" } });
  const named = (from: string): string => libraryIn(text, new URL(from)).href;
  assert.equal(named("http://c.test/"), "http://l.test/");
  assert.throws(() => named("https://c.test/"), {
    code: "LIBRARY_DISCOVERY",
    message: /expected the URL of a library, by https/,
  });
});

test("a document that names the machine's own services is HTTP_ADDRESS_REFUSED", async (t) => {
  const site = await setUp(t);
  site.frontend.services = { libraryAPI: { uri: "https://169.254.169.254/" } };
  await assert.rejects(site.describe({}), { code: "HTTP_ADDRESS_REFUSED" });
});

test("a host that sends us round for its document is HTTP_REDIRECT", async (t) => {
  const site = await setUp(t);
  site.frontend.addFault(DISCOVERY, { redirect: DISCOVERY });
  await assert.rejects(site.describe({}), { code: "HTTP_REDIRECT" });
});

for (const [name, fault] of [
  ["never answers", { silent: true }],
  ["stops in the middle of its document", { stallAt: 5 }],
] as const) {
  test(`a host that ${name} is HTTP_TIMEOUT`, async (t) => {
    const site = await setUp(t);
    site.frontend.services = { libraryAPI: { uri: "https://l.test/" } };
    site.frontend.addFault(DISCOVERY, fault);
    await using opened = openTestClient();
    const discoveries = new Discoveries(opened.client, { timeoutMs: 20 });
    const host = { api: new URL(`${site.frontend.url}/`), tls: undefined };
    await assert.rejects(discoveries.find(host, never), { code: "HTTP_TIMEOUT" });
  });
}

test("an abort while a host is asked is an abort", async (t) => {
  const site = await setUp(t);
  const stop = new AbortController();
  site.frontend.addFault(DISCOVERY, {
    get hold() {
      stop.abort();
      return Promise.resolve();
    },
    silent: true,
  });
  await using opened = openTestClient();
  const host = { api: new URL(`${site.frontend.url}/`), tls: undefined };
  await assert.rejects(new Discoveries(opened.client).find(host, stop.signal), {
    name: "AbortError",
  });
});
