import assert from "node:assert/strict";
import { test } from "node:test";
import { endpoint } from "./endpoint.ts";

const https = (): boolean => false;

const urls = [
  {
    domain: "docker.io",
    repository: "library/a",
    reference: "1",
    url: "https://registry-1.docker.io/v2/library/a/manifests/1",
  },
  {
    domain: "r.test:5000",
    repository: "a/b__c",
    reference: "sha256:00",
    url: "https://r.test:5000/v2/a/b__c/manifests/sha256:00",
  },
  {
    domain: "[::1]:5000",
    repository: "a",
    reference: "V1.0_-",
    url: "https://[::1]:5000/v2/a/manifests/V1.0_-",
  },
  { domain: "Docker", repository: "a", reference: "1", url: "https://docker/v2/a/manifests/1" },
];
for (const { url, reference, ...name } of urls) {
  test(`${name.domain}/${name.repository} ${reference} is at ${url}`, () => {
    assert.equal(endpoint(name, "manifests", reference, https).href, url);
  });
}

test("plain http is spoken where it is allowed", () => {
  const name = { domain: "localhost:5000", repository: "a" };
  const url = endpoint(name, "blobs", "sha256:00", (host) => host === "localhost:5000");
  assert.equal(url.href, "http://localhost:5000/v2/a/blobs/sha256:00");
});

const traps = [
  ["r.test", "..", "1"],
  ["r.test", "a/../..", "1"],
  ["r.test", "a", ".."],
  ["r.test", "a", "%2e%2e"],
  ["r.test", "%2e%2e/a", "1"],
  ["r.test", "a", "1/../../b"],
  ["r.test", "a", "1?ns=x"],
  ["r.test", "a#", "1"],
  ["r.test", "a\\..", "1"],
  ["r.test", "a", "1\r\nx: y"],
  ["r.test", "a", ""],
  ["user@r.test", "a", "1"],
  ["r.test/x", "a", "1"],
  ["", "a", "1"],
] as const;
for (const [domain, repository, reference] of traps) {
  test(`a name with ${JSON.stringify([domain, repository, reference])} enters no URL`, () => {
    assert.throws(() => endpoint({ domain, repository }, "manifests", reference, https), {
      name: "Error",
    });
  });
}
