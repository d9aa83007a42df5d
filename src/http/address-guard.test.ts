import assert from "node:assert/strict";
import { test } from "node:test";
import {
  guardedLookup,
  isMetadataName,
  kindOfAddress,
  mayConnect,
  reachFrom,
} from "./address-guard.ts";

const kinds = {
  public: ["8.8.8.8", "172.15.255.255", "172.32.0.0", "2606:4700::1", "64:ff9b::808:808"],
  private: [
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "fd12::1",
    "::ffff:10.0.0.1",
    "64:ff9b::10.0.0.1",
    "2002:a00:1::1",
  ],
  loopback: [
    "127.0.0.1",
    "127.255.0.1",
    "::1",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
  ],
  special: [
    "0.0.0.0",
    "169.254.169.254",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "febf::1",
    "ff02::1",
    "fd00:ec2::254",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
  ],
} as const;
for (const [kind, addresses] of Object.entries(kinds)) {
  for (const address of addresses) {
    test(`${address} is ${kind}`, () => {
      assert.equal(kindOfAddress(address), kind);
    });
  }
}

const names = [
  ["metadata.google.internal", true],
  ["metadata.google.internal.", true],
  ["METADATA.goog", true],
  ["metadata", true],
  ["instance-data", true],
  ["instance-data.ec2.internal", true],
  ["instance-data.eu-west-1.compute.internal", true],
  ["api.metadata.cloud.ibm.com", true],
  ["metadata.tencentyun.com", true],
  ["metadata.example.com", false],
  ["registry.corp.internal", false],
  ["my-metadata.internal", false],
  ["metadata.goog.example.com", false],
] as const;
for (const [name, isMetadata] of names) {
  test(`${name} ${isMetadata ? "is" : "is not"} the name of a metadata service`, () => {
    assert.equal(isMetadataName(name), isMetadata);
  });
}

const reaches = [
  { reach: "named", allowed: ["public", "private", "loopback", "special"] },
  { reach: "loopback", allowed: ["public", "private", "loopback"] },
  { reach: "private", allowed: ["public", "private"] },
  { reach: "public", allowed: ["public"] },
] as const;
for (const { reach, allowed } of reaches) {
  test(`a hop of reach ${reach} may connect to ${allowed.join(", ")} addresses only`, () => {
    const all = ["public", "private", "loopback", "special"] as const;
    assert.deepEqual(
      all.filter((kind) => mayConnect(reach, kind)),
      allowed,
    );
  });
}

const origins = [
  { from: [], reach: "public" },
  { from: ["loopback", "loopback"], reach: "loopback" },
  { from: ["loopback", "private"], reach: "private" },
  { from: ["private", "public"], reach: "public" },
  { from: ["loopback", "special"], reach: "public" },
] as const;
for (const { from, reach } of origins) {
  test(`redirects from a host with addresses [${from.join(", ")}] have the reach ${reach}`, () => {
    assert.equal(reachFrom(from), reach);
  });
}

/** What the guard lets through of a host with these addresses. */
function lookUp(
  addresses: readonly string[],
  all: boolean,
  allowed: readonly string[] = [],
): Promise<unknown> {
  const resolve = (): Promise<{ address: string; family: number }[]> =>
    Promise.resolve(addresses.map((address) => ({ address, family: 4 })));
  const lookup = guardedLookup(
    new URL("https://a.test"),
    "public",
    resolve,
    () => undefined,
    (address) => allowed.includes(address),
  );
  return new Promise((done, fail) => {
    lookup("a.test", { all }, (error, address) => {
      if (error === null) done(address);
      else fail(error);
    });
  });
}

test("the look-up passes on only addresses that may be connected to", async () => {
  const mixed = ["169.254.169.254", "8.8.8.8", "10.0.0.1"];
  assert.deepEqual(await lookUp(mixed, true), [{ address: "8.8.8.8", family: 4 }]);
  assert.equal(await lookUp(mixed, false), "8.8.8.8");
});

test("the look-up passes on what the operator lets servers name", async () => {
  const allowed = ["10.0.0.1"];
  assert.equal(await lookUp(["10.0.0.2", "10.0.0.1"], false, allowed), "10.0.0.1");
  await assert.rejects(lookUp(["10.0.0.2"], false, allowed), { code: "HTTP_ADDRESS_REFUSED" });
});

test("no operator lets servers name a metadata service", async () => {
  const allowed = ["169.254.169.254"];
  await assert.rejects(lookUp(allowed, false, allowed), { code: "HTTP_ADDRESS_REFUSED" });
});

for (const all of [true, false]) {
  test(`the look-up of a host with no such address is refused (all: ${all})`, async () => {
    await assert.rejects(lookUp(["10.0.0.1"], all), { code: "HTTP_ADDRESS_REFUSED" });
  });
}

for (const all of [true, false]) {
  test(`a host without addresses is not found (all: ${all})`, async () => {
    await assert.rejects(lookUp([], all), { code: "ENOTFOUND" });
  });
}
