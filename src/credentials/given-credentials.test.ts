import assert from "node:assert/strict";
import { test } from "node:test";
import { basic, never, revealed } from "./credential-fixture.ts";
import { fromAuthConfig } from "./auth-config.ts";
import { GivenCredentials } from "./given-credentials.ts";

const ignored = (): void => undefined;
const pair = { username: "bob", password: "pw" };
const usual = fromAuthConfig({ auth: basic("node:pw") }, "mirror.example", ignored);
assert.ok(usual);

const mirrorsOf = (domain: string): readonly string[] =>
  domain === "quay.io" ? ["pull.cluster.example:5000"] : [];

test("the same fields for the same registry are one object, and others another", () => {
  const given = new GivenCredentials(usual, mirrorsOf);
  const first = given.of(pair, "quay.io", ignored);
  assert.ok(first);
  assert.equal(given.of({ ...pair, serverAddress: "https://quay.io" }, "quay.io", ignored), first);
  for (const [config, domain] of [
    [pair, "gcr.io"],
    [{ ...pair, password: "PW" }, "quay.io"],
    [{ username: "bobpw", password: "pw" }, "quay.io"],
    [{ identityToken: "pw" }, "quay.io"],
    [{ registryToken: "pw" }, "quay.io"],
  ] as const) {
    const other = given.of(config, domain, ignored);
    assert.ok(other !== undefined && other !== first, JSON.stringify([config, domain]));
  }
});

test("given ones come before the usual ones, which are for the other hosts of a pull", async () => {
  const credentials = new GivenCredentials(usual, mirrorsOf).of(pair, "quay.io", ignored);
  const at = async (host: string): Promise<string> =>
    revealed(await credentials?.find({ host, repository: "a" }, never));
  assert.equal(await at("quay.io"), "bob:pw");
  assert.equal(await at("mirror.example"), "node:pw");
  assert.equal(await at("pull.cluster.example:5000"), "bob:pw");
  assert.equal(await at("pull.cluster.example"), "none");
  const others = new GivenCredentials(usual, mirrorsOf).of(pair, "gcr.io", ignored);
  const place = { host: "pull.cluster.example:5000", repository: "a" };
  assert.equal(await others?.find(place, never), undefined);
});

test("where nothing is given, or for another registry, the usual ones count alone", () => {
  const given = new GivenCredentials(usual, mirrorsOf);
  const told: string[] = [];
  const tell = (message: string): number => told.push(message);
  assert.equal(given.of(undefined, "quay.io", tell), undefined);
  assert.equal(given.of({}, "quay.io", tell), undefined);
  assert.equal(given.of(pair, undefined, tell), undefined);
  assert.deepEqual(told, []);
  assert.equal(given.of({ ...pair, serverAddress: "gcr.io" }, "quay.io", tell), undefined);
  assert.equal(told.length, 1);
});
