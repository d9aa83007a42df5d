import assert from "node:assert/strict";
import { test } from "node:test";
import { closingLocation, uploadedBytes, uploadLocation } from "./upload-location.ts";

const DIGEST = `sha256:${"0".repeat(64)}`;
const ADDED = `digest=sha256%3A${"0".repeat(64)}`;

for (const [place, closing] of [
  ["https://h.test/u", `https://h.test/u?${ADDED}`],
  ["https://h.test/u?", `https://h.test/u?${ADDED}`],
  ["https://h.test/u?sig=a%2Fb+c", `https://h.test/u?sig=a%2Fb+c&${ADDED}`],
  ["https://h.test/u??sig=a", `https://h.test/u??sig=a&${ADDED}`],
] as const) {
  test(`an upload to ${place} ends with the digest behind what the host wrote`, () => {
    assert.equal(closingLocation(new URL(place), DIGEST).href, closing);
  });
}

for (const [range, bytes] of [
  ["0-0", 1],
  ["0-99", 100],
  ["bytes=0-99", 100],
  ["1-99", undefined],
  ["0--1", undefined],
  ["0-9999999999999999", undefined],
  ["", undefined],
] as const) {
  test(`a host that says Range: ${range} has ${bytes ?? "nothing that it tells of"}`, () => {
    assert.equal(uploadedBytes({ headers: { range } }), bytes);
  });
}

for (const [location, place] of [
  ["/u/1", "https://h.test/u/1"],
  ["1", "https://h.test/v2/a/1"],
  ["//other.test/u", "https://other.test/u"],
  ["https://other.test:444/u?x", "https://other.test:444/u?x"],
] as const) {
  test(`an upload goes on at the Location ${location}`, () => {
    const url = new URL("https://h.test/v2/a/uploads");
    const response = { url, headers: { location } };
    assert.equal(uploadLocation(response, "it").href, place);
  });
}
