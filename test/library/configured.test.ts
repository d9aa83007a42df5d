import assert from "node:assert/strict";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test, type TestContext } from "node:test";
import { Secret } from "../../src/base/index.ts";
import {
  ConfiguredLibraries,
  usualRemoteFiles,
  type LibraryEndpoint,
  type NamedLibrary,
} from "../../src/library/index.ts";
import { systemClock, type HttpRequest, type HttpResponse } from "../../src/http/index.ts";
import { never } from "../fixtures/pull-setup.ts";
import { newDirectory } from "../fixtures/store/index.ts";
import { TEST_CERTIFICATE } from "../fixtures/registry/index.ts";

const CLOUD = "cloud.sylabs.io";

interface Machine {
  /** The user's home, in which a remote.yaml may be; `system` in it is the site's. */
  readonly home: string;
  readonly warnings: string[];
  readonly ask: (
    host: string,
    settings?: Readonly<Record<string, NamedLibrary>>,
    variables?: Readonly<Record<string, string>>,
  ) => Promise<LibraryEndpoint>;
}

async function setUp(t: TestContext): Promise<Machine> {
  const home = await newDirectory(t);
  const warnings: string[] = [];
  return {
    home,
    warnings,
    ask: async (host, settings = {}, variables = {}) => {
      const client = new NoHost();
      const remoteFiles = { ...usualRemoteFiles({}, home), system: [join(home, "system.yaml")] };
      const userId = process.geteuid?.() ?? 0;
      const libraries = { client, settings, remoteFiles, variables, userId };
      const warn = (message: string): void => {
        warnings.push(message);
      };
      return await new ConfiguredLibraries(libraries).endpointOf(host, warn, never);
    },
  };
}

/** A client for which no host says anything, as one that is a library itself. */
class NoHost {
  readonly clock = systemClock;

  allowsPlainHttp(name: string): boolean {
    return name === "plain.example";
  }

  request({ url }: HttpRequest): Promise<HttpResponse> {
    const empty = (async function* () {
      await Promise.resolve();
      yield* [];
    })();
    const discard = (): void => undefined;
    return Promise.resolve({ status: 404, headers: {}, url, body: empty, discard });
  }
}

/** Writes the remote.yaml of Singularity, or Apptainer. */
async function writeRemote(
  { home }: Machine,
  text: string,
  { name = ".singularity", mode = 0o600 } = {},
): Promise<void> {
  await mkdir(join(home, name), { recursive: true });
  const path = join(home, name, "remote.yaml");
  await writeFile(path, text);
  await chmod(path, mode);
}

function remote(uri: string, members: string): string {
  return `Active: it\nRemotes:\n  it:\n    URI: ${uri}\n    System: false\n${members}`;
}

test("without any configuration the default library is at its known place, others at their hosts", async (t) => {
  const { ask } = await setUp(t);
  const rows = [
    [CLOUD, "https://library.sylabs.io/"],
    ["Lib.example:8443", "https://lib.example:8443/"],
    ["plain.example", "http://plain.example/"],
  ] as const;
  for (const [host, href] of rows) {
    const { api, token, tls, isUnverified } = await ask(host);
    assert.equal(api.href, href);
    assert.deepEqual([token, tls, isUnverified], [undefined, undefined, false]);
  }
});

test("a library is where the configuration has it, proved by its certificate, shown its token", async (t) => {
  const { ask, home } = await setUp(t);
  const [ca, tokenFile] = [join(home, "ca.pem"), join(home, "token")];
  await writeFile(ca, TEST_CERTIFICATE);
  await writeFile(tokenFile, "of-the-file\n");
  const endpoint = "https://library.example/api";
  const settings = { "lib.example": { endpoint, ca, tokenFile, unverified: true } };
  const found = await ask("lib.example", settings);
  assert.equal(found.api.href, "https://library.example/api/");
  assert.deepEqual(found.tls, { ca: [TEST_CERTIFICATE] });
  assert.equal(found.token?.secret.reveal(), "of-the-file");
  assert.equal(found.token.described, tokenFile);
  assert.deepEqual([found.isUnverified, found.isPlainHttp], [true, false]);
  assert.equal((await ask(CLOUD, settings)).token, undefined);
});

test("an endpoint with http is spoken to without TLS, because somebody wrote so", async (t) => {
  const { ask } = await setUp(t);
  const found = await ask("a.example", { "a.example": { endpoint: "http://a.example:80/" } });
  assert.deepEqual([found.api.href, found.isPlainHttp], ["http://a.example/", true]);
});

test("a token comes from the configuration, else its file, else a variable, else remote.yaml", async (t) => {
  const machine = await setUp(t);
  const { ask, home, warnings } = machine;
  await writeRemote(machine, remote(CLOUD, "    Token: of-remote\n"));
  const tokenFile = join(home, "token");
  await writeFile(tokenFile, "of-file");
  const shown = async (settings: NamedLibrary, value = ""): Promise<string | undefined> =>
    (await ask(CLOUD, { [CLOUD]: settings }, { T: value })).token?.secret.reveal();
  const all = { token: new Secret("itself"), tokenFile, tokenEnv: "T" };
  assert.equal(await shown(all, "of-variable"), "itself");
  assert.equal(await shown({ tokenFile, tokenEnv: "T" }, "of-variable"), "of-file");
  assert.equal(await shown({ tokenEnv: "T" }, "of-variable"), "of-variable");
  assert.deepEqual(warnings, []);
  assert.equal(await shown({ tokenEnv: "T" }), "of-remote");
  assert.match(warnings.join(), /\$T is not set/);
  assert.equal(await shown({}), "of-remote");
  assert.equal(await shown({ isAnonymous: true }), undefined);
});

test("a token of remote.yaml is for the library that is its URI, and for no other", async (t) => {
  const machine = await setUp(t);
  await writeRemote(machine, remote("Lib.example/", "    Token: secret\n"));
  assert.equal((await machine.ask("lib.example")).token?.secret.reveal(), "secret");
  for (const host of [CLOUD, "other.example", "lib.example:8443"]) {
    assert.equal((await machine.ask(host)).token, undefined);
  }
});

test("Apptainer's remote.yaml comes before Singularity's", async (t) => {
  const machine = await setUp(t);
  await writeRemote(machine, remote(CLOUD, "    Token: of-singularity\n"));
  await writeRemote(machine, remote(CLOUD, "    Token: ''\n"), { name: ".apptainer" });
  assert.equal((await machine.ask(CLOUD)).token?.secret.reveal(), "of-singularity");
  await writeRemote(machine, remote(CLOUD, "    Token: of-apptainer\n"), { name: ".apptainer" });
  assert.equal((await machine.ask(CLOUD)).token?.secret.reveal(), "of-apptainer");
  assert.deepEqual(usualRemoteFiles({ APPTAINER_CONFIGDIR: "/a" }, "/home").user, [
    "/a/remote.yaml",
    "/home/.singularity/remote.yaml",
  ]);
});

test("a remote.yaml that others may read is used with a warning, without its token in it", async (t) => {
  const machine = await setUp(t);
  const text = remote(CLOUD, "    Token: secret\n");
  await writeRemote(machine, text, { mode: 0o640 });
  assert.equal((await machine.ask(CLOUD)).token?.secret.reveal(), "secret");
  assert.match(machine.warnings.join(), /remote\.yaml has tokens.*chmod 600$/);
  assert.ok(!machine.warnings.join().includes("secret"));
  await machine.ask("other.example");
  assert.equal(machine.warnings.length, 1);
});

test("an insecure remote is spoken to without TLS, unless the configuration names an endpoint", async (t) => {
  const machine = await setUp(t);
  await writeRemote(machine, remote("lab.example", "    Insecure: true\n"));
  const found = await machine.ask("lab.example");
  assert.deepEqual([found.api.href, found.isPlainHttp], ["http://lab.example/", true]);
  const settings = { "lab.example": { endpoint: "https://lab.example/" } };
  assert.equal((await machine.ask("lab.example", settings)).api.protocol, "https:");
});

test("an Exclusive remote of the site is the only library that is asked", async (t) => {
  const machine = await setUp(t);
  const site = remote("lib.site.example", "    Exclusive: true\n");
  await writeFile(join(machine.home, "system.yaml"), site);
  await machine.ask("lib.site.example");
  for (const host of [CLOUD, "lib.example"]) {
    await assert.rejects(machine.ask(host), {
      code: "LIBRARY_BLOCKED",
      message: /lib\.site\.example/,
    });
  }
});

test("a user's own remote cannot be Exclusive", async (t) => {
  const machine = await setUp(t);
  await writeRemote(machine, remote("lib.example", "    Exclusive: true\n    Token: x\n"));
  assert.equal((await machine.ask(CLOUD)).token, undefined);
});

const broken = [
  { name: "an unknown key", text: "Active: a\nRemote: {}\n", message: /:2: unknown key "Remote"/ },
  {
    name: "an unknown key of a remote",
    text: remote(CLOUD, "    Tokens: x\n"),
    message: /:6: unknown key/,
  },
  { name: "no YAML", text: "Remotes: {", message: /remote\.yaml:1: / },
  { name: "a remote without URI", text: "Remotes: {a: {Token: secret}}", message: /with a URI/ },
  { name: "a list of remotes", text: "Remotes: [secret]", message: /keys with values/ },
  {
    name: "a token of two words",
    text: remote(CLOUD, "    Token: secret secret\n"),
    message: /visible/,
  },
  { name: "a number as token", text: remote(CLOUD, "    Token: 5\n"), message: /expected text/ },
  { name: "no truth", text: remote(CLOUD, "    Insecure: secret\n"), message: /true or false/ },
];

for (const { name, text, message } of broken) {
  test(`a remote.yaml with ${name} is LIBRARY_CONFIG, and nothing of it is shown`, async (t) => {
    const machine = await setUp(t);
    await writeRemote(machine, text);
    await assert.rejects(machine.ask(CLOUD), (error: Error) => {
      assert.ok("code" in error && error.code === "LIBRARY_CONFIG", error.message);
      assert.match(error.message, message);
      assert.ok(!error.message.includes("secret"), error.message);
      assert.equal(error.cause, undefined);
      return true;
    });
    // Who brings a token has no use for it.
    const settings = { [CLOUD]: { token: new Secret("mine") } };
    assert.equal((await machine.ask(CLOUD, settings)).token?.secret.reveal(), "mine");
  });
}

test("an empty remote.yaml says nothing", async (t) => {
  const machine = await setUp(t);
  for (const text of ["", 'Active: ""\nRemotes: {}\n', "Remotes:\nCredentials:\n"]) {
    await writeRemote(machine, text);
    assert.equal((await machine.ask(CLOUD)).token, undefined);
  }
});

const unusable = [
  {
    name: "a token file that is not there",
    make: (home: string) => ({ tokenFile: join(home, "no") }),
  },
  { name: "a directory as token file", make: (home: string) => ({ tokenFile: home }) },
  { name: "an empty token file", make: (home: string) => ({ tokenFile: join(home, "empty") }) },
  { name: "certificates that are not there", make: (home: string) => ({ ca: join(home, "no") }) },
  { name: "certificates that are none", make: (home: string) => ({ ca: join(home, "empty") }) },
];

for (const { name, make } of unusable) {
  test(`${name} is LIBRARY_CONFIG`, async (t) => {
    const { ask, home } = await setUp(t);
    await writeFile(join(home, "empty"), "\n");
    await assert.rejects(ask("a.example", { "a.example": make(home) }), { code: "LIBRARY_CONFIG" });
  });
}
