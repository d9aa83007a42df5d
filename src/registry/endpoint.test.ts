import assert from "node:assert/strict";
import { test } from "node:test";
import { endpoint } from "./endpoint.ts";
import { originEndpoint } from "./registry-endpoint.ts";

const https = { allowsPlainHttp: (): boolean => false };

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
for (const { url, domain, repository, reference } of urls) {
  test(`${domain}/${repository} ${reference} is at ${url}`, () => {
    const origin = originEndpoint(domain, https);
    assert.equal(endpoint(origin, repository, "manifests", reference).href, url);
  });
}

test("plain http is spoken where it is allowed", () => {
  const plain = { allowsPlainHttp: (host: string) => host === "localhost:5000" };
  const url = endpoint(originEndpoint("localhost:5000", plain), "a", "blobs", "sha256:00");
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
    assert.throws(
      () => endpoint(originEndpoint(domain, https), repository, "manifests", reference),
      { name: "Error" },
    );
  });
}
