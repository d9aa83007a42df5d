import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError, resolveConfig, type Config } from "../config/index.ts";
import { checkConfiguration, type ConfigurationRead } from "./check-configuration.ts";
import { checkDirectories } from "./check-directories.ts";
import { checkNode } from "./check-node.ts";
import { checkRegistries } from "./check-registries.ts";
import { diagnose, type Patient } from "./diagnose.ts";
import { worstOf, type Finding } from "./finding.ts";
import { fakeHost, GOOD_MACHINE, type Machine } from "./host-fixture.ts";

const PATHS = ["/home/me/.config/siflet/config.yaml", "/etc/siflet/config.yaml"] as const;

const never = new AbortController().signal;

function configOf(settings: Partial<Config["values"]> = {}): Config {
  const config = resolveConfig({ store: "/store" }, undefined, {
    variables: {},
    workingDirectory: "/",
    homeDirectory: "/home/me",
    isRoot: false,
    parallelism: 2,
  });
  return { ...config, values: { ...config.values, ...settings } };
}

function patient(settings: Partial<Patient> = {}): Patient {
  return {
    config: configOf(),
    configuration: { places: { paths: PATHS, isNamed: false }, path: undefined, problems: [] },
    homeDirectory: "/home/me",
    openStore: () => Promise.reject(new Error("the store is empty")),
    askLibrary: () => Promise.reject(new Error("no library is configured")),
    now: () => Date.UTC(2026, 0, 1),
    ...settings,
  };
}

/** Check and status of each, after a look whether it says what to do. */
function statuses(findings: readonly Finding[]): string[] {
  assertRemedies(findings);
  return findings.map(({ check, status }) => `${check} ${status}`);
}

function assertRemedies(findings: readonly Finding[]): void {
  for (const { status, check, remedy, text } of findings) {
    assert.ok(status === "ok" || status === "note" || remedy !== undefined, check);
    assert.ok(!text.includes("\n") && remedy?.includes("\n") !== true, check);
  }
}

test("a good machine is told to be one, topic by topic", async () => {
  const host = fakeHost(GOOD_MACHINE);
  const findings = await diagnose(host, patient(), never);
  assert.equal(worstOf(findings), "ok", JSON.stringify(findings.filter((f) => f.status !== "ok")));
  assert.deepEqual(
    [...new Set(findings.map(({ topic }) => topic))],
    ["configuration", "node", "store", "kernel", "runtimes", "registries"],
  );
  assert.deepEqual(host.ran, ["/usr/bin/apptainer"]);
});

test("a machine that has nothing is told so, and nothing is run on it", async () => {
  const host = fakeHost({ node: { version: "22.1.0", flags: [] }, readOnly: ["/"] });
  const findings = await diagnose(host, patient(), never);
  assert.equal(worstOf(findings), "problem");
  assert.deepEqual(host.ran, []);
  assertRemedies(findings);
});

test("zstd on a runtime that refuses it is a problem of the configuration's making", async () => {
  const programs = { ...GOOD_MACHINE.programs, apptainer: "apptainer version 1.3.6" };
  const host = fakeHost({ ...GOOD_MACHINE, programs });
  const gzip = await diagnose(host, patient(), never);
  assert.equal(worstOf(gzip), "ok");
  const config = configOf({ compression: "zstd" });
  const zstd = await diagnose(host, patient({ config }), never);
  assert.deepEqual(statuses(zstd.filter(({ status }) => status !== "ok")), ["apptainer problem"]);
});

test("an aborted diagnosis throws the reason", async () => {
  const signal = AbortSignal.abort(new Error("enough"));
  await assert.rejects(diagnose(fakeHost(GOOD_MACHINE), patient(), signal), /enough/);
});

const invalid = new ConfigError("CONFIG_FILE_INVALID", `${PATHS[1]}:3: unknown key "a"`);

interface ConfigurationRow {
  readonly name: string;
  readonly read: Partial<ConfigurationRead>;
  readonly machine?: Machine;
  readonly found: readonly string[];
}

const configurations: readonly ConfigurationRow[] = [
  { name: "no file", read: {}, found: ["file ok"] },
  { name: "a file", read: { path: PATHS[1] }, found: ["file ok"] },
  {
    name: "a file that hides another",
    read: { path: PATHS[0] },
    machine: { files: { [PATHS[0]]: "", [PATHS[1]]: "" } },
    found: ["file ok", "other-file note"],
  },
  {
    name: "a file that others may write",
    read: { path: PATHS[1] },
    machine: { files: { [PATHS[1]]: "" }, modes: { [PATHS[1]]: 0o664 } },
    found: ["file ok", "permissions warning"],
  },
  {
    name: "a file with two mistakes",
    read: { path: PATHS[1], problems: [invalid, invalid] },
    found: ["file problem", "file problem"],
  },
];

for (const { name, read, machine = {}, found } of configurations) {
  test(`the configuration: ${name}`, async () => {
    const configuration = { ...patient().configuration, ...read };
    const findings = await checkConfiguration(fakeHost(machine), configuration);
    assert.deepEqual(statuses(findings), found);
  });
}

const nodes = [
  { version: "24.15.0", flags: ["--max_semi_space_size=1"], arenas: "1", worst: "ok" },
  { version: "26.0.0", flags: ["--max-semi-space-size=1"], arenas: "1", worst: "ok" },
  { version: "24.14.1", flags: ["--max-semi-space-size=1"], arenas: "1", worst: "problem" },
  { version: "22.20.0", flags: ["--max-semi-space-size=1"], arenas: "1", worst: "problem" },
  { version: "24.21.0", flags: ["--max-semi-space-size=16"], arenas: "1", worst: "warning" },
  { version: "24.21.0", flags: ["--max-semi-space-size=1"], arenas: "4", worst: "warning" },
] as const;

for (const { version, flags, arenas, worst } of nodes) {
  test(`Node ${version} with ${flags.join()} and ${arenas} arenas: ${worst}`, () => {
    const variables = { MALLOC_ARENA_MAX: arenas };
    const findings = checkNode(fakeHost({ node: { version, flags }, variables }));
    assert.equal(worstOf(findings), worst);
    assertRemedies(findings);
  });
}

interface DirectoryRow {
  readonly name: string;
  readonly settings?: Partial<Config["values"]>;
  readonly machine?: Machine;
  readonly found: readonly string[];
  readonly text?: RegExp;
}

const directories: readonly DirectoryRow[] = [
  { name: "an empty cache", found: ["layer-cache ok"], text: /0 MB of at most 1074 MB in \/store/ },
  {
    name: "a cache in use",
    settings: { "cache.dir": "/c" },
    machine: { directories: ["/c"], files: { "/c/a": new Uint8Array(3e6), "/c/b": "" } },
    found: ["layer-cache ok"],
    text: /3 MB of at most 1074 MB in \/c$/,
  },
  {
    name: "a cache of a tenth of the file system",
    settings: { "cache.maxBytes": { maxBytes: 10e9, maxPercent: 10 } },
    machine: { fileSystem: { type: 0xef53, freeBytes: 1e9, totalBytes: 50e9 } },
    found: ["layer-cache ok"],
    text: /at most 5000 MB/,
  },
  {
    name: "no cache",
    settings: { "cache.maxBytes": { maxBytes: 0, maxPercent: 100 } },
    found: ["layer-cache note"],
  },
  {
    name: "a tmpdir",
    settings: { tmpdir: "/t" },
    machine: { directories: ["/t"] },
    found: ["layer-cache ok", "tmpdir ok"],
  },
  {
    name: "a tmpdir that is not there",
    settings: { tmpdir: "/t" },
    found: ["layer-cache ok", "tmpdir problem"],
  },
  {
    name: "a tmpdir that we may not write",
    settings: { tmpdir: "/t" },
    machine: { directories: ["/t"], readOnly: ["/t"] },
    found: ["layer-cache ok", "tmpdir problem"],
  },
];

for (const { name, settings = {}, machine = {}, found, text } of directories) {
  test(`directories: ${name}`, async () => {
    const findings = await checkDirectories(fakeHost(machine), configOf(settings));
    assert.deepEqual(statuses(findings), found);
    if (text !== undefined) assert.match(findings[0]?.text ?? "", text);
  });
}

interface RegistryRow {
  readonly name: string;
  readonly variables?: Machine["variables"];
  readonly files?: readonly string[];
  readonly home?: string | undefined;
  readonly found: readonly string[];
}

const registries: readonly RegistryRow[] = [
  { name: "nothing", found: ["unread ok"] },
  { name: "a login of docker", files: ["/home/me/.docker/config.json"], found: ["logins ok"] },
  {
    name: "a login of podman",
    variables: { XDG_RUNTIME_DIR: "/run/user/1000" },
    files: ["/run/user/1000/containers/auth.json"],
    found: ["logins ok"],
  },
  {
    name: "a login of podman without XDG_RUNTIME_DIR",
    files: ["/run/containers/1000/containers/auth.json"],
    found: ["logins ok"],
  },
  {
    name: "a login of apptainer",
    files: ["/home/me/.apptainer/docker-config.json"],
    found: ["logins ok"],
  },
  {
    name: "logins that variables name",
    variables: { REGISTRY_AUTH_FILE: "/a.json", DOCKER_CONFIG: "/d", DOCKER_AUTH_CONFIG: "{}" },
    files: ["/a.json", "/d/config.json"],
    found: ["logins ok"],
  },
  { name: "another's home", files: ["/home/you/.docker/config.json"], found: ["unread ok"] },
  {
    name: "no home",
    home: undefined,
    files: ["/home/me/.docker/config.json", "/etc/docker/daemon.json"],
    found: ["mirrors note"],
  },
  {
    name: "certificates of a user that are read, and others that are not",
    variables: { XDG_CONFIG_HOME: "/conf" },
    files: ["/etc/containerd/certs.d", "/conf/containers/certs.d"],
    found: ["certificates note"],
  },
  { name: "a proxy", variables: { https_proxy: "http://me:secret@proxy" }, found: ["proxy ok"] },
  {
    name: "a proxy for each scheme, whatever goes past it",
    variables: { HTTPS_PROXY: "p", HTTP_PROXY: "p", NO_PROXY: "*" },
    found: ["proxy ok", "proxy ok"],
  },
  {
    name: "a proxy that cannot be used",
    variables: { HTTPS_PROXY: "socks5://me:secret@proxy" },
    found: ["proxy problem"],
  },
];

for (const { name, variables = {}, files = [], found, ...row } of registries) {
  test(`registries: ${name}`, async () => {
    const home = "home" in row ? row.home : "/home/me";
    const content = Object.fromEntries(files.map((path) => [path, "secret"]));
    const findings = await checkRegistries(
      fakeHost({ variables, files: content }),
      configOf(),
      home,
    );
    assert.deepEqual(statuses(findings), found);
    assert.ok(!JSON.stringify(findings).includes("secret"));
  });
}

const SYSTEM_CONF = "/etc/containers/registries.conf";
const CERTS = "/etc/containerd/certs.d";
const BLOCKED = '[[registry]]\nprefix = "a"\nblocked = true\n';

interface HostsRow {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly variables?: Readonly<Record<string, string>>;
  readonly settings?: Partial<Config["values"]>;
  readonly found: readonly string[];
  readonly text?: RegExp;
}

const hosts: readonly HostsRow[] = [
  {
    name: "a hosts.toml that is understood",
    files: { [`${CERTS}/docker.io/hosts.toml`]: 'server = "https://m.test"' },
    found: ["hosts ok"],
    text: /docker\.io\/hosts\.toml/,
  },
  {
    name: "a hosts.toml that is not",
    files: { [`${CERTS}/docker.io/hosts.toml`]: "\nserver = 1" },
    found: ["hosts problem"],
    text: /docker\.io\/hosts\.toml:2: /,
  },
  {
    name: "certificates alone",
    files: { [`${CERTS}/docker.io/a.crt`]: "x" },
    found: ["unread ok"],
  },
  {
    name: "a registries.conf that only blocks",
    files: { [SYSTEM_CONF]: BLOCKED },
    found: ["unread ok"],
  },
  {
    name: "what a registries.conf says besides",
    files: { [SYSTEM_CONF]: `${BLOCKED}insecure = true\n[[registry.mirror]]\nlocation = "m"` },
    found: ["registries-conf note"],
    text: /not followed in .*registries\.conf: registries without TLS \(line 4\), mirrors \(line 5\)/,
  },
  {
    name: "a file beside registries.conf",
    files: { [`${SYSTEM_CONF}.d/a.conf`]: '[aliases]\na = "b/c"' },
    found: ["registries-conf note"],
    text: /a\.conf: aliases/,
  },
  {
    name: "a registries.conf of the user's own instead of the system's",
    files: { [SYSTEM_CONF]: "[", "/home/me/.config/containers/registries.conf": BLOCKED },
    found: ["unread ok"],
  },
  {
    name: "a registries.conf that the environment names instead of both",
    files: {
      [SYSTEM_CONF]: "[",
      "/home/me/.config/containers/registries.conf": "[",
      "/my.conf": `${BLOCKED}insecure = true`,
    },
    variables: { CONTAINERS_REGISTRIES_CONF: "/my.conf" },
    found: ["registries-conf note"],
    text: /not followed in \/my\.conf: /,
  },
  {
    name: "a registries.conf that the environment names and that is not there",
    files: { [SYSTEM_CONF]: BLOCKED },
    variables: { REGISTRIES_CONFIG_PATH: "/my.conf" },
    found: ["registries-conf problem"],
    text: /cannot read \/my\.conf/,
  },
  {
    name: "a registries.conf of version 1",
    files: { [SYSTEM_CONF]: '[registries.block]\nregistries = ["a"]' },
    found: ["registries-conf warning"],
  },
  {
    name: "a registries.conf that means nothing",
    files: { [SYSTEM_CONF]: "\n[" },
    found: ["registries-conf problem"],
    text: /registries\.conf:2: /,
  },
  {
    name: "a registries.conf that means nothing and is not obeyed",
    files: { [SYSTEM_CONF]: "\n[" },
    settings: { "registries.obeyBlocked": false },
    found: ["unread ok"],
  },
];

for (const { name, files, variables = {}, settings, found, text } of hosts) {
  test(`registries: ${name}`, async () => {
    const directories = [CERTS, `${CERTS}/docker.io`, `${SYSTEM_CONF}.d`];
    const host = fakeHost({ files, directories, variables });
    const findings = await checkRegistries(host, configOf(settings), "/home/me");
    assert.deepEqual(statuses(findings), found);
    if (text !== undefined) assert.match(findings[0]?.text ?? "", text);
  });
}
