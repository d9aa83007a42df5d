import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { assertFailure, runHere, type CliResult } from "../../src/cli/cli-fixture.ts";
import { Info } from "../../src/index.ts";
import { startLibrary, type FakeLibrary } from "../fixtures/library/index.ts";
import { TEST_CERTIFICATE } from "../fixtures/registry/index.ts";
import { makeSif } from "../fixtures/make-sif.ts";
import { newDirectory } from "../fixtures/store/index.ts";

const sif = makeSif();

interface Setup {
  readonly directory: string;
  readonly library: FakeLibrary;
  readonly run: (
    args: readonly string[],
    variables?: Readonly<Record<string, string>>,
  ) => Promise<CliResult>;
  /** Writes the configuration file. */
  readonly configure: (text: string) => Promise<void>;
  /** What the library was shown. */
  readonly shown: () => readonly (string | undefined)[];
}

async function setUp(t: TestContext): Promise<Setup> {
  const directory = await newDirectory(t);
  const library = await startLibrary({ dialect: "hinkskalle" });
  t.after(() => library.close());
  library.put("e/c/n", sif, { tags: ["1"] });
  library.tokens.add("good");
  const config = join(directory, "config.yaml");
  await writeFile(config, "");
  return {
    directory,
    library,
    run: async (args, more = {}) => {
      const variables = { SIFLET_STORE: "store", SIFLET_CONFIG: config, ...more };
      return await runHere(args, { directory, environment: { variables } });
    },
    configure: async (text) => {
      await writeFile(config, text);
    },
    shown: () => [...new Set(library.requests.map(({ headers }) => headers.authorization))],
  };
}

function tagOf(result: CliResult): string {
  assert.equal(result.exitCode, 0, result.stderr.join("\n"));
  return Info.fromJSON(JSON.parse(result.stdout)).ref.toString();
}

test("a configured library is asked at its endpoint, with its token", async (t) => {
  const { library, run, configure, shown } = await setUp(t);
  library.put("e/c/private", sif, { isPrivate: true });
  await configure(`libraries:\n  lib.example: {endpoint: "${library.url}/", token: good}\n`);
  const pulled = await run(["pull", "--json", "library://lib.example/e/c/private"]);
  assert.equal(tagOf(pulled), "library://lib.example/e/c/private:latest");
  assert.deepEqual(shown(), ["Bearer good"]);
});

test("a library is proved by the certificates of ca, and by nothing less", async (t) => {
  const { directory, run, configure } = await setUp(t);
  const secure = await startLibrary({ dialect: "hinkskalle", tls: true });
  t.after(() => secure.close());
  secure.put("e/c/n", sif);
  const ca = join(directory, "ca.pem");
  await writeFile(ca, TEST_CERTIFICATE);
  const args = ["pull", "--json", "library://lib.example/e/c/n"];
  await configure(`libraries: {lib.example: {endpoint: "${secure.url}", token: secret}}`);
  const refused = await run(args);
  assertFailure(refused, 5, /self-signed certificate/);
  assert.equal(secure.requests.length, 0);
  await configure(`libraries: {lib.example: {endpoint: "${secure.url}", ca: "${ca}"}}`);
  assert.equal(tagOf(await run(args)), "library://lib.example/e/c/n:latest");
});

test("the default library is asked where the configuration has cloud.sylabs.io", async (t) => {
  const { library, run, configure, shown } = await setUp(t);
  await configure(`libraries:\n  cloud.sylabs.io: {endpoint: "${library.url}", tokenEnv: TOKEN}\n`);
  const args = ["pull", "--json", "library://e/c/n:1"];
  assert.equal(tagOf(await run(args, { TOKEN: "good" })), "cloud.sylabs.io/e/c/n:1");
  assert.deepEqual(shown(), [undefined]);
});

test("--library says where a name without a host is asked, and the image has that host", async (t) => {
  const { library, run } = await setUp(t);
  const pulled = await run(["pull", "--json", "--library", library.url, "library://e/c/n:1"]);
  assert.equal(tagOf(pulled), `library://${library.host}/e/c/n:1`);
  const path = await run(["path", `library://${library.host}/e/c/n:1`]);
  assert.match(path.stdout, new RegExp(`${sif.sha256}\\.sif\n$`));
});

test("no token is sent with --library: neither the default library's nor one of remote.yaml", async (t) => {
  const { library, run, configure, directory, shown } = await setUp(t);
  await configure(`libraries:
  cloud.sylabs.io: {token: secret}
  ${library.host}: {endpoint: "${library.url}/api/", token: good}
`);
  await mkdir(join(directory, ".singularity"));
  const remotes = ["cloud.sylabs.io", library.host].map(
    (host, at) => `  r${at}: {URI: "${host}", Token: secret}\n`,
  );
  const file = join(directory, ".singularity/remote.yaml");
  await writeFile(file, `Remotes:\n${remotes.join("")}`, { mode: 0o600 });
  const pulled = await run(["pull", "--json", "--library", library.url, "library://e/c/n:1"]);
  assert.equal(tagOf(pulled), `library://${library.host}/e/c/n:1`);
  assert.deepEqual(shown(), [undefined]);
});

test("--library with the URL that a library is configured with is that library, token and all", async (t) => {
  const { library, run, configure, shown } = await setUp(t);
  const args = [
    "pull",
    "--json",
    "--no-store",
    "-F",
    "--library",
    library.url,
    "library://e/c/n:1",
  ];
  await configure(`libraries: {"${library.host}": {endpoint: "${library.url}/", token: good}}`);
  assert.equal(tagOf(await run(args)), `library://${library.host}/e/c/n:1`);
  assert.deepEqual(shown(), ["Bearer good"]);
  await configure(`libraries: {cloud.sylabs.io: {endpoint: "${library.url}/", token: good}}`);
  assert.equal(tagOf(await run(args)), "cloud.sylabs.io/e/c/n:1");
});

test("APPTAINER_LIBRARY and SINGULARITY_LIBRARY say the same, unless the reference has a host", async (t) => {
  const { library, run } = await setUp(t);
  const name = `library://${library.host}/e/c/n:1`;
  const args = ["pull", "--json", "library://e/c/n:1"];
  assert.equal(tagOf(await run(args, { SINGULARITY_LIBRARY: library.url })), name);
  const both = { APPTAINER_LIBRARY: library.url, SINGULARITY_LIBRARY: "https://none.test" };
  assert.equal(tagOf(await run(args, both)), name);
  const elsewhere = { SINGULARITY_LIBRARY: "https://none.test" };
  assert.equal(tagOf(await run(["pull", "--json", name], elsewhere)), name);
  assert.equal(tagOf(await run([...args, "--library", library.url], elsewhere)), name);
});

const refusals = [
  { name: "a host in the reference, too", args: ["https://a.test", "library://a.test/e/c/n"] },
  { name: "an image of a registry", args: ["https://a.test", "alpine"] },
  { name: "no URL", args: ["a.test", "library://e/c/n"] },
  { name: "a URL with a user", args: ["https://me@a.test", "library://e/c/n"] },
];

for (const { name, args } of refusals) {
  test(`--library with ${name} is USAGE`, async (t) => {
    const { run, library } = await setUp(t);
    assertFailure(await run(["pull", "--library", ...args]), 2, /--library/);
    assert.equal(library.requests.length, 0);
  });
}

test("an unverified library is believed with a warning, and only where it is configured so", async (t) => {
  const { library, run, configure } = await setUp(t);
  library.put("e/c/none", sif, { metadata: { hash: undefined } });
  const ref = `library://${library.host}/e/c/none`;
  assertFailure(await run(["pull", ref]), 4, /has .* as unverified$/);
  await configure(`libraries: {"${library.host}": {unverified: true}}`);
  const pulled = await run(["pull", "--json", ref]);
  assert.equal(tagOf(pulled), `${ref}:latest`);
  assert.match(pulled.stderr.join("\n"), /unverified/);
  const shown = await run(["inspect", ref]);
  assert.match(shown.stdout, /unverified +yes, the library told no sha256/);
  const [listed] = JSON.parse((await run(["images", "--json"])).stdout) as { source: object }[];
  const inspected = JSON.parse((await run(["inspect", "--json", ref])).stdout) as typeof listed;
  for (const json of [listed, inspected]) {
    assert.deepEqual(json?.source, {
      reference: ref,
      host: library.host,
      unverified: true,
      layers: [],
    });
  }
});

test("siflet config print shows libraries without their tokens", async (t) => {
  const { run, configure } = await setUp(t);
  await configure("libraries: {lib.example: {endpoint: 'https://l.example/', token: secret}}");
  for (const args of [
    ["config", "print"],
    ["config", "print", "--json"],
  ]) {
    const { stdout } = await run(args);
    assert.match(stdout, /lib\.example/);
    assert.match(stdout, /\[redacted\]/);
    assert.ok(!stdout.includes("secret"));
  }
});

test("every command asks the library of the name, and never another one (CVE-2021-32635)", async (t) => {
  const { directory, library, run, configure } = await setUp(t);
  const usual = await startLibrary({ dialect: "hinkskalle" });
  t.after(() => usual.close());
  usual.put("e/c/n", makeSif({ seed: "another library" }), { tags: ["1"] });
  await configure(`libraries:
  cloud.sylabs.io: {endpoint: "${usual.url}/", token: secret}
  lib.example: {endpoint: "${library.url}/", token: good}
`);
  const name = "library://lib.example/e/c/n:1";
  await writeFile(join(directory, "own.sif"), sif.bytes);
  for (const words of [
    ["pull", "--json", name],
    ["pull", "--no-store", "--output", "out.sif", name],
    ["verify", name],
    ["inspect", name],
    ["push", "own.sif", "library://lib.example/e/c/n:2"],
    ["rm", name],
  ]) {
    const result = await run(words);
    assert.equal(result.exitCode, 0, `${words.join(" ")}: ${result.stderr.join("\n")}`);
  }
  assert.equal(usual.requests.length, 0);
  assert.ok(library.requests.length > 0);
});
