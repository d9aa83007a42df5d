import assert from "node:assert/strict";
import { mkdtempDisposable, readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, before, test, type TestContext } from "node:test";
import { runHere, type CliResult } from "../../src/cli/cli-fixture.ts";
import { openStore, pull } from "../../src/index.ts";
import {
  pushImage,
  run,
  smallImage,
  startDockerRegistry,
  type DockerRegistry,
} from "../real/index.ts";

// Logins of skopeo are read here, and ours by skopeo, at a registry that lets in nobody else.

const USER = "bob";
const PASSWORD = "correct horse";
/** Of that user and password, by bcrypt at its least cost. */
const HTPASSWD = `${USER}:$2y$05$siflettestsalt1234567ubHhzabmd/9D7SKedqLuovwgrNU0mHlq\n`;

let registry: DockerRegistry;

before(async () => {
  registry = await startDockerRegistry({ htpasswd: HTPASSWD });
  await using directory = await mkdtempDisposable(join(tmpdir(), "siflet-login-"));
  const authFile = join(directory.path, "auth.json");
  await skopeoLogin(registry.host, authFile);
  await pushImage(await smallImage(), `${registry.host}/team/app:1`, { authFile });
});

after(async () => {
  await registry.close();
});

async function newDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtempDisposable(join(tmpdir(), "siflet-login-"));
  t.after(() => directory.remove());
  return directory.path;
}

async function skopeoLogin(host: string, authFile: string): Promise<void> {
  const options = ["--tls-verify=false", "--authfile", authFile];
  await run("skopeo", ["login", ...options, "--username", USER, "--password", PASSWORD, host]);
}

/** Our command line, with the password on its standard input. */
async function siflet(directory: string, ...args: readonly string[]): Promise<CliResult> {
  const environment = {
    stdin: Readable.from([Buffer.from(PASSWORD)]),
    variables: { SIFLET_STORE: "store", XDG_RUNTIME_DIR: join(directory, "run") },
  };
  return await runHere(args, { directory, environment });
}

test("what skopeo login keeps is what a pull logs in with", async (t) => {
  const directory = await newDirectory(t);
  const app = `${registry.host}/team/app:1`;
  const asNobody = await siflet(directory, "pull", app);
  assert.equal(asNobody.exitCode, 4, asNobody.stderr.join("\n"));
  // For a registry, and for a path of it.
  for (const [name, host] of [
    ["host.json", registry.host],
    ["path.json", `${registry.host}/team`],
  ] as const) {
    const authFile = join(directory, name);
    await skopeoLogin(host, authFile);
    const pulled = await siflet(
      directory,
      "pull",
      "--no-store",
      "--force",
      "--authfile",
      authFile,
      app,
    );
    assert.equal(pulled.exitCode, 0, pulled.stderr.join("\n"));
  }
});

test("what siflet login keeps is what skopeo logs in with, until siflet logout", async (t) => {
  const directory = await newDirectory(t);
  for (const host of [registry.host, `${registry.host}/team`]) {
    const login = ["login", "--username", USER, "--password-stdin", host];
    const kept = await siflet(directory, ...login);
    assert.equal(kept.exitCode, 0, kept.stderr.join("\n"));
    const authFile = join(directory, "run/containers/auth.json");
    assert.equal((await stat(authFile)).mode & 0o777, 0o600);
    const options = ["--tls-verify=false", "--authfile", authFile];
    const inspected = await run("skopeo", [
      "inspect",
      "--raw",
      ...options,
      `docker://${registry.host}/team/app:1`,
    ]);
    assert.match(inspected, /"layers"/);
    const user = await run("skopeo", ["login", "--get-login", "--authfile", authFile, host]);
    assert.equal(user.trim(), USER);
    assert.equal((await siflet(directory, "logout", host)).exitCode, 0);
    assert.deepEqual(JSON.parse(await readFile(authFile, "utf8")), { auths: {} });
  }
});

test("skopeo logout removes what siflet login keeps", async (t) => {
  const directory = await newDirectory(t);
  await siflet(directory, "login", "--username", USER, "--password-stdin", registry.host);
  const authFile = join(directory, "run/containers/auth.json");
  await run("skopeo", ["logout", "--authfile", authFile, registry.host]);
  assert.equal((await siflet(directory, "login", "--get-login", registry.host)).exitCode, 3);
});

test("a wrong password is refused by the registry, and not kept", async (t) => {
  const directory = await newDirectory(t);
  const login = ["login", "--username", "eve", "--password-stdin", registry.host];
  const refused = await siflet(directory, ...login);
  assert.equal(refused.exitCode, 4);
  await assert.rejects(stat(join(directory, "run")), { code: "ENOENT" });
});

test("the package pulls with credentials that come with the call, or from its authFile", async (t) => {
  const directory = await newDirectory(t);
  const app = `${registry.host}/team/app:1`;
  const credentials = { username: USER, password: PASSWORD };
  const first = await pull(join(directory, "images"), app, { credentials });
  const authFile = join(directory, "auth.json");
  await skopeoLogin(registry.host, authFile);
  await using store = await openStore(join(directory, "store"), { authFile });
  assert.equal((await store.pull(app)).id, first.id);

  // A reader of what is there already is asked for the right to read it, too.
  await using other = await openStore(join(directory, "other"));
  const wrong = { username: USER, password: "wrong" };
  const together = await Promise.allSettled([
    other.pull(app, { credentials }),
    other.pull(app, { credentials: wrong }),
    other.pull(app),
    other.pull(app, { credentials: { ...credentials, serverAddress: "elsewhere.example" } }),
  ]);
  assert.deepEqual(
    together.map(({ status }) => status),
    ["fulfilled", "rejected", "rejected", "rejected"],
  );
  await assert.rejects(other.pull(app, { credentials: wrong }), { code: "REGISTRY_UNAUTHORIZED" });
  await assert.rejects(other.pull(app, { credentials: { username: USER } }), {
    code: "CREDENTIALS_INVALID",
  });
});
