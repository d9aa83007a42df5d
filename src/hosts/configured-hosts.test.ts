import assert from "node:assert/strict";
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { AUTHORITY, AUTHORITY_DIRECTORY, identity } from "../../test/fixtures/authority/index.ts";
import type { RegistryEndpoint } from "../registry/index.ts";
import { ConfiguredHosts } from "./configured-hosts.ts";

const never = new AbortController().signal;
const client = { allowsPlainHttp: (host: string): boolean => host.startsWith("plain.test") };

/** A root with these files in it, deleted after the test; a value `null` is an empty directory. */
async function rootWith(
  t: TestContext,
  files: Readonly<Record<string, string | null>>,
): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "siflet-hosts-"));
  t.after(() => rm(root, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    const path = join(root, name);
    await mkdir(text === null ? path : dirname(path), { recursive: true });
    if (text !== null) await writeFile(path, text);
  }
  return root;
}

async function endpoints(
  roots: string | readonly string[],
  domain: string,
): Promise<readonly RegistryEndpoint[]> {
  const directories = typeof roots === "string" ? [roots] : roots;
  const hosts = new ConfiguredHosts({ client, directories });
  return await hosts.endpointsOf({ domain, repository: "team/app", tag: "1" }, never);
}

async function urls(roots: string | readonly string[], domain: string): Promise<string[]> {
  return (await endpoints(roots, domain)).map(({ api }) => api.href);
}

const toml = (name: string): string => `server = "https://${name}.test"`;
const ORIGIN = "https://reg.test:5000/v2/";

const lookups = [
  { name: "no directory", files: {}, url: ORIGIN },
  {
    name: "host_port_",
    files: { "reg.test_5000_/hosts.toml": toml("a") },
    url: "https://a.test/v2/",
  },
  {
    name: "host:port",
    files: { "reg.test:5000/hosts.toml": toml("a") },
    url: "https://a.test/v2/",
  },
  { name: "_default", files: { "_default/hosts.toml": toml("a") }, url: "https://a.test/v2/" },
  {
    name: "host_port_ before host:port",
    files: { "reg.test_5000_/hosts.toml": toml("a"), "reg.test:5000/hosts.toml": toml("b") },
    url: "https://a.test/v2/",
  },
  {
    name: "host:port before _default",
    files: { "reg.test:5000/hosts.toml": toml("a"), "_default/hosts.toml": toml("b") },
    url: "https://a.test/v2/",
  },
  {
    name: "an empty directory before _default",
    files: { "reg.test:5000": null, "_default/hosts.toml": toml("b") },
    url: ORIGIN,
  },
  {
    name: "an empty hosts.toml",
    files: { "reg.test:5000/hosts.toml": "", "_default/hosts.toml": toml("b") },
    url: ORIGIN,
  },
  { name: "a file by that name", files: { "reg.test:5000": "x" }, url: ORIGIN },
  { name: "the host without its port", files: { "reg.test/hosts.toml": toml("a") }, url: ORIGIN },
];

for (const { name, files, url } of lookups) {
  test(`what is said for a host is looked for: ${name}`, async (t) => {
    assert.deepEqual(await urls(await rootWith(t, files), "reg.test:5000"), [url]);
  });
}

test("the first root with a directory counts, with its _default too", async (t) => {
  const first = await rootWith(t, { "_default/hosts.toml": toml("a") });
  const second = await rootWith(t, { "reg.test/hosts.toml": toml("b") });
  assert.deepEqual(await urls([first, second], "reg.test"), ["https://a.test/v2/"]);
  assert.deepEqual(await urls([second, first], "reg.test"), ["https://b.test/v2/"]);
  assert.deepEqual(await urls([join(first, "none"), second], "reg.test"), ["https://b.test/v2/"]);
});

test("a host in capitals is the same host", async (t) => {
  const root = await rootWith(t, { "reg.test/hosts.toml": toml("a") });
  assert.deepEqual(await urls(root, "REG.test"), ["https://a.test/v2/"]);
});

test("an IPv6 host has its directory", async (t) => {
  const root = await rootWith(t, { "[::1]_5000_/hosts.toml": toml("a") });
  assert.deepEqual(await urls(root, "[::1]:5000"), ["https://a.test/v2/"]);
});

test("hosts.toml is read anew each time", async (t) => {
  const root = await rootWith(t, { "reg.test/hosts.toml": toml("a") });
  const hosts = new ConfiguredHosts({ client, directories: [root] });
  const name = { domain: "reg.test", repository: "app" };
  assert.equal((await hosts.endpointsOf(name, never))[0]?.api.host, "a.test");
  await writeFile(join(root, "reg.test/hosts.toml"), toml("b"));
  assert.equal((await hosts.endpointsOf(name, never))[0]?.api.host, "b.test");
});

test("Docker Hub has its API's host behind its mirrors, and `ns` only for those", async (t) => {
  const root = await rootWith(t, {
    "docker.io/hosts.toml":
      '[host."https://m.test"]\ncapabilities = ["pull"]\n[host."https://registry-1.docker.io"]',
  });
  const found = (await endpoints(root, "docker.io")).map((endpoint) => [
    endpoint.api.href,
    endpoint.credentialHost,
    endpoint.namespace,
    endpoint.can.size,
  ]);
  assert.deepEqual(found, [
    ["https://m.test/v2/", "m.test", "docker.io", 1],
    // The registry itself, named as one of them, is not asked twice.
    ["https://registry-1.docker.io/v2/", "docker.io", undefined, 4],
  ]);
});

const namespaces = [
  { server: "https://reg.test", domain: "reg.test:443", namespace: undefined },
  { server: "https://reg.test:443", domain: "reg.test", namespace: undefined },
  { server: "http://reg.test", domain: "reg.test:80", namespace: undefined },
  { server: "http://reg.test:443", domain: "reg.test:443", namespace: undefined },
  { server: "https://reg.test:5000", domain: "reg.test", namespace: "reg.test" },
  { server: "https://m.test", domain: "reg.test", namespace: "reg.test" },
  { server: "https://docker.io", domain: "docker.io", namespace: undefined },
];

for (const { server, domain, namespace } of namespaces) {
  test(`${server} is asked about ${domain} with ns=${namespace ?? "(none)"}`, async (t) => {
    const root = await rootWith(t, { "_default/hosts.toml": `server = "${server}"` });
    const [endpoint] = await endpoints(root, domain);
    assert.equal(endpoint?.namespace, namespace);
    assert.equal(endpoint?.credentialHost, namespace === undefined ? domain : endpoint?.api.host);
  });
}

test("a mirror that is the server is the only host; one that may do less is not", async (t) => {
  const mirror = '[host."https://m.test"]';
  const same = await rootWith(t, { "_default/hosts.toml": `server = "https://m.test"\n${mirror}` });
  assert.deepEqual(await urls(same, "reg.test"), ["https://m.test/v2/"]);
  const text = `server = "https://m.test"\n${mirror}\ncapabilities = ["pull"]`;
  const less = await rootWith(t, { "_default/hosts.toml": text });
  assert.equal((await endpoints(less, "reg.test")).length, 2);
});

test("what stands at the top is the registry's own, not the mirrors'", async (t) => {
  const root = await rootWith(t, {
    "_default/hosts.toml":
      'skip_verify = true\ncapabilities = ["pull"]\noverride_path = true\n' +
      '[header]\nx = "1"\n[host."https://m.test"]',
  });
  const [mirror, upstream] = await endpoints(root, "reg.test");
  assert.deepEqual([mirror?.tls, mirror?.headers], [undefined, {}]);
  assert.equal(upstream?.tls?.verify, false);
  assert.deepEqual(upstream.headers, { x: "1" });
  // Without `server`, path and capabilities are the registry's usual ones.
  assert.equal(upstream.api.href, "https://reg.test/v2/");
  assert.equal(upstream.can.size, 4);
});

test("a registry for plain http stays one behind its mirrors", async (t) => {
  const root = await rootWith(t, { "_default/hosts.toml": '[host."m.test"]' });
  assert.deepEqual(await urls(root, "plain.test"), ["https://m.test/v2/", "http://plain.test/v2/"]);
});

test("a registry for plain http is spoken to by https where it has certificates", async (t) => {
  const root = await rootWith(t, { "plain.test/hosts.toml": "skip_verify = true" });
  assert.deepEqual(await urls(root, "plain.test"), ["https://plain.test/v2/"]);
  const docker = await rootWith(t, { "plain.test/a.crt": AUTHORITY });
  assert.deepEqual(await urls(docker, "plain.test"), ["https://plain.test/v2/"]);
});

/** A root whose `reg.test` has copies of the fixture's files, `to` by `from`. */
async function withCertificates(
  t: TestContext,
  copies: Readonly<Record<string, string>>,
  text?: string,
): Promise<string> {
  const files = text === undefined ? { "reg.test": null } : { "reg.test/hosts.toml": text };
  const root = await rootWith(t, files);
  for (const [to, from] of Object.entries(copies)) {
    await copyFile(join(AUTHORITY_DIRECTORY, from), join(root, "reg.test", to));
  }
  return root;
}

test("certificates are read relative to the file that names them", async (t) => {
  const both = `${identity("client").certificate}${identity("client").key}`;
  const text =
    `server = "https://reg.test"\nca = ["ca.pem", "${AUTHORITY_DIRECTORY}/authority.crt"]\n` +
    'client = [["c.pem", "k.pem"], ["both.pem", ""]]\ndial_timeout = "2s"';
  const root = await withCertificates(
    t,
    { "ca.pem": "authority.crt", "c.pem": "client.cert", "k.pem": "client.key" },
    text,
  );
  await writeFile(join(root, "reg.test/both.pem"), both);
  const [endpoint] = await endpoints(root, "reg.test");
  assert.deepEqual(endpoint?.tls, {
    ca: [AUTHORITY, AUTHORITY],
    clients: [identity("client"), { certificate: both, key: both }],
    verify: true,
  });
  assert.equal(endpoint.connectMs, 2000);
});

test("without hosts.toml, *.crt are authorities and *.cert with *.key are shown", async (t) => {
  const root = await withCertificates(t, {
    "b.crt": "authority.crt",
    "client.cert": "client.cert",
    "client.key": "client.key",
    "notes.txt": "make.sh",
  });
  await symlink("b.crt", join(root, "reg.test/link.crt"));
  const [endpoint] = await endpoints(root, "reg.test");
  assert.equal(endpoint?.api.href, "https://reg.test/v2/");
  assert.deepEqual(endpoint.tls, { ca: [AUTHORITY, AUTHORITY], clients: [identity("client")] });
});

test("with hosts.toml, other certificates of the directory do not count", async (t) => {
  const root = await withCertificates(t, { "a.crt": "authority.crt" }, 'server = "reg.test"');
  assert.equal((await endpoints(root, "reg.test"))[0]?.tls, undefined);
});

const broken = [
  {
    name: "a certificate without its key",
    copies: { "a.cert": "client.cert" },
    message: /a\.cert: expected a\.key beside it/,
  },
  {
    name: "a key without its certificate",
    copies: { "a.key": "client.key" },
    message: /a\.key: expected a\.cert beside it/,
  },
  {
    name: "the key of another certificate",
    copies: { "a.cert": "client.cert", "a.key": "stranger.key" },
    message: /a\.key: expected the key of the certificate in \S+a\.cert/,
  },
  {
    name: "an authority that is none",
    copies: { "a.crt": "client.key" },
    message: /a\.crt: expected a certificate in PEM/,
  },
  {
    name: "a key that is none",
    copies: { "a.cert": "client.cert", "a.key": "client.cert" },
    message: /a\.key: expected a private key/,
  },
  {
    name: "an authority that is not there",
    copies: {},
    text: '\nca = "none.crt"',
    message: /hosts\.toml:2: cannot use \S+none\.crt: no such file/,
  },
  {
    name: "a client that is not there",
    copies: {},
    text: '\n\nclient = "none.pem"',
    message: /hosts\.toml:3: cannot use \S+none\.pem: no such file/,
  },
  {
    name: "an authority that is a directory",
    copies: {},
    text: 'ca = "."',
    message: /hosts\.toml:1: cannot use \S+: EISDIR/,
  },
  { name: "no TOML", copies: {}, text: "\nserver", message: /reg\.test\/hosts\.toml:2: / },
  {
    name: "a file beyond the limit",
    copies: {},
    text: "#".repeat(300_000),
    message: /hosts\.toml: expected at most 262144 bytes/,
  },
];

for (const { name, copies, text, message } of broken) {
  test(`a directory with ${name} is refused, and the registry not asked`, async (t) => {
    const root = await withCertificates(t, { ...copies }, text);
    await assert.rejects(endpoints(root, "reg.test"), { code: "REGISTRY_CONFIG", message });
  });
}

test("a hosts.toml that is no text is refused", async (t) => {
  const root = await rootWith(t, { "reg.test": null });
  await writeFile(join(root, "reg.test/hosts.toml"), Uint8Array.of(0x23, 0xff));
  await assert.rejects(endpoints(root, "reg.test"), { code: "REGISTRY_CONFIG", message: /UTF-8/ });
});

test("a damaged certificate is refused with its file", async (t) => {
  const root = await withCertificates(t, {}, 'ca = "a.crt"');
  await writeFile(join(root, "reg.test/a.crt"), AUTHORITY.replace(/\n\w{10}/, "\n"));
  const message = /a\.crt: expected a certificate, got a damaged one/;
  await assert.rejects(endpoints(root, "reg.test"), { code: "REGISTRY_CONFIG", message });
});

test("a name with a path in it finds no directory", async (t) => {
  const root = await rootWith(t, { "hosts.toml": toml("a") });
  for (const domain of ["..", "../x", ".", "a/b", ""]) {
    await assert.rejects(endpoints(join(root, "none"), domain), /was not parsed/);
  }
});

test("an abort ends the look-up", async (t) => {
  const root = await rootWith(t, {});
  const hosts = new ConfiguredHosts({ client, directories: [root] });
  const reason = new Error("enough");
  const name = { domain: "reg.test", repository: "app" };
  await assert.rejects(hosts.endpointsOf(name, AbortSignal.abort(reason)), reason);
});
