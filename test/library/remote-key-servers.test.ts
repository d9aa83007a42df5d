import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import process from "node:process";
import { test, type TestContext } from "node:test";
import { remoteKeyServers, usualRemoteFiles } from "../../src/library/index.ts";
import { newDirectory } from "../fixtures/store/index.ts";

interface Machine {
  /** Writes a remote.yaml; `system.yaml` is the site's. */
  readonly write: (name: string, text: string) => Promise<void>;
  readonly servers: () => Promise<readonly string[]>;
}

const APPTAINER = ".apptainer/remote.yaml";
const SINGULARITY = ".singularity/remote.yaml";
const SYSTEM = "system.yaml";

async function setUp(t: TestContext): Promise<Machine> {
  const home = await newDirectory(t);
  const files = { ...usualRemoteFiles({}, home), system: [join(home, SYSTEM)] };
  return {
    write: async (name, text) => {
      await mkdir(dirname(join(home, name)), { recursive: true });
      await writeFile(join(home, name), text, { mode: 0o600 });
    },
    servers: async () => {
      const urls = await remoteKeyServers(files, process.geteuid?.() ?? 0);
      return urls.map(({ href }) => href);
    },
  };
}

/** A file with one remote, which is active or not. */
function file(name: string, servers: readonly string[], active = name, members = ""): string {
  const list = servers.map((server) => `      - ${server}\n`).join("");
  const keyServers = servers.length === 0 ? "" : `    Keyservers:\n${list}`;
  return `Active: "${active}"\nRemotes:\n  ${name}:\n    URI: h.test\n${members}${keyServers}`;
}

test("the servers of the active remote are asked in their order, without those to be skipped", async (t) => {
  const { write, servers } = await setUp(t);
  const list = [
    "{URI: 'https://two.test', External: true}",
    "{URI: 'https://own.test', Skip: true, External: false}",
    "{URI: 'hkps://one.test/path', External: true}",
    "{URI: 'hkp://three.test'}",
    "{URI: 'https://four.test:8443', Insecure: true}",
    "{URI: 'http://five.test'}",
    "{URI: 'https://two.test/'}",
  ];
  await write(SINGULARITY, file("it", list));
  assert.deepEqual(await servers(), [
    "https://two.test/",
    "https://one.test/path",
    "http://three.test:11371/",
    "http://four.test:8443/",
    "http://five.test/",
  ]);
});

test("a remote that is not active names none, and neither does one without servers", async (t) => {
  const { write, servers } = await setUp(t);
  assert.deepEqual(await servers(), []);
  await write(SINGULARITY, file("it", ["{URI: 'https://a.test'}"], ""));
  assert.deepEqual(await servers(), []);
  await write(SINGULARITY, file("it", ["{URI: 'https://a.test'}"], "other"));
  assert.deepEqual(await servers(), []);
  await write(SINGULARITY, file("it", []));
  assert.deepEqual(await servers(), []);
  await write(SINGULARITY, "Active: it\nRemotes: {it: {URI: h.test, Keyservers: }}\n");
  assert.deepEqual(await servers(), []);
});

test("Apptainer's come before Singularity's, and the site's where the user has no remote in use", async (t) => {
  const { write, servers } = await setUp(t);
  await write(SYSTEM, file("site", ["{URI: 'https://site.test'}"]));
  assert.deepEqual(await servers(), ["https://site.test/"]);
  await write(SINGULARITY, file("it", ["{URI: 'https://s.test'}"]));
  await write(APPTAINER, file("it", ["{URI: 'https://a.test'}"]));
  assert.deepEqual(await servers(), ["https://a.test/", "https://s.test/"]);
});

test("the user's active remote may be one that the site describes", async (t) => {
  const { write, servers } = await setUp(t);
  await write(SYSTEM, file("site", ["{URI: 'https://site.test'}"], ""));
  await write(SINGULARITY, "Active: site\nRemotes: {}\n");
  assert.deepEqual(await servers(), ["https://site.test/"]);
});

test("an Exclusive remote of the site is the only one whose servers are asked", async (t) => {
  const { write, servers } = await setUp(t);
  const only = file("site", ["{URI: 'https://site.test'}"], "", "    Exclusive: true\n");
  await write(SYSTEM, only);
  await write(SINGULARITY, file("it", ["{URI: 'https://s.test'}"], "it", "    Exclusive: true\n"));
  assert.deepEqual(await servers(), ["https://site.test/"]);
});

const broken = [
  { name: "an unknown key", item: "{URI: 'https://secret.test', Skipped: true}" },
  { name: "no URI", item: "{Skip: true}" },
  { name: "a URI of another scheme", item: "{URI: 'file:///secret'}" },
  { name: "a URI with a password", item: "{URI: 'http://me:secret@a.test'}" },
  { name: "a Skip that is no truth", item: "{URI: 'https://a.test', Skip: secret}" },
  { name: "text", item: "https://secret.test" },
];

for (const { name, item } of broken) {
  test(`a key server with ${name} is LIBRARY_CONFIG, and nothing of it is shown`, async (t) => {
    const { write, servers } = await setUp(t);
    await write(SINGULARITY, file("it", [item]));
    await assert.rejects(servers(), (error: Error) => {
      assert.ok("code" in error && error.code === "LIBRARY_CONFIG", error.message);
      assert.match(error.message, /remote\.yaml:6: /);
      assert.ok(!error.message.includes("secret"), error.message);
      return true;
    });
  });
}

test("key servers that are no list are LIBRARY_CONFIG", async (t) => {
  const { write, servers } = await setUp(t);
  await write(SINGULARITY, "Active: it\nRemotes: {it: {URI: h.test, Keyservers: {a: b}}}\n");
  await assert.rejects(servers(), { code: "LIBRARY_CONFIG" });
});
