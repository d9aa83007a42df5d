import assert from "node:assert/strict";
import { test } from "node:test";
import { CodedError, Secret } from "../base/index.ts";
import { resolveConfig, type Config, type LibrarySettings } from "../config/index.ts";
import { HttpError } from "../http/index.ts";
import { AUTHORITY } from "../../test/fixtures/authority/index.ts";
import { checkLibraries, type AskedLibrary, type AskLibrary } from "./check-libraries.ts";
import type { Finding } from "./finding.ts";
import { fakeHost, type Machine } from "./host-fixture.ts";

const HOST = "lib.example";
const never = new AbortController().signal;
const DAY_MS = 24 * 3600 * 1000;
/** Of `AUTHORITY`. */
const VALID_TO = Date.parse("Nov  2 16:18:23 2126 GMT");
const NOW = VALID_TO - 1000 * DAY_MS;

const GOOD: AskedLibrary = {
  api: "https://library.lib.example/",
  apiVersion: "2.0.0",
  token: "accepted",
  tokenFrom: "/etc/siflet/lib.token",
  time: NOW,
  warnings: [],
};

function configWith(libraries: Config["values"]["libraries"]): Config {
  const surroundings = { variables: {}, workingDirectory: "/", homeDirectory: "/home/me" };
  const config = resolveConfig({ store: "/store" }, undefined, {
    ...surroundings,
    isRoot: false,
    parallelism: 2,
  });
  return { ...config, values: { ...config.values, libraries } };
}

/** Each finding in a line, once it was seen that warnings and problems say what to do. */
async function check(
  asked: Partial<AskedLibrary> | Error,
  settings: LibrarySettings = {},
  { machine = {}, now = NOW }: { readonly machine?: Machine; readonly now?: number } = {},
): Promise<readonly string[]> {
  const askLibrary: AskLibrary = (host) => {
    assert.equal(host, HOST);
    if (asked instanceof Error) return Promise.reject(asked);
    return Promise.resolve({ ...GOOD, time: now, ...asked });
  };
  const checks = { askLibrary, now: () => now };
  const config = configWith({ [HOST]: settings });
  return linesOf(await checkLibraries(fakeHost(machine), config, checks, never));
}

function linesOf(findings: readonly Finding[]): string[] {
  return findings.map(({ topic, check: name, status, text, remedy }) => {
    assert.equal(topic, "libraries");
    assert.ok(status === "ok" || status === "note" || remedy !== undefined, text);
    assert.ok(!`${text}${remedy ?? ""}`.includes("\n"));
    return `${name} ${status}: ${text}${remedy === undefined ? "" : ` → ${remedy}`}`;
  });
}

test("without configured libraries there is nothing to say, and nobody is asked", async () => {
  const askLibrary = (): never => assert.fail("nobody was to be asked");
  const checks = { askLibrary, now: () => NOW };
  assert.deepEqual(await checkLibraries(fakeHost({}), configWith({}), checks, never), []);
});

test("a library that answers and knows the token is in order", async () => {
  assert.deepEqual(await check({}), [
    "answer ok: lib.example: a library at https://library.lib.example/, version 2.0.0 of the API",
    "token ok: lib.example: the token of /etc/siflet/lib.token is accepted",
  ]);
});

const tokens = [
  {
    token: "refused",
    line: /^token problem: .* is refused → have a new token from the library, and put it there$/,
  },
  { token: "unknown", line: /^token note: .* the library does not say if it is good$/ },
  { token: "none", line: /^token ok: lib\.example: asked without a token$/ },
] as const;

for (const { token, line } of tokens) {
  test(`a token that is ${token}: ${line.source.slice(0, 20)}`, async () => {
    const [answer, verdict, ...more] = await check({ token });
    assert.match(answer ?? "", /^answer ok/);
    assert.match(verdict ?? "", line);
    assert.deepEqual(more, []);
  });
}

test("a library that tells no version may be none", async () => {
  const [answer] = await check({ apiVersion: undefined, token: "none" });
  assert.match(answer ?? "", /^answer warning: .* a library of old, or none → check the endpoint/);
});

test("what is wrong with the caller's own files is a warning", async () => {
  const [, warning] = await check({ warnings: ["remote.yaml has tokens: chmod 600"] });
  assert.match(warning ?? "", /^token warning: remote\.yaml has tokens: chmod 600 → /);
});

const clocks = [
  { skewMs: 5 * 60_000, line: undefined },
  { skewMs: 11 * 60_000, line: /clock is 11 minutes ahead of that of lib\.example → set/ },
  { skewMs: -90 * 60_000, line: /clock is 90 minutes behind that of lib\.example → set/ },
];

for (const { skewMs, line } of clocks) {
  test(`a clock that is ${skewMs / 60_000} minutes off ${line ? "is a warning" : "will do"}`, async () => {
    const [, , clock] = await check({ time: NOW - skewMs });
    if (line === undefined) assert.equal(clock, undefined);
    else assert.match(clock ?? "", line);
  });
}

/** As the client tells of a handshake that failed. */
function handshakeError(code: string): HttpError {
  const cause = Object.assign(new Error("no TLS"), { code });
  return new HttpError("HTTP_UNREACHABLE", `GET https://lib.example/: got ${code}`, { cause });
}

class LibraryFailure extends CodedError {}

const failures = [
  { error: handshakeError("SELF_SIGNED_CERT_IN_CHAIN"), remedy: /certificate as its ca under lib/ },
  { error: handshakeError("ERR_TLS_CERT_ALTNAME_INVALID"), remedy: /by the name that its cert/ },
  { error: handshakeError("CERT_HAS_EXPIRED"), remedy: /renewed; or set this machine's clock/ },
  { error: handshakeError("CERT_NOT_YET_VALID"), remedy: /^set this machine's clock, which says/ },
  { error: handshakeError("ECONNREFUSED"), remedy: /^check the endpoint under libraries, the net/ },
  { error: new HttpError("HTTP_TIMEOUT", "too late"), remedy: /^check the endpoint/ },
  { error: new LibraryFailure("LIBRARY_PROTOCOL", "a page"), remedy: /what answers is no library/ },
  { error: new LibraryFailure("LIBRARY_DISCOVERY", "nowhere"), remedy: /^give its endpoint/ },
  { error: new LibraryFailure("LIBRARY_CONFIG", "no ca"), remedy: /^correct what is named/ },
  { error: new LibraryFailure("LIBRARY_UNAUTHORIZED", "who?"), remedy: /^give a token/ },
];

for (const { error, remedy } of failures) {
  test(`${error.message} is a problem, with what to do`, async () => {
    const lines = await check(error);
    assert.equal(lines.length, 1);
    const [start, after] = (lines[0] ?? "").split(" → ");
    assert.equal(start, `answer problem: lib.example: ${error.message}`);
    assert.match(after ?? "", remedy);
  });
}

test("an error that is no failure of the library goes on up, and an abort too", async () => {
  await assert.rejects(check(new Error("ours")), /ours/);
  const stop = new AbortController();
  const askLibrary: AskLibrary = (_host, signal) => {
    stop.abort(new Error("enough"));
    return Promise.reject(signal.reason as Error);
  };
  const checks = { askLibrary, now: () => NOW };
  const config = configWith({ [HOST]: {} });
  await assert.rejects(checkLibraries(fakeHost({}), config, checks, stop.signal), /enough/);
});

const CA = "/etc/siflet/ca.pem";
const TOKEN = "/etc/siflet/lib.token";

const validity = [
  { name: "good", now: NOW, line: undefined },
  { name: "about to end", now: VALID_TO - 10 * DAY_MS, line: /^certificates note: .* valid until/ },
  { name: "over", now: VALID_TO + DAY_MS, line: /^certificates warning: .* valid no more since/ },
  {
    name: "to come",
    now: Date.UTC(2000),
    line: /warning: .* valid from .* → set this machine's c/,
  },
];

for (const { name, now, line } of validity) {
  test(`the time of a configured certificate is ${name}`, async () => {
    const machine = { files: { [CA]: `text\n${AUTHORITY}` } };
    const [first] = await check({}, { ca: CA }, { machine, now });
    assert.match(first ?? "", line ?? /^answer ok/);
  });
}

test("certificates that cannot be read are told of by who asks with them", async () => {
  const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  for (const files of [{}, { [CA]: broken }]) {
    const lines = await check({}, { ca: CA }, { machine: { files } });
    assert.equal(lines.length, 2);
  }
});

test("a token file that others may read is a warning, and its token is not shown", async () => {
  const machine = { files: { [TOKEN]: "secret" }, modes: { [TOKEN]: 0o640 } };
  const settings = { tokenFile: TOKEN, token: new Secret("secret") };
  const lines = await check({}, settings, { machine });
  assert.match(lines[0] ?? "", /^token-file warning: .* → chmod 600 \/etc\/siflet\/lib\.token$/);
  assert.ok(!lines.join().includes("secret"));
  const closed = { ...machine, modes: { [TOKEN]: 0o600 } };
  assert.equal((await check({}, settings, { machine: closed })).length, 2);
});

test("a library that is believed without hashes is worth a note", async () => {
  const [note] = await check({}, { unverified: true });
  assert.match(note ?? "", /^unverified note: .*sha256 → take out unverified: true/);
});
