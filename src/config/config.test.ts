import assert from "node:assert/strict";
import { test } from "node:test";
import { DEFAULT_LIMITS } from "../base/index.ts";
import { cacheBytes } from "./cache-size.ts";
import {
  cacheDirectory,
  formatOrigin,
  originOf,
  resolveConfig,
  shownSettings,
  type FlagSettings,
} from "./config.ts";
import type { Surroundings } from "./defaults.ts";
import { parseConfig } from "./parse-config.ts";
import { LIMITS, SETTING_KEYS, TOP_KEYS } from "./schema.ts";

const GiB = 2 ** 30;

const user: Surroundings = {
  variables: {},
  workingDirectory: "/here",
  homeDirectory: "/home/me",
  isRoot: false,
  parallelism: 2,
};
const root: Surroundings = { ...user, homeDirectory: "/root", isRoot: true, parallelism: 64 };

const stores = [
  { name: "a user", who: user, variables: {}, store: "/home/me/.local/share/siflet" },
  { name: "root", who: root, variables: {}, store: "/var/lib/siflet" },
  {
    name: "root with XDG_DATA_HOME",
    who: root,
    variables: { XDG_DATA_HOME: "/data" },
    store: "/var/lib/siflet",
  },
  {
    name: "XDG_DATA_HOME",
    who: user,
    variables: { XDG_DATA_HOME: "/data" },
    store: "/data/siflet",
  },
  {
    name: "a relative XDG_DATA_HOME",
    who: user,
    variables: { XDG_DATA_HOME: "data" },
    store: "/home/me/.local/share/siflet",
  },
  {
    name: "SIFLET_STORE",
    who: root,
    variables: { SIFLET_STORE: "/images", XDG_DATA_HOME: "/data" },
    store: "/images",
  },
  {
    name: "a relative SIFLET_STORE",
    who: user,
    variables: { SIFLET_STORE: "images" },
    store: "/here/images",
  },
  {
    name: "an empty SIFLET_STORE",
    who: root,
    variables: { SIFLET_STORE: "" },
    store: "/var/lib/siflet",
  },
] as const;

for (const { name, who, variables, store } of stores) {
  test(`the store of ${name} is ${store}`, () => {
    assert.equal(resolveConfig({}, undefined, { ...who, variables }).values.store, store);
  });
}

test("where nothing is said the defaults hold", () => {
  const { file, values, origins } = resolveConfig({}, undefined, user);
  assert.equal(file, undefined);
  assert.equal(origins.size, 0);
  assert.deepEqual(values, {
    store: "/home/me/.local/share/siflet",
    compression: "gzip",
    owners: "image",
    layout: "runtime",
    jobs: 2,
    tmpdir: undefined,
    plainHttp: [],
    authFile: undefined,
    tokenRealms: {},
    mirrorLogins: {},
    keyServers: [],
    libraries: {},
    pins: [],
    stores: [],
    "registries.directories": [
      "/etc/containerd/certs.d",
      "/home/me/.config/containers/certs.d",
      "/home/me/.config/docker/certs.d",
      "/etc/containers/certs.d",
      "/etc/docker/certs.d",
    ],
    "registries.obeyBlocked": true,
    "registries.serverNamedAddresses": [],
    "transfers.perBlob": 4,
    "transfers.perRegistry": 8,
    "transfers.total": 16,
    "transfers.idleSeconds": 60,
    "transfers.minRate": 100,
    "local.directories": undefined,
    "local.aliases": {},
    "trust.mode": "if-signed",
    "trust.signers": [],
    "trust.atLeast": 1,
    "trust.names": {},
    "trust.legacyInsecure": false,
    "trust.lookUpKeys": false,
    "trust.ecl": [],
    "trust.policyJson": undefined,
    "daemon.socket": undefined,
    "daemon.group": undefined,
    "daemon.drainSeconds": 30,
    "daemon.metrics": undefined,
    "daemon.gcHighPercent": undefined,
    "daemon.gcLowPercent": 80,
    "daemon.gcMinAgeSeconds": 120,
    "daemon.gcMaxAgeHours": undefined,
    "daemon.checkEveryHours": undefined,
    "daemon.logFormat": "human",
    "daemon.logLevel": "info",
    "daemon.runtimeHandlers": {},
    "daemon.platformAnnotation": undefined,
    "cache.maxBytes": { maxBytes: GiB, maxPercent: 100 },
    "cache.dir": undefined,
    limits: DEFAULT_LIMITS,
  });
  const ofRoot = resolveConfig({}, undefined, root).values;
  assert.equal(ofRoot.jobs, 8);
  assert.deepEqual(ofRoot["cache.maxBytes"], { maxBytes: 10 * GiB, maxPercent: 10 });
});

const FILE =
  "store: /file\njobs: 3\nplainHttp: [file]\ncache: {dir: /file-cache}\nlimits: {ids: 7}";

interface PrecedenceRow {
  readonly name: string;
  readonly flags?: FlagSettings;
  readonly variables?: Surroundings["variables"];
  readonly text?: string;
  readonly store: string;
  readonly from: string;
}

const precedence: readonly PrecedenceRow[] = [
  {
    name: "a flag beats all",
    flags: { store: "/flag" },
    variables: { SIFLET_STORE: "/env" },
    text: FILE,
    store: "/flag",
    from: "--store",
  },
  {
    name: "the environment beats the file",
    variables: { SIFLET_STORE: "/env" },
    text: FILE,
    store: "/env",
    from: "$SIFLET_STORE",
  },
  {
    name: "an empty variable beats nothing",
    variables: { SIFLET_STORE: "" },
    text: FILE,
    store: "/file",
    from: "/c.yaml:1",
  },
  { name: "the file beats the default", text: FILE, store: "/file", from: "/c.yaml:1" },
  {
    name: "a file without the key leaves the default",
    text: "jobs: 3",
    store: "/home/me/.local/share/siflet",
    from: "default",
  },
];

for (const { name, flags = {}, variables = {}, text, store, from } of precedence) {
  test(`of several stores ${name}`, () => {
    const file = text === undefined ? undefined : parseConfig(text, "/c.yaml").file;
    const config = resolveConfig(flags, file, { ...user, variables });
    assert.equal(config.values.store, store);
    assert.equal(formatOrigin(originOf(config, "store")), from);
  });
}

test("every value has its own origin, and a list is replaced as a whole", () => {
  const { file } = parseConfig(FILE, "/c.yaml");
  const surroundings = { ...user, variables: { SIFLET_CACHEDIR: "cache" } };
  const config = resolveConfig({ plainHttp: ["flag"], jobs: 1 }, file, surroundings);
  assert.deepEqual(config.values.plainHttp, ["flag"]);
  assert.equal(config.values["cache.dir"], "/here/cache");
  assert.deepEqual(config.values.limits, { ...DEFAULT_LIMITS, ids: 7 });
  const from = ["store", "plainHttp", "jobs", "cache.dir", "limits.ids", "limits.layers"] as const;
  assert.deepEqual(
    from.map((key) => formatOrigin(originOf(config, key))),
    ["/c.yaml:1", "--plain-http", "--jobs", "$SIFLET_CACHEDIR", "/c.yaml:5", "default"],
  );
});

test("no home is needed where the store is named, or there is another place for it", () => {
  const homeless = { ...user, homeDirectory: undefined };
  assert.equal(resolveConfig({ store: "/a" }, undefined, homeless).values.store, "/a");
  const withData = { ...homeless, variables: { XDG_DATA_HOME: "/data" } };
  assert.equal(resolveConfig({}, undefined, withData).values.store, "/data/siflet");
  const asRoot = { ...homeless, isRoot: true };
  assert.equal(resolveConfig({}, undefined, asRoot).values.store, "/var/lib/siflet");
  assert.throws(() => resolveConfig({}, undefined, homeless), {
    code: "CONFIG_NO_HOME",
    message: /--store/,
  });
});

test("the cache lies in the store unless it is named", () => {
  assert.equal(cacheDirectory(resolveConfig({ store: "/a" }, undefined, user)), "/a/packs");
  const named = { ...user, variables: { SIFLET_CACHEDIR: "/b" } };
  assert.equal(cacheDirectory(resolveConfig({ store: "/a" }, undefined, named)), "/b");
});

test("the cache keeps both its bounds", () => {
  const ofRoot = { maxBytes: 10 * GiB, maxPercent: 10 };
  assert.equal(cacheBytes(ofRoot, 50 * GiB), 5 * GiB);
  assert.equal(cacheBytes(ofRoot, 500 * GiB), 10 * GiB);
  assert.equal(cacheBytes({ maxBytes: GiB, maxPercent: 100 }, 500 * GiB), GiB);
  assert.equal(cacheBytes({ maxBytes: 0, maxPercent: 100 }, 500 * GiB), 0);
});

test("all settings are shown, as the file would say them", () => {
  const text = "plainHttp: [a, 'b:80']\ncache: {maxBytes: 500MB}\ntmpdir: /t";
  const shown = shownSettings(resolveConfig({}, parseConfig(text, "/c.yaml").file, root));
  const keys = shown.map(({ key }) => key);
  assert.deepEqual(keys, [...SETTING_KEYS, ...LIMITS.map((limit) => `limits.${limit}`)]);
  assert.deepEqual(new Set(keys.map((key) => key.split(".")[0])), new Set(TOP_KEYS));
  const rows = new Map(shown.map(({ key, text: value, json }) => [key, [value, json]] as const));
  assert.deepEqual(rows.get("plainHttp"), ["[a, b:80]", ["a", "b:80"]]);
  assert.deepEqual(rows.get("tmpdir"), ["/t", "/t"]);
  assert.deepEqual(rows.get("cache.maxBytes"), ["500MB", 500_000_000]);
  assert.deepEqual(rows.get("cache.dir"), ["(inside the store)", null]);
  assert.deepEqual(rows.get("limits.layerBytes"), ["1TiB", 2 ** 40]);
  const defaults = shownSettings(resolveConfig({}, undefined, root));
  assert.deepEqual(
    defaults.find(({ key }) => key === "cache.maxBytes"),
    {
      key: "cache.maxBytes",
      text: "10% of the file system, at most 10GiB",
      json: 10 * GiB,
      origin: { kind: "default" },
    },
  );
});
