import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseConfig } from "./parse-config.ts";

test("a file with every kind of value is read, with the line of each key", () => {
  const text = `# ours
store: /srv/siflet
compression: zstd
owners: "root"
layout: plain
jobs: 4
tmpdir: '/var/tmp'
plainHttp:
  - registry.example:5000
  - "[2001:db8::1]:80"
authFile: /etc/siflet/auth.json
tokenRealms:
  registry.example:5000: [auth.example, "login.example:8443"]
cache:
  maxBytes: 500MB
  dir: /var/cache/siflet
limits:
  entries: 1000
  layerBytes: 10GiB
  zstdWindowLog: 31
`;
  const { file, problems } = parseConfig(text, "c.yaml");
  assert.deepEqual(problems, []);
  assert.deepEqual(file.settings, {
    store: "/srv/siflet",
    compression: "zstd",
    owners: "root",
    layout: "plain",
    jobs: 4,
    tmpdir: "/var/tmp",
    plainHttp: ["registry.example:5000", "[2001:db8::1]:80"],
    authFile: "/etc/siflet/auth.json",
    tokenRealms: { "registry.example:5000": ["auth.example", "login.example:8443"] },
    "cache.maxBytes": { maxBytes: 500_000_000, maxPercent: 100 },
    "cache.dir": "/var/cache/siflet",
  });
  assert.deepEqual(file.limits, { entries: 1000, layerBytes: 10 * 2 ** 30, zstdWindowLog: 31 });
  assert.deepEqual(Object.fromEntries(file.lines), {
    store: 2,
    compression: 3,
    owners: 4,
    layout: 5,
    jobs: 6,
    tmpdir: 7,
    plainHttp: 8,
    authFile: 11,
    tokenRealms: 12,
    "cache.maxBytes": 15,
    "cache.dir": 16,
    "limits.entries": 18,
    "limits.layerBytes": 19,
    "limits.zstdWindowLog": 20,
  });
});

test("keys of Singularity-CRI's file that mean the same are taken, with a note", () => {
  const text = "listenSocket: /run/s.sock\nstorageDir: /srv/images\n";
  const { file, problems, notes } = parseConfig(text, "c.yaml");
  assert.deepEqual(problems, []);
  assert.deepEqual(file.settings, { "daemon.socket": "/run/s.sock", store: "/srv/images" });
  assert.deepEqual(Object.fromEntries(file.lines), { "daemon.socket": 1, store: 2 });
  assert.deepEqual(notes, [
    "c.yaml:1: listenSocket is Singularity-CRI's name of daemon.socket, which says the same",
    "c.yaml:2: storageDir is Singularity-CRI's name of store, which says the same",
  ]);
});

const empty = [
  { name: "an empty file", text: "" },
  { name: "a file of comments", text: "# store: /a\n" },
  { name: "a document that holds nothing", text: "---\n" },
  { name: "a byte order mark", text: "\ufeff" },
  { name: "sections without keys", text: "cache:\n  # dir: /a\nlimits: {}\n" },
  { name: "YAML that names its version", text: "%YAML 1.2\n---\n" },
];

for (const { name, text } of empty) {
  test(`${name} says nothing`, () => {
    const { file, problems } = parseConfig(text, "c.yaml");
    assert.deepEqual(problems, []);
    assert.deepEqual([file.settings, file.limits, file.lines.size], [{}, {}, 0]);
  });
}

const accepted = [
  { text: "cache: {maxBytes: 0}", key: "cache.maxBytes", value: { maxBytes: 0, maxPercent: 100 } },
  {
    text: "cache: {maxBytes: 1024}",
    key: "cache.maxBytes",
    value: { maxBytes: 1024, maxPercent: 100 },
  },
  { text: "plainHttp: []", key: "plainHttp", value: [] },
  { text: "jobs: 0x10", key: "jobs", value: 16 },
  { text: "jobs: 256", key: "jobs", value: 256 },
  { text: "store: /a b/ä", key: "store", value: "/a b/ä" },
] as const;

for (const { text, key, value } of accepted) {
  test(`${text} is ${JSON.stringify(value)}`, () => {
    const { file, problems } = parseConfig(text, "c.yaml");
    assert.deepEqual(problems, []);
    assert.deepEqual(file.settings[key], value);
  });
}

interface Refusal {
  readonly name: string;
  readonly text: string;
  readonly line?: number;
  readonly message: RegExp;
}

const refusals: readonly Refusal[] = [
  // What YAML itself, or our reading of it, does not take.
  { name: "no YAML", text: "jobs: 1\nstore: 'a", line: 2, message: /quote/ },
  { name: "a tab as indentation", text: "cache:\n\tdir: /a", line: 2, message: /[Tt]ab/ },
  {
    name: "an old key beside ours",
    text: "daemon:\n  socket: /a\nlistenSocket: /b",
    line: 3,
    message: /daemon\.socket: expected it once, got it in line 2 too/,
  },
  {
    name: "our key after an old one",
    text: "storageDir: /a\nstore: /b",
    line: 2,
    message: /store: expected it once, got it in line 1 too/,
  },
  { name: "a key twice", text: "jobs: 1\n\njobs: 1", line: 3, message: /unique/ },
  { name: "a nested key twice", text: "limits:\n  ids: 1\n  ids: 1", line: 3, message: /unique/ },
  { name: "a second document", text: "jobs: 1\n---\njobs: 2", line: 2, message: /documents/ },
  { name: "YAML 1.1", text: "%YAML 1.1\n---\njobs: 1", message: /expected YAML 1\.2/ },
  { name: "an alias", text: "jobs: &a 1\nowners: *a", line: 2, message: /alias \*a/ },
  { name: "an alias of nothing", text: "jobs: *a", message: /alias \*a/ },
  { name: "a merge key", text: "<<: {jobs: 1}", message: /unknown key "<<"/ },
  { name: "a tag of YAML", text: "jobs: !!int 1", message: /tag/ },
  { name: "a tag of its own", text: "store: !env HOME", message: /tag/i },
  { name: "a binary", text: "store: !!binary L2E=", message: /tag/ },
  { name: "a tagged key", text: "!!str jobs: 1", message: /tag/ },
  { name: "a key that is a list", text: "? [jobs]\n: 1", message: /key/i },
  { name: "nesting without end", text: `store: ${"[".repeat(50_000)}`, message: /./ },
  // What the schema does not have.
  { name: "an unknown key", text: "jobs: 1\nstor: /a", line: 2, message: /"stor".*store/ },
  { name: "an unknown limit", text: "limits:\n  size: 1", line: 2, message: /"limits\.size".*ids/ },
  { name: "a key of the cache", text: "cache:\n  max: 1", line: 2, message: /"cache\.max".*dir/ },
  { name: "a section at the top", text: "cache.dir: /a", message: /unknown key "cache\.dir"/ },
  { name: "a limit at the top", text: "limits.ids: 1", message: /unknown key "limits\.ids"/ },
  { name: "a key of all objects", text: "constructor: 1", message: /unknown key "constructor"/ },
  { name: "__proto__", text: "__proto__: {jobs: 1}", message: /unknown key "__proto__"/ },
  { name: "a limit __proto__", text: "limits: {__proto__: 1}", message: /"limits\.__proto__"/ },
  { name: "a list", text: "- jobs", message: /expected keys with values, got a list/ },
  { name: "text", text: "jobs", message: /expected keys with values, got "jobs"/ },
  { name: "limits that are a list", text: "limits: [1]", message: /limits: .* got a list/ },
  { name: "a cache that is a number", text: "cache: 1", message: /cache: .* got 1/ },
  // Wrong types and values.
  { name: "no value", text: "store:", message: /store: expected an absolute path, got nothing/ },
  { name: "null", text: "jobs: null", message: /jobs: .* got nothing/ },
  { name: "a relative store", text: "store: images", message: /absolute path, got "images"/ },
  { name: "a store in a home", text: "store: ~/images", message: /absolute path, got "~/ },
  { name: "a number as a store", text: "store: 1", message: /absolute path, got 1/ },
  { name: "a NUL in a path", text: 'store: "/a\\0b"', message: /absolute path/ },
  { name: "a list as a tmpdir", text: "tmpdir: [/a]", message: /tmpdir: .* got a list/ },
  { name: "another codec", text: "compression: xz", message: /one of gzip, zstd, got "xz"/ },
  { name: "a codec in capitals", text: "compression: GZIP", message: /got "GZIP"/ },
  { name: "other owners", text: "owners: me", message: /one of image, root/ },
  { name: "a layout by its id", text: "layout: layout/1", message: /one of runtime, plain, got/ },
  { name: "no jobs", text: "jobs: 0", message: /whole number from 1 to 256, got 0/ },
  { name: "half a job", text: "jobs: 1.5", message: /got 1\.5/ },
  { name: "jobs in quotes", text: 'jobs: "4"', message: /got "4"/ },
  { name: "too many jobs", text: "jobs: 257", message: /got 257/ },
  { name: "a truth as jobs", text: "jobs: true", message: /got true/ },
  { name: "endless jobs", text: "jobs: .inf", message: /got Infinity/ },
  { name: "one host", text: "plainHttp: host", message: /list of hosts, got "host"/ },
  {
    name: "a URL as a host",
    text: "plainHttp:\n  - a\n  - http://b",
    line: 3,
    message: /plainHttp: expected a host as name or name:port, got "http/,
  },
  { name: "a host with a user", text: "plainHttp: [me@host]", message: /got "me@host"/ },
  { name: "a number as a host", text: "plainHttp: [5000]", message: /got 5000/ },
  { name: "a relative authFile", text: "authFile: auth.json", message: /absolute path/ },
  { name: "realms of nobody", text: "tokenRealms: [a]", message: /registries with lists of hosts/ },
  { name: "one realm", text: "tokenRealms: {a.example: b}", message: /list of hosts, got "b"/ },
  {
    name: "a realm by its URL",
    text: "tokenRealms: {a: ['https://b/']}",
    message: /a host as name/,
  },
  {
    name: "realms of a URL",
    text: "tokenRealms: {'https://a': [b]}",
    message: /a registry as name/,
  },
  { name: "a size without a unit", text: "cache:\n  maxBytes: 10G", line: 2, message: /a size/ },
  { name: "a negative size", text: "cache: {maxBytes: -1}", message: /got -1/ },
  { name: "half a byte", text: "cache: {maxBytes: 0.5}", message: /got 0\.5/ },
  { name: "a huge size", text: "cache: {maxBytes: 9007199254740993}", message: /a size/ },
  { name: "a percentage", text: "cache: {maxBytes: 10%}", message: /a size/ },
  { name: "no layers", text: "limits: {layers: 0}", message: /limits\.layers: .* got 0/ },
  { name: "long targets", text: "limits: {linkTargetBytes: 4096}", message: /from 1 to 4095/ },
  { name: "many owners", text: "limits: {ids: 65536}", message: /to 65535, got 65536/ },
  { name: "a huge window", text: "limits: {zstdWindowLog: 32}", message: /from 10 to 31/ },
  { name: "names past 32 bits", text: "limits: {nameBytes: 4GiB}", message: /nameBytes/ },
  { name: "a size as a count", text: "limits: {entries: 1MB}", message: /whole number/ },
  { name: "a long value, cut", text: `owners: ${"x".repeat(500)}`, message: /got "x{80}…"$/ },
];

for (const { name, text, line = 1, message } of refusals) {
  test(`a configuration with ${name} is refused, with its line`, () => {
    const { problems } = parseConfig(text, "/etc/c.yaml");
    assert.equal(problems.length, 1, problems.join("\n"));
    const [problem] = problems;
    assert.equal(problem?.code, "CONFIG_FILE_INVALID");
    assert.match(problem.message, message);
    assert.ok(problem.message.startsWith(`/etc/c.yaml:${line}: `), problem.message);
  });
}

test("all that is wrong is told, and the rest is read", () => {
  const { file, problems } = parseConfig("jobs: 0\nowner: me\nstore: /a\ncache: {dir: b}\n", "c");
  assert.deepEqual(
    problems.map(({ message }) => message.slice(0, "c:1: jobs".length)),
    ["c:1: jobs", "c:2: unkn", "c:4: cach"],
  );
  assert.deepEqual(file.settings, { store: "/a" });
});

test("any text is read or refused, and never sets what no key names", () => {
  const words = fc.constantFrom(
    "store",
    "jobs",
    "cache",
    "limits",
    "ids",
    ":",
    " ",
    "\n",
    "- ",
    "/",
  );
  const odd = fc.constantFrom("*", "&a", "!", "[", "{", "|", "%", "#", "'", '"', "\t", "1", "~");
  const text = fc.array(fc.oneof(words, odd, fc.string({ maxLength: 3 })), { maxLength: 30 });
  fc.assert(
    fc.property(text, (parts) => {
      const { file, problems } = parseConfig(parts.join(""), "c");
      const known = [...file.lines.keys()].length;
      const set = Object.keys(file.settings).length + Object.keys(file.limits).length;
      assert.equal(set, known);
      assert.ok(problems.every(({ message }) => /^c:\d+: ./.test(message)));
    }),
    { numRuns: 500 },
  );
});
