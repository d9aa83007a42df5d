import assert from "node:assert/strict";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { after, before, beforeEach, test } from "node:test";
import {
  basic,
  makeImage,
  startRegistry,
  startTokenServer,
  type FakeRegistry,
} from "../../test/fixtures/registry/index.ts";
import { tar } from "../../test/fixtures/tar/index.ts";
import {
  assertFailure,
  CapturedText,
  newDirectory,
  runHere,
  type CliResult,
} from "./cli-fixture.ts";
import type { Environment } from "./environment.ts";

const SECRET = "correct horse";

let registry: FakeRegistry;
/** The `Authorization` header that the registry lets in. */
const BOB = basic("bob", SECRET);

before(async () => {
  registry = await startRegistry();
  registry.putImage("team/app", makeImage({ layers: [tar([{ path: "f", data: "x" }])] }), "1.0");
});

after(async () => {
  await registry[Symbol.asyncDispose]();
});

beforeEach(() => {
  registry.requests.length = 0;
  registry.guardWith({
    challenge: () => 'Basic realm="test"',
    allows: (authorization) => authorization === BOB,
  });
});

/** A user whose login would be kept in `run/containers/auth.json`. */
function userOf(
  directory: string,
  stdin = "",
  variables: Readonly<Record<string, string>> = {},
): Partial<Environment> {
  return {
    stdin: Readable.from([Buffer.from(stdin)]),
    variables: { SIFLET_STORE: "store", XDG_RUNTIME_DIR: join(directory, "run"), ...variables },
  };
}

async function run(
  args: readonly string[],
  directory: string,
  environment: Partial<Environment>,
): Promise<CliResult> {
  const result = await runHere(args, { directory, environment });
  const said = [result.stdout, ...result.stderr].join("\n");
  assert.doesNotMatch(said, /correct horse|Y29ycmVjdC|Basic /, "no secret is shown");
  return result;
}

function pullArguments(...options: readonly string[]): readonly string[] {
  return ["pull", "--json", ...options, `${registry.host}/team/app:1.0`];
}

async function login(directory: string, ...options: readonly string[]): Promise<CliResult> {
  const args = ["login", "--username", "bob", "--password-stdin", ...options, registry.host];
  return await run(args, directory, userOf(directory, `${SECRET}\n`));
}

test("after a login pulls are made as its user, and after a logout as nobody", async (t) => {
  const directory = await newDirectory(t);
  assertFailure(await run(pullArguments(), directory, userOf(directory)), 4, /anonymously/);
  const file = join(directory, "run/containers/auth.json");
  assert.deepEqual(await login(directory), {
    exitCode: 0,
    stdout: `${registry.host}: logged in as bob, in ${file}\n`,
    stderr: [],
  });
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const user = await run(["login", "--get-login", registry.host], directory, userOf(directory));
  assert.equal(user.stdout, "bob\n");
  assert.equal((await run(pullArguments(), directory, userOf(directory))).exitCode, 0);

  const out = await run(["logout", registry.host], directory, userOf(directory));
  assert.equal(out.stdout, `${registry.host}: logged out, in ${file}\n`);
  assertFailure(await run(pullArguments(), directory, userOf(directory)), 4, /anonymously/);
  for (const args of [
    ["logout", registry.host],
    ["logout", "--all"],
    ["login", "--get-login", registry.host],
  ]) {
    assertFailure(await run(args, directory, userOf(directory)), 3, /login|not logged in/);
  }
});

test("a login that the registry does not know is not kept", async (t) => {
  const directory = await newDirectory(t);
  const args = ["login", "--username", "eve", "--password-stdin", registry.host];
  const result = await run(args, directory, userOf(directory, "wrong"));
  assertFailure(result, 4, /credentials of user "eve" of the login to be good/);
  await assert.rejects(stat(join(directory, "run")), { code: "ENOENT" });
});

test("a login is checked with a token where the registry wants one", async (t) => {
  const directory = await newDirectory(t);
  await using tokens = await startTokenServer();
  tokens.admits = new Set([BOB]);
  registry.guardWith(tokens);
  assert.equal((await login(directory)).exitCode, 0);
  assert.ok(tokens.requests.some(({ headers }) => headers.authorization === BOB));
  tokens.admits = new Set();
  assertFailure(await login(directory), 4, /to be good/);
});

test("a login at a registry that asks nobody is kept, with a warning", async (t) => {
  const directory = await newDirectory(t);
  registry.guardWith({ challenge: () => undefined, allows: () => true });
  const { exitCode, stderr } = await login(directory);
  assert.equal(exitCode, 0);
  assert.match(stderr[0] ?? "", /warning: .*could not be checked/);
});

test("what is no registry is refused, and nothing kept", async (t) => {
  const directory = await newDirectory(t);
  registry.guardWith({ challenge: () => undefined, allows: () => true });
  registry.addFault("/v2/", { status: 404, times: 1 });
  assertFailure(await login(directory), 5, /expected a registry at/);
  await assert.rejects(stat(join(directory, "run")), { code: "ENOENT" });
});

test("a login below a path is for the images there alone, in the named file", async (t) => {
  const directory = await newDirectory(t);
  const args = ["login", "--username", "bob", "--password-stdin", "--authfile", "a.json"];
  const user = userOf(directory, SECRET);
  const { exitCode } = await run([...args, `${registry.host}/team`], directory, user);
  assert.equal(exitCode, 0);
  const kept: unknown = JSON.parse(await readFile(join(directory, "a.json"), "utf8"));
  const entry = { auth: Buffer.from(`bob:${SECRET}`).toString("base64") };
  assert.deepEqual(kept, { auths: { [`${registry.host}/team`]: entry } });
  const pulled = await run(pullArguments("--authfile", "a.json"), directory, userOf(directory));
  assert.equal(pulled.exitCode, 0);
  const outside = ["pull", "--authfile", "a.json", `${registry.host}/other/app:1.0`];
  assertFailure(await run(outside, directory, userOf(directory)), 4, /anonymously/);
});

test("after a logout a login that another file has is told", async (t) => {
  const directory = await newDirectory(t);
  await login(directory);
  await mkdir(join(directory, ".docker"));
  const auth = Buffer.from("eve:x").toString("base64");
  const text = JSON.stringify({ auths: { [registry.host]: { auth } } });
  await writeFile(join(directory, ".docker/config.json"), text);
  const { stderr, exitCode } = await run(["logout", registry.host], directory, userOf(directory));
  assert.equal(exitCode, 0);
  assert.match(stderr[0] ?? "", /pulls still log in as user "eve" of .*\.docker\/config\.json/);
});

const places = [
  {
    name: "--username with --password-stdin",
    options: ["--username", "bob", "--password-stdin"],
    stdin: SECRET,
  },
  {
    name: "the same with a line end",
    options: ["--username", "bob", "--password-stdin"],
    stdin: `${SECRET}\r\n`,
  },
  { name: "--authfile", options: ["--authfile", "auth.json"], file: "auth.json" },
  { name: "authFile of the configuration", config: "authFile", file: "auth.json" },
  {
    name: "Apptainer's variables",
    variables: { APPTAINER_DOCKER_USERNAME: "bob", APPTAINER_DOCKER_PASSWORD: SECRET },
  },
  { name: "REGISTRY_AUTH_FILE", variables: { REGISTRY_AUTH_FILE: "auth.json" }, file: "auth.json" },
  { name: "podman's file", file: "run/containers/auth.json" },
  { name: "Docker's file", file: ".docker/config.json" },
] as const;

for (const place of places) {
  test(`pull logs in by ${place.name}`, async (t) => {
    const directory = await newDirectory(t);
    if ("file" in place) {
      const path = join(directory, place.file);
      const entry = { auth: Buffer.from(`bob:${SECRET}`).toString("base64") };
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, JSON.stringify({ auths: { [registry.host]: entry } }));
    }
    if ("config" in place) {
      await mkdir(join(directory, ".config/siflet"), { recursive: true });
      const text = `${place.config}: ${join(directory, place.file)}\n`;
      await writeFile(join(directory, ".config/siflet/config.yaml"), text);
    }
    const variables = "variables" in place ? place.variables : {};
    const user = userOf(directory, "stdin" in place ? place.stdin : "", variables);
    const options = "options" in place ? place.options : [];
    const { exitCode, stderr } = await run(pullArguments(...options), directory, user);
    assert.equal(exitCode, 0, stderr.join("\n"));
    assert.ok(registry.requests.some(({ headers }) => headers.authorization === BOB));
  });
}

test("what the options say comes before what the environment and files say", async (t) => {
  const directory = await newDirectory(t);
  const user = userOf(directory, SECRET, {
    APPTAINER_DOCKER_USERNAME: "eve",
    APPTAINER_DOCKER_PASSWORD: "wrong",
  });
  assertFailure(await run(pullArguments(), directory, user), 4, /\$APPTAINER_DOCKER_USERNAME/);
  const options = pullArguments("--username", "bob", "--password-stdin");
  assert.equal((await run(options, directory, user)).exitCode, 0);
});

const wrongs: readonly { readonly args: readonly string[]; readonly message: RegExp }[] = [
  { args: ["login"], message: /missing required argument/ },
  { args: ["login", "myhost"], message: /HOST\[:PORT\]/ },
  { args: ["login", "https://bob:hunter2@quay.io"], message: /^siflet: login: expected HOST/ },
  { args: ["login", "quay.io"], message: /--password-stdin, or a terminal/ },
  { args: ["login", "--password-stdin", "quay.io"], message: /--username with --password-stdin/ },
  { args: ["login", "--username", "bob", "quay.io"], message: /--password-stdin, or a terminal/ },
  { args: ["login", "--username", "", "quay.io"], message: /--username: expected a name/ },
  { args: ["login", "--username", "bob", "--password-stdin", "quay.io"], message: /password with/ },
  { args: ["login", "--authfile", "", "quay.io"], message: /--authfile/ },
  { args: ["login", "--plain-http", "http://a", "quay.io"], message: /--plain-http/ },
  { args: ["logout"], message: /HOST or --all/ },
  { args: ["logout", "--all", "quay.io"], message: /HOST or --all/ },
  { args: ["pull", "--password-stdin", "quay.io/a"], message: /--username with/ },
  { args: ["pull", "--username", "bob", "quay.io/a"], message: /--password-stdin, or a terminal/ },
  { args: ["pull", "--username", "bob", "local.file/a"], message: /image of a registry/ },
  { args: ["pull", "--authfile", "", "quay.io/a"], message: /--authfile/ },
];

for (const { args, message } of wrongs) {
  test(`siflet ${args.join(" ").replace(/hunter2/, "…")} is a usage error`, async (t) => {
    const directory = await newDirectory(t);
    const result = await run(args, directory, userOf(directory));
    assertFailure(result, 2, message);
    assert.doesNotMatch(result.stderr.join(), /hunter2/);
  });
}

test("a file of credentials that is broken or missing ends the pull before it is tried as nobody", async (t) => {
  const directory = await newDirectory(t);
  assertFailure(
    await run(pullArguments("--authfile", "no.json"), directory, userOf(directory)),
    2,
    /--authfile names it/,
  );
  await mkdir(join(directory, ".docker"));
  await writeFile(join(directory, ".docker/config.json"), "{");
  assertFailure(
    await run(pullArguments(), directory, userOf(directory)),
    2,
    /\.docker\/config\.json/,
  );
});

test("a password of more than 64 KiB is refused", async (t) => {
  const directory = await newDirectory(t);
  const args = ["login", "--username", "bob", "--password-stdin", registry.host];
  const user = userOf(directory, "x".repeat(64 * 1024 + 1));
  assertFailure(await run(args, directory, user), 2, /at most 65536 bytes/);
});

/** A terminal that a user types into. */
function terminal(typed: string): PassThrough & Environment["stdin"] {
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => undefined });
  stdin.write(typed);
  return stdin;
}

test("at a terminal the user is asked for, and the password not shown", async (t) => {
  const directory = await newDirectory(t);
  const stderr = new CapturedText();
  const environment = { ...userOf(directory), stdin: terminal(`bob\r${SECRET}\r`), stderr };
  const { exitCode } = await run(["login", registry.host], directory, environment);
  assert.equal(exitCode, 0, stderr.text);
  assert.match(stderr.text, /^Username: .*bob.*\nPassword: \n$/s);
  assert.doesNotMatch(stderr.text, /correct|horse/);
});

test("Ctrl-C at a question interrupts, and so does the end of the input", async (t) => {
  const directory = await newDirectory(t);
  const typed = { ...userOf(directory), stdin: terminal("bob\r\u0003") };
  const interrupted = await run(["login", registry.host], directory, typed);
  assert.equal(interrupted.exitCode, 130);
  const ended = { ...userOf(directory), stdin: terminal("\u0004") };
  const result = await run(["login", registry.host], directory, ended);
  assert.equal(result.exitCode, 2);
});

test("a token service of another domain sees a password only where the configuration says so", async (t) => {
  const directory = await newDirectory(t);
  await login(directory);
  const challenge = 'Bearer realm="http://localhost:1/token",service="x"';
  registry.guardWith({ challenge: () => challenge, allows: () => false });
  assertFailure(await run(pullArguments(), directory, userOf(directory)), 5, /tokenRealms/);
  await mkdir(join(directory, ".config/siflet"), { recursive: true });
  const config = `tokenRealms:\n  ${registry.host}: ["localhost:1"]\n`;
  await writeFile(join(directory, ".config/siflet/config.yaml"), config);
  const asked = await run(pullArguments(), directory, userOf(directory));
  assertFailure(asked, 5, /token service at localhost:1, got none/);
});
