import assert from "node:assert/strict";
import { mkdir, mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { configPlaces, readConfigFile } from "./config-file.ts";

const me = { workingDirectory: "/here", homeDirectory: "/home/me" };

const rows = [
  {
    name: "nothing set",
    variables: {},
    paths: ["/home/me/.config/siflet/config.yaml", "/etc/siflet/config.yaml"],
  },
  {
    name: "XDG_CONFIG_HOME",
    variables: { XDG_CONFIG_HOME: "/conf" },
    paths: ["/conf/siflet/config.yaml", "/etc/siflet/config.yaml"],
  },
  {
    name: "a relative XDG_CONFIG_HOME",
    variables: { XDG_CONFIG_HOME: "conf" },
    paths: ["/home/me/.config/siflet/config.yaml", "/etc/siflet/config.yaml"],
  },
  {
    name: "SIFLET_CONFIG",
    variables: { SIFLET_CONFIG: "/a.yaml", XDG_CONFIG_HOME: "/conf" },
    paths: ["/a.yaml"],
  },
  { name: "a relative SIFLET_CONFIG", variables: { SIFLET_CONFIG: "a" }, paths: ["/here/a"] },
  {
    name: "an empty SIFLET_CONFIG",
    variables: { SIFLET_CONFIG: "" },
    paths: ["/home/me/.config/siflet/config.yaml", "/etc/siflet/config.yaml"],
  },
  {
    name: "--config",
    given: "b.yaml",
    variables: { SIFLET_CONFIG: "/a.yaml" },
    paths: ["/here/b.yaml"],
  },
] as const;

for (const { name, variables, paths, ...row } of rows) {
  test(`with ${name} the configuration is looked for in ${paths.join(", ")}`, () => {
    const given = "given" in row ? row.given : undefined;
    const places = configPlaces(given, { ...me, variables });
    assert.deepEqual(places, { paths: [...paths], isNamed: paths.length === 1 });
  });
}

test("a process without a home has only the system's configuration", () => {
  const surroundings = { variables: {}, workingDirectory: "/", homeDirectory: undefined };
  assert.deepEqual(configPlaces(undefined, surroundings).paths, ["/etc/siflet/config.yaml"]);
});

async function newDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtempDisposable(join(tmpdir(), "siflet-config-"));
  t.after(() => directory.remove());
  return directory.path;
}

test("the first file that is there is read, and no other", async (t) => {
  const directory = await newDirectory(t);
  const [first, second, third] = ["1", "2", "3"].map((name) => join(directory, name));
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  await writeFile(second, "jobs: 2\n");
  await writeFile(third, "jobs: 3\nowners: root\n");
  const places = { paths: [first, second, third], isNamed: false };
  const read = await readConfigFile(places);
  assert.deepEqual(read?.file.settings, { jobs: 2 });
  assert.equal(read.file.path, second);
  // A file where a directory should be hides what would lie below it, and nothing else.
  await writeFile(first, "jobs: 1\n");
  const below = { paths: [join(first, "config.yaml"), second], isNamed: false };
  assert.equal((await readConfigFile(below))?.file.path, second);
});

test("no file is no configuration, unless somebody named it", async (t) => {
  const paths = [join(await newDirectory(t), "config.yaml")];
  assert.equal(await readConfigFile({ paths, isNamed: false }), undefined);
  await assert.rejects(readConfigFile({ paths, isNamed: true }), {
    code: "CONFIG_FILE_UNREADABLE",
    message: /cannot read the configuration file .*config\.yaml: ENOENT/,
  });
});

const unusable = [
  { name: "a directory", code: "CONFIG_FILE_UNREADABLE", message: /EISDIR/ },
  {
    name: "no UTF-8",
    bytes: Buffer.from("store: /\xff", "latin1"),
    code: "CONFIG_FILE_INVALID",
    message: /:1: expected text in UTF-8/,
  },
  {
    name: "256 KiB and one byte",
    bytes: Buffer.alloc(256 * 1024 + 1, "#"),
    code: "CONFIG_FILE_UNREADABLE",
    message: /at most 262144 bytes/,
  },
] as const;

for (const { name, code, message, ...row } of unusable) {
  test(`a configuration file that is ${name} is refused, also where nobody named it`, async (t) => {
    const path = join(await newDirectory(t), "config.yaml");
    await ("bytes" in row ? writeFile(path, row.bytes) : mkdir(path));
    await assert.rejects(readConfigFile({ paths: [path], isNamed: false }), { code, message });
  });
}

test("a configuration file of 256 KiB is read", async (t) => {
  const path = join(await newDirectory(t), "config.yaml");
  await writeFile(path, "jobs: 2\n".padEnd(256 * 1024, "#"));
  const read = await readConfigFile({ paths: [path], isNamed: true });
  assert.deepEqual([read?.file.settings, read?.problems], [{ jobs: 2 }, []]);
});
