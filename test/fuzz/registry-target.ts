import assert from "node:assert/strict";
import { CodedError } from "../../src/base/index.ts";
import { type HttpResponse, redactUrl } from "../../src/http/index.ts";
import { checkRedirect, redirectTarget } from "../../src/http/redirect.ts";
import { allowsPlainHttp } from "../../src/http/plain-http.ts";
import { parseServerErrors } from "../../src/registry/answer-error.ts";
import { parseChallenges } from "../../src/registry/challenge.ts";
import { contentRange } from "../../src/transfer/content-range.ts";
import { checkRealmTrust, realmOf } from "../../src/registry/realm.ts";
import { parseTokenAnswer } from "../../src/registry/token.ts";
import {
  closingLocation,
  uploadedBytes,
  uploadLocation,
} from "../../src/registry/upload-location.ts";
import { fuzzTarget, type FuzzTarget } from "./fuzz-target.ts";
import { registryInput, type RegistryInput } from "./registry-inputs.ts";

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const DAY_MS = 24 * 3600 * 1000;
const DIGEST = `sha256:${"0".repeat(64)}`;

/**
 * What a registry says in headers and small documents: challenges and the realms in them, where to go
 * on, which part of a blob this is, tokens, errors. It is read as what may be used, or refused; nothing
 * that it names is by another scheme than we speak, has user info, or is by http where https was.
 */
export const registryTarget: FuzzTarget = fuzzTarget({
  inputs: registryInput,
  async answer(input) {
    try {
      return `${input.kind}: ${await read(input)}`;
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      // eslint-disable-next-line no-control-regex -- these are what must not be there
      assert.doesNotMatch(error.message, /[\u0000-\u001f\u007f-\u009f]/);
      return `${input.kind}: ${String(error.code)}`;
    }
  },
  show: (input) =>
    "bytes" in input
      ? `${input.kind} ${Buffer.from(input.bytes).toString("base64")}`
      : JSON.stringify(input),
  batch: 5000,
  memoryMiB: 600,
});

async function read(input: RegistryInput): Promise<string> {
  switch (input.kind) {
    case "challenge":
      return await readChallenge(input.text, input.from);
    case "redirect":
      return readRedirect(input.text, input.from);
    case "upload":
      return readUpload(input.text, input.from);
    case "range":
      return readRange(input);
    case "token":
      return readToken(input.bytes);
    case "errors":
      return readErrors(input.bytes);
  }
}

async function readChallenge(header: string, registry: URL): Promise<string> {
  const bearer = parseChallenges(header).find(({ scheme }) => scheme === "bearer");
  if (bearer === undefined) return "none";
  const allows = (host: string): boolean => allowsPlainHttp(host, []);
  const rules = { registry, called: "it", allowsPlainHttp: allows };
  const realm = realmOf(bearer, rules);
  checkNamed(realm, registry);
  try {
    await checkRealmTrust(rules, realm, []);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return "stranger";
  }
  const isOwn = realm.hostname === registry.hostname;
  assert.ok(isOwn || /(^|\.)corp\.test\.*$/.test(realm.hostname), realm.href);
  return "trusted";
}

function readRedirect(location: string, from: URL): string {
  const target = redirectTarget(answer({ location }, from, 307), "GET");
  assert.ok(target !== undefined);
  checkRedirect(from, target, (host) => allowsPlainHttp(host, []));
  checkNamed(target, from);
  return "followed";
}

function readUpload(location: string, from: URL): string {
  const place = uploadLocation(answer({ location }, from, 202), "it");
  assert.match(place.protocol, /^https?:$/);
  assert.deepEqual([place.username, place.password], ["", ""]);
  assert.ok(place.protocol === "https:" || from.protocol === "http:");
  const closing = closingLocation(place, DIGEST);
  assert.equal(closing.origin + closing.pathname, place.origin + place.pathname);
  assert.ok(closing.search.startsWith(place.search));
  assert.equal(closing.searchParams.getAll("digest").at(-1), DIGEST);
  return "goes on";
}

function readRange({ text, asked, size }: RegistryInput & { readonly kind: "range" }): string {
  const span = contentRange({ "content-range": text }, { from: asked, to: size }, size);
  const uploaded = uploadedBytes({ headers: { range: text } });
  assert.ok(uploaded === undefined || (Number.isSafeInteger(uploaded) && uploaded > 0));
  if (span === undefined) return "another one";
  assert.equal(span.from, asked);
  assert.ok(Number.isSafeInteger(span.to) && span.to > span.from && span.to <= size);
  return "a part";
}

function readToken(bytes: Uint8Array): string {
  const token = parseTokenAnswer(bytes, NOW);
  if (token === undefined) return "none";
  assert.match(token.secret.reveal(), /^[\x21-\x7e]+$/);
  assert.ok(token.renewAtMs > NOW && token.renewAtMs <= NOW + DAY_MS, `${token.renewAtMs}`);
  return "read";
}

function readErrors(bytes: Uint8Array): string {
  const errors = parseServerErrors(bytes);
  assert.ok(errors.length <= 3);
  for (const text of errors.flatMap(({ code, message }) => [code, message])) {
    assert.ok(text.length <= 300);
    // eslint-disable-next-line no-control-regex -- these are what must not be there
    assert.doesNotMatch(text, /[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
  }
  return errors.length === 0 ? "none" : "read";
}

/** What a server named and we would ask. */
function checkNamed(named: URL, from: URL): void {
  assert.match(named.protocol, /^https?:$/);
  assert.deepEqual([named.username, named.password], ["", ""]);
  if (named.protocol === "http:") {
    assert.equal(from.protocol, "http:", "from https to http");
    assert.ok(allowsPlainHttp(named.host, []), named.host);
  }
  assert.doesNotMatch(redactUrl(named), /[\r\n]/);
}

async function* noBody(): AsyncGenerator<Uint8Array, void> {}

function answer(headers: HttpResponse["headers"], url: URL, status: number): HttpResponse {
  return { status, headers, url, body: noBody(), discard: () => undefined };
}
