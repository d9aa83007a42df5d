import assert from "node:assert/strict";
import { test } from "node:test";
import { formatCredentialKey, keysFor, parseCredentialKey } from "./credential-key.ts";

const spellings = [
  ["quay.io", "quay.io"],
  ["QUAY.io", "quay.io"],
  ["quay.io/", "quay.io"],
  ["quay.io/team", "quay.io/team"],
  ["quay.io/team/", "quay.io/team"],
  ["quay.io/v1", "quay.io"],
  ["quay.io/v2/", "quay.io"],
  ["https://quay.io", "quay.io"],
  ["HTTPS://quay.io/v1/", "quay.io"],
  ["http://quay.io:5000/any/path", "quay.io:5000"],
  ["[::1]:5000/a", "[::1]:5000/a"],
  ["docker.io", "docker.io"],
  ["index.docker.io", "docker.io"],
  ["registry-1.docker.io", "docker.io"],
  ["https://index.docker.io/v1/", "docker.io"],
  ["docker.io/library/alpine", "docker.io/library/alpine"],
  ["", ""],
] as const;

for (const [text, key] of spellings) {
  test(`the key ${JSON.stringify(text)} is for ${JSON.stringify(key)}`, () => {
    assert.equal(formatCredentialKey(parseCredentialKey(text)), key);
  });
}

interface Match {
  readonly name: string;
  readonly host: string;
  readonly repository: string;
  readonly keys: readonly string[];
  readonly found: readonly string[];
}

const matches: readonly Match[] = [
  {
    name: "the longest path first",
    host: "quay.io",
    repository: "a/b/c",
    keys: ["quay.io", "quay.io/a/b", "quay.io/a", "quay.io/a/b/c"],
    found: ["quay.io/a/b/c", "quay.io/a/b", "quay.io/a", "quay.io"],
  },
  {
    name: "no path that only begins alike",
    host: "quay.io",
    repository: "team-b/app",
    keys: ["quay.io/team", "quay.io/team-b/ap", "quay.io/team-b/app/x"],
    found: [],
  },
  {
    name: "no host that only begins or ends alike",
    host: "quay.io",
    repository: "a",
    keys: ["quay.io.evil.example", "evilquay.io", "quay.io:5000", "quay.i"],
    found: [],
  },
  {
    name: "the plain spelling before those with a scheme",
    host: "reg.example",
    repository: "a",
    keys: ["https://reg.example/v1/", "http://reg.example", "reg.example"],
    found: ["reg.example", "https://reg.example/v1/", "http://reg.example"],
  },
  {
    name: "Docker's spelling of its Hub before rarer ones",
    host: "docker.io",
    repository: "library/alpine",
    keys: ["registry-1.docker.io", "https://index.docker.io/v1/", "docker.io"],
    found: ["docker.io", "https://index.docker.io/v1/", "registry-1.docker.io"],
  },
  {
    name: "the Hub by another of its names",
    host: "registry-1.docker.io",
    repository: "library/alpine",
    keys: ["docker.io/library", "quay.io"],
    found: ["docker.io/library"],
  },
  {
    name: "a port only where it is asked for",
    host: "reg.example:5000",
    repository: "a",
    keys: ["reg.example", "reg.example:5000"],
    found: ["reg.example:5000"],
  },
];

for (const { name, host, repository, keys, found } of matches) {
  test(`of the keys for a place: ${name}`, () => {
    assert.deepEqual(keysFor(keys, { host, repository }), found);
  });
}
