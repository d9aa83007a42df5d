import assert from "node:assert/strict";
import fc from "fast-check";
import { ProblemAt } from "../../src/base/index.ts";
import type { HttpResponse } from "../../src/http/index.ts";
import { readRefusal } from "../../src/library/answer-error.ts";
import { parseImageMetadata } from "../../src/library/image-metadata.ts";
import { libraryIn } from "../../src/library/discovery.ts";
import { LibraryError, type LibraryEndpoint } from "../../src/library/index.ts";
import { parseRemotes } from "../../src/library/remote-file.ts";
import { edited, edits } from "./edits.ts";
import { fuzzTarget, type FuzzTarget } from "./fuzz-target.ts";
import { mostly, seldom } from "./weights.ts";

type LibraryInput =
  | { readonly kind: "image"; readonly data: Readonly<Record<string, unknown>> }
  | { readonly kind: "refusal"; readonly bytes: Uint8Array }
  | { readonly kind: "remote"; readonly text: string }
  | { readonly kind: "discovery"; readonly text: string };

/**
 * What a library says of images and of errors, and what Singularity's remote.yaml and hosts say of libraries. A
 * hash is of bytes or of a header, a size is a number of bytes, and a token can stand in a header.
 */
export const libraryTarget: FuzzTarget = fuzzTarget({
  inputs: fc.oneof(images(), refusals(), remotes(), discoveries()),
  answer: async (input) => `${input.kind}: ${await read(input)}`,
  show: (input) =>
    input.kind === "refusal" ? Buffer.from(input.bytes).toString("base64") : JSON.stringify(input),
  batch: 5000,
});

async function read(input: LibraryInput): Promise<string> {
  switch (input.kind) {
    case "image":
      return readImage(input.data);
    case "refusal":
      return await readError(input.bytes);
    case "remote":
      return await readRemote(input.text);
    case "discovery":
      return readDiscovery(input.text);
  }
}

function readImage(data: Readonly<Record<string, unknown>>): string {
  try {
    const { hash, size } = parseImageMetadata(data, "it");
    assert.ok(size === undefined || (Number.isSafeInteger(size) && size > 0));
    if (hash?.kind === "sha256") assert.match(hash.digest, /^sha256:[0-9a-f]{64}$/);
    if (hash?.kind === "uuid") assert.match(hash.uuid, /^[0-9a-f-]{36}$/);
    return hash?.kind ?? "none";
  } catch (error) {
    if (!(error instanceof LibraryError)) throw error;
    assertOneLine(error.message);
    return error.code;
  }
}

const ENDPOINT: LibraryEndpoint = {
  api: new URL("https://lib.test/"),
  tls: undefined,
  isPlainHttp: false,
  isUnverified: false,
  token: undefined,
};

async function readError(bytes: Uint8Array): Promise<string> {
  const response: HttpResponse = {
    status: 500,
    headers: {},
    url: ENDPOINT.api,
    body: once(bytes),
    discard: () => undefined,
  };
  const { error } = await readRefusal(response, "it", ENDPOINT);
  assertOneLine(error.message);
  return error.message.endsWith("got status 500") ? "nothing" : "said";
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(bytes);
}

async function readRemote(text: string): Promise<string> {
  try {
    const { remotes: found } = await parseRemotes(text);
    const tokens = found.flatMap(({ token }) => (token === undefined ? [] : [token.reveal()]));
    for (const token of tokens) assert.match(token, /^[\x21-\x7e]+$/);
    for (const { url } of found.flatMap(({ keyServers }) => keyServers)) {
      assert.match(url.protocol, /^https?:$/);
      assert.equal(url.username + url.password + url.search, "");
    }
    return tokens.length === 0 ? "none" : "token";
  } catch (error) {
    if (!(error instanceof ProblemAt)) throw error;
    return "refused";
  }
}

function readDiscovery(text: string): string {
  try {
    const found = libraryIn(text, new URL("https://cloud.test/"));
    assert.deepEqual([found.protocol, found.username, found.search], ["https:", "", ""]);
    assert.ok(found.pathname.endsWith("/"));
    return "library";
  } catch (error) {
    if (!(error instanceof LibraryError)) throw error;
    assertOneLine(error.message);
    return error.code;
  }
}

function assertOneLine(message: string): void {
  // eslint-disable-next-line no-control-regex -- these are what must not be there
  assert.doesNotMatch(message, /[\u0000-\u001f\u007f-\u009f]/);
  assert.ok(message.length < 1000);
}

function images(): fc.Arbitrary<LibraryInput> {
  const hex = fc.constantFrom("a".repeat(64), "A".repeat(64), "a".repeat(63), "");
  const uuid = fc.constantFrom("5c4b2f0e-9d1a-4c3b-8e7f-001122334455", "5c4b");
  const hash = fc.oneof(
    hex.map((text) => `sha256.${text}`),
    uuid.map((text) => `sif.${text}`),
    fc.constantFrom("md5.0", ""),
  );
  const size = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(0, 1e300, "5", null));
  const members = fc.record(
    {
      hash: mostly<unknown>(hash, fc.jsonValue()),
      size,
      arch: fc.string(),
      uploaded: fc.boolean(),
    },
    { requiredKeys: [] },
  );
  return members.map((data) => ({ kind: "image", data }));
}

function refusals(): fc.Arbitrary<LibraryInput> {
  const message = mostly<unknown>(fc.string({ unit: "binary" }), fc.jsonValue());
  const body = fc.oneof(
    fc.record({ error: fc.record({ code: fc.integer(), message }) }),
    fc.record({
      errors: fc.array(fc.record({ title: message, detail: message }), { maxLength: 2 }),
    }),
    fc.jsonValue(),
  );
  return fc.tuple(body, seldom(edits(1))).map(([value, changes]) => {
    const bytes = edited(Buffer.from(JSON.stringify(value)), changes);
    return { kind: "refusal", bytes };
  });
}

function remotes(): fc.Arbitrary<LibraryInput> {
  const value = fc.constantFrom(
    "x",
    "''",
    "true",
    "5",
    "[a]",
    "{b: c}",
    "[{URI: https://k.test}]",
    "[{URI: 'hkp://a:b@k'}]",
    '"a b"',
    "",
  );
  const key = fc.constantFrom(
    "URI",
    "URI",
    "Token",
    "Exclusive",
    "Insecure",
    "Keyservers",
    "Other",
  );
  const members = fc.uniqueArray(fc.tuple(key, value), {
    maxLength: 4,
    selector: ([name]) => name,
  });
  const uri = fc.constantFrom("    URI: lib.test\n", "");
  return fc.tuple(uri, members, seldom(edits(1))).map(([first, rest, changes]) => {
    const own = rest.filter(([name]) => first === "" || name !== "URI");
    const lines = own.map(([name, text]) => `    ${name}: ${text}\n`).join("");
    const text = `Active: a\nRemotes:\n  a:\n${first}${lines}`;
    return { kind: "remote", text: Buffer.from(edited(Buffer.from(text), changes)).toString() };
  });
}

function discoveries(): fc.Arbitrary<LibraryInput> {
  const host = fc.constantFrom("l.test", "l.test:8443/api", "me:you@l.test", "l.test/?a", "[::1]");
  const scheme = fc.constantFrom("https", "https", "http", "file");
  const uri = fc.tuple(scheme, host).map(([first, rest]) => `${first}://${rest}`);
  const service = fc.record({ uri: mostly<unknown>(uri, fc.jsonValue()) });
  const body = fc.record({ libraryAPI: mostly<unknown>(service, fc.jsonValue()) });
  return fc.tuple(body, seldom(edits(1))).map(([value, changes]) => {
    const text = Buffer.from(edited(Buffer.from(JSON.stringify(value)), changes)).toString();
    return { kind: "discovery", text };
  });
}
