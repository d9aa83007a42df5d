import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { parseImageName } from "../image/index.ts";
import { isAliasesAlone } from "./is-aliases-alone.ts";
import { parseRegistriesConf } from "./parse-registries-conf.ts";
import { refuseBlocked, registriesConfPlaces } from "./registries-conf.ts";

async function rootWith(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "siflet-conf-"));
  t.after(() => rm(root, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), text);
  }
  return root;
}

/** Two places as `registriesConfPlaces` has them, below `root`. */
function placesIn(root: string): ReturnType<typeof registriesConfPlaces> {
  const own = join(root, "own.conf");
  const system = join(root, "system.conf");
  return [
    { file: own, directories: [`${own}.d`] },
    { file: system, directories: [`${system}.d`, `${own}.d`] },
  ];
}

/** A rule that blocks, or that expressly does not. */
function block(prefix: string, blocked = true): string {
  return `[[registry]]\nprefix = "${prefix}"\nlocation = "x.test"\nblocked = ${blocked}\n`;
}

async function isBlocked(root: string, name: string): Promise<boolean> {
  try {
    await refuseBlocked(parseImageName(name), placesIn(root));
    return false;
  } catch (error) {
    assert.equal((error as { code?: unknown }).code, "REGISTRY_BLOCKED");
    return true;
  }
}

const DIGEST = `sha256:${"0".repeat(64)}`;

const matches = [
  { prefix: "reg.test", name: "reg.test/a", blocked: true },
  { prefix: "reg.test", name: "REG.test/a", blocked: true },
  { prefix: "REG.test", name: "reg.test/a", blocked: true },
  { prefix: "reg.test/", name: "reg.test/a", blocked: true },
  { prefix: "reg.test", name: "reg.test:5000/a", blocked: true },
  { prefix: "reg.test:5000", name: "reg.test/a", blocked: false },
  { prefix: "reg.test", name: "reg.test.evil/a", blocked: false },
  { prefix: "reg.test", name: "a.reg.test/a", blocked: false },
  { prefix: "reg.test/team", name: "reg.test/team/a:1", blocked: true },
  { prefix: "reg.test/team", name: "reg.test/team:1", blocked: true },
  { prefix: "reg.test/team", name: "reg.test/teams/a", blocked: false },
  { prefix: "reg.test/a:1", name: "reg.test/a:1", blocked: true },
  { prefix: "reg.test/a:1", name: "reg.test/a:1.2", blocked: false },
  { prefix: "reg.test/a:latest", name: "reg.test/a", blocked: true },
  { prefix: `reg.test/a@${DIGEST}`, name: `reg.test/a:9@${DIGEST}`, blocked: true },
  { prefix: "docker.io/library", name: "alpine", blocked: true },
  { prefix: "docker.io/library", name: "team/alpine", blocked: false },
  { prefix: "docker.io", name: "index.docker.io/a/b", blocked: true },
  { prefix: "*.a.test", name: "x.a.test/r", blocked: true },
  { prefix: "*.a.test", name: "x.y.a.test:5000/r", blocked: true },
  { prefix: "*.a.test", name: "a.test/r", blocked: false },
  { prefix: "*.a.test", name: "xa.test/r", blocked: false },
  { prefix: "*.a.test", name: "x.a.testing/r", blocked: false },
  { prefix: "*.a.test", name: "x.a.testing.a.test/r", blocked: true },
  { prefix: "*.a.test", name: "b.test/x.a.test", blocked: false },
  { prefix: "*.a.test/team", name: "x.a.test/team/r", blocked: true },
  { prefix: "*.a.test/team", name: "x.a.test/other", blocked: false },
];

for (const { prefix, name, blocked } of matches) {
  test(`blocking ${prefix.slice(0, 30)} ${blocked ? "blocks" : "does not block"} ${name.slice(0, 30)}`, async (t) => {
    const root = await rootWith(t, { "system.conf": block(prefix) });
    assert.equal(await isBlocked(root, name), blocked);
  });
}

test("the longest prefix counts", async (t) => {
  const text = block("reg.test") + block("reg.test/team", false) + block("reg.test/team/bad");
  const root = await rootWith(t, { "system.conf": text });
  assert.equal(await isBlocked(root, "reg.test/a"), true);
  assert.equal(await isBlocked(root, "reg.test/team/a"), false);
  assert.equal(await isBlocked(root, "reg.test/team/bad"), true);
});

test("a location without a prefix is the prefix", async (t) => {
  const text =
    '[[registry]]\nlocation = "reg.test"\nblocked = true\n[[registry]]\nprefix = ""\nlocation = "b.test"\nblocked = true';
  const root = await rootWith(t, { "system.conf": text });
  assert.equal(await isBlocked(root, "reg.test/a"), true);
  assert.equal(await isBlocked(root, "b.test/a"), true);
});

test("files beside it are laid over it by name, the user's last", async (t) => {
  const root = await rootWith(t, {
    "system.conf": block("a.test") + block("b.test") + block("c.test"),
    "system.conf.d/10.conf": block("b.test", false) + block("d.test", false),
    "system.conf.d/20.conf": block("d.test"),
    "system.conf.d/30.toml": block("a.test", false),
    "own.conf.d/00.conf": block("c.test", false),
  });
  const names = ["a.test/x", "b.test/x", "c.test/x", "d.test/x"];
  const got = await Promise.all(names.map((name) => isBlocked(root, name)));
  assert.deepEqual(got, [true, false, false, true]);
});

test("a file of the user's own stands for the system's and its directory", async (t) => {
  const root = await rootWith(t, {
    "own.conf": "",
    "own.conf.d/a.conf": block("c.test"),
    "system.conf": block("a.test"),
    "system.conf.d/a.conf": block("b.test"),
  });
  const names = ["a.test/x", "b.test/x", "c.test/x"];
  const got = await Promise.all(names.map((name) => isBlocked(root, name)));
  assert.deepEqual(got, [false, false, true]);
});

test("nothing is blocked where there is no file", async (t) => {
  assert.equal(await isBlocked(await rootWith(t, {}), "a.test/x"), false);
});

test("who is refused is told the file, the line and the name", async (t) => {
  const root = await rootWith(t, { "system.conf": `\n${block("reg.test/team")}` });
  await assert.rejects(refuseBlocked(parseImageName("reg.test/team/a:1"), placesIn(root)), {
    name: "HostsError",
    code: "REGISTRY_BLOCKED",
    message: `${join(root, "system.conf")}:5: reg.test/team/a:1 is not asked for, for reg.test/team is blocked`,
  });
});

test("a registry as such is blocked by a rule for all of it", async (t) => {
  const root = await rootWith(t, { "system.conf": block("reg.test") + block("b.test/team") });
  await assert.rejects(refuseBlocked({ domain: "reg.test" }, placesIn(root)), {
    code: "REGISTRY_BLOCKED",
  });
  await refuseBlocked({ domain: "b.test" }, placesIn(root));
});

test("version 1 blocks, too", async (t) => {
  const text =
    '[registries.search]\nregistries = ["x"]\n[registries.block]\nregistries = ["reg.test"]';
  const root = await rootWith(t, { "system.conf": text });
  assert.equal(await isBlocked(root, "reg.test/a"), true);
  assert.equal(await isBlocked(root, "x/a"), false);
});

const refusals = [
  { name: "no TOML", text: "\n[[registry]", line: 2 },
  { name: "a registry without a name", text: "\n[[registry]]\nblocked = true", line: 2 },
  { name: "blocked as text", text: '[[registry]]\nprefix = "a"\nblocked = "true"', line: 3 },
  { name: "a prefix with a scheme", text: '[[registry]]\nprefix = "https://a"', line: 2 },
  { name: "a prefix of slashes", text: '[[registry]]\nprefix = "//"', line: 2 },
  { name: "a registry that is no list", text: "registry = 1", line: 1 },
  { name: "a list of texts", text: 'registry = ["a"]', line: 1 },
  {
    name: "a block list of version 1 that is none",
    text: '[registries.block]\nregistries = "a"',
    line: 2,
  },
];

for (const { name, text, line } of refusals) {
  test(`a registries.conf with ${name} refuses every pull`, async (t) => {
    const root = await rootWith(t, { "system.conf": text });
    const message = new RegExp(`system\\.conf:${line}: `);
    await assert.rejects(refuseBlocked(parseImageName("other.test/a"), placesIn(root)), {
      code: "REGISTRY_CONFIG",
      message,
    });
  });
}

test("a file of short names is told from one with rules without a parser", () => {
  const names =
    '# ours\n[aliases]\r\n  #\t here\n  "a/b-c" = "quay.io/a_b/c:1" # why\n\n"d" = ""\n';
  const alone = ["", "\n", "# nothing\n", "[aliases]", names];
  for (const text of alone) {
    assert.equal(isAliasesAlone(text), true, text);
    assert.deepEqual(parseRegistriesConf(text, "x").rules, []);
  }
  const others = [
    `${names}[[registry]]\nprefix = "a"\nblocked = true`,
    `${names}registry = [{ prefix = "a", blocked = true }]`,
    `${names}[registries.block]\nregistries = ["a"]`,
    `registry = [{ prefix = "a", blocked = true }]\n${names}`,
    `"registry" = "a"\n${names}`,
    `${names}"d" = "twice"`,
    `${names}[aliases]`,
    `${names}"e" = """\n"f" = "g"\n"""`,
    `${names}"e" = "\\""`,
    `${names}# \u0000`,
    `${names}e`,
    "[[registry]",
  ];
  for (const text of others) assert.equal(isAliasesAlone(text), false, text);
});

test("what siflet does not follow is told with its line", () => {
  const text = [
    'unqualified-search-registries = ["docker.io"]',
    'short-name-mode = "enforcing"',
    'credential-helpers = ["x"]',
    "[[registry]]",
    'prefix = "a.test"',
    'location = "b.test"',
    "insecure = true",
    "[[registry.mirror]]",
    'location = "c.test"',
    "[aliases]",
    'x = "y/z"',
    "[other]",
  ].join("\n");
  const { unread, isVersion1 } = parseRegistriesConf(text, "f");
  assert.deepEqual(
    unread.map(({ what, line }) => `${line} ${what}`),
    [
      "1 registries for short names",
      "3 credential helpers",
      "10 aliases",
      "7 registries without TLS",
      "8 mirrors",
      "6 other locations of images",
    ],
  );
  assert.equal(isVersion1, false);
  assert.equal(
    parseRegistriesConf('[registries.search]\nregistries = ["x"]', "f").isVersion1,
    true,
  );
});

const SYSTEM = "/etc/containers/registries.conf";
const OWN = "/home/u/.config/containers/registries.conf";

const places = [
  {
    name: "the user's and the system's",
    home: "/home/u",
    variables: {},
    found: [
      { file: OWN, directories: [`${OWN}.d`] },
      { file: SYSTEM, directories: [`${SYSTEM}.d`, `${OWN}.d`] },
    ],
  },
  {
    name: "the system's without a home",
    home: undefined,
    variables: {},
    found: [{ file: SYSTEM, directories: [`${SYSTEM}.d`] }],
  },
  {
    name: "one that the environment names",
    home: "/home/u",
    variables: { CONTAINERS_REGISTRIES_CONF: "a.conf", REGISTRIES_CONFIG_PATH: "b.conf" },
    found: [
      {
        file: "a.conf",
        directories: [`${SYSTEM}.d`, `${OWN}.d`],
        namedBy: "CONTAINERS_REGISTRIES_CONF",
      },
    ],
  },
  {
    name: "one that the environment names as it once did",
    home: undefined,
    variables: { REGISTRIES_CONFIG_PATH: "b.conf" },
    found: [{ file: "b.conf", directories: [`${SYSTEM}.d`], namedBy: "REGISTRIES_CONFIG_PATH" }],
  },
  {
    name: "the system's where the environment names nothing",
    home: undefined,
    variables: { CONTAINERS_REGISTRIES_CONF: "", REGISTRIES_CONFIG_PATH: "b.conf" },
    found: [{ file: SYSTEM, directories: [`${SYSTEM}.d`] }],
  },
];

for (const { name, home, variables, found } of places) {
  test(`the place of registries.conf is ${name}`, () => {
    assert.deepEqual(registriesConfPlaces(home, variables), found);
  });
}

test("a named file has to be there, and has the system's files laid over it", async (t) => {
  const root = await rootWith(t, {
    "named.conf": block("a.test") + block("b.test"),
    "system.conf.d/a.conf": block("b.test", false),
  });
  const placesOf = (file: string): ReturnType<typeof registriesConfPlaces> => [
    { file: join(root, file), directories: [join(root, "system.conf.d")], namedBy: "NAME" },
  ];
  const isRefused = refuseBlocked(parseImageName("a.test/x"), placesOf("named.conf"));
  await assert.rejects(isRefused, { code: "REGISTRY_BLOCKED" });
  await refuseBlocked(parseImageName("b.test/x"), placesOf("named.conf"));
  await assert.rejects(refuseBlocked(parseImageName("b.test/x"), placesOf("none.conf")), {
    code: "REGISTRY_CONFIG",
    message: `NAME: cannot use ${join(root, "none.conf")}: no such file`,
  });
});
