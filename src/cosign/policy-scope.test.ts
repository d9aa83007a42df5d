import assert from "node:assert/strict";
import { test } from "node:test";
import { parseImageName } from "../image/index.ts";
import { parsePolicyJson } from "./policy-json.ts";
import { type PolicyPlace, policyRequirements } from "./policy-scope.ts";

const DIGEST = `sha256:${"0".repeat(64)}`;

/** A policy in which each scope rejects as often as its place in the list says. */
function policyOf(scopes: readonly string[], transport = "docker"): Uint8Array {
  const byScope = Object.fromEntries(
    scopes.map((scope, at) => [scope, Array.from({ length: at + 2 }, () => ({ type: "reject" }))]),
  );
  const policy = { default: [{ type: "reject" }], transports: { [transport]: byScope } };
  return Buffer.from(JSON.stringify(policy));
}

/** Which of the scopes decides; undefined: the default. */
function decider(scopes: readonly string[], place: PolicyPlace): string | undefined {
  const policy = parsePolicyJson(policyOf(scopes, place.transport), "policy.json");
  const { where, requirements } = policyRequirements(policy, place);
  const scope = scopes[requirements.length - 2];
  const list =
    scope === undefined ? "default" : `transports.${place.transport}[${JSON.stringify(scope)}]`;
  assert.equal(where, `policy.json: ${list}`);
  return scope;
}

const rows = [
  ["r.test/a/b:1", ["r.test/a/b:1", "r.test/a/b", "r.test/a", "r.test", "*.test", ""]],
  ["a.b.test:5000/x:1", ["a.b.test:5000/x", "a.b.test:5000", "*.b.test", "*.test", ""]],
  [`r.test/a@${DIGEST}`, [`r.test/a@${DIGEST}`, "r.test/a", "r.test"]],
  [
    "busybox",
    [
      "docker.io/library/busybox:latest",
      "docker.io/library/busybox",
      "docker.io/library",
      "docker.io",
      "*.io",
    ],
  ],
  ["localhost/a:1", ["localhost/a:1", "localhost/a", "localhost", ""]],
] as const;
for (const [name, scopes] of rows) {
  test(`${name} goes by the most specific scope that there is`, () => {
    const place = { transport: "docker", name: parseImageName(name) } as const;
    const others = [
      "r.test/a/b:2",
      "r.test/a/bb",
      "*.r.test",
      "*.test:5000",
      "test",
      "*",
      "busybox",
    ];
    for (const from of scopes.keys()) {
      // In reverse, so that the order in the file cannot be what decides.
      const there = [...others, ...scopes.slice(from).toReversed()];
      assert.equal(decider(there, place), scopes[from]);
    }
    assert.equal(decider(others, place), undefined);
  });
}

test("a registry does not get past the rule for its domain by another port", () => {
  const place = { transport: "docker", name: parseImageName("evil.b.test:8443/x:1") } as const;
  assert.equal(decider(["*.b.test"], place), "*.b.test");
});

test("a path goes by itself, then by the directories above it, but not by the root", () => {
  const place = { transport: "sif", path: "/srv/images/a.sif" };
  const scopes = ["/srv/images/a.sif", "/srv/images", "/srv", ""];
  for (const from of scopes.keys()) {
    assert.equal(
      decider([...scopes.slice(from).toReversed(), "/", "/srv/im"], place),
      scopes[from],
    );
  }
  assert.equal(decider(["/", "/srv/im"], place), undefined);
});

test("the scopes of one transport are not those of another, and each has its own default", () => {
  const policy = parsePolicyJson(policyOf(["", "/srv"], "sif"), "policy.json");
  const docker = { transport: "docker", name: parseImageName("r.test/a") } as const;
  assert.equal(policyRequirements(policy, docker).requirements.length, 1);
  assert.equal(policyRequirements(policy, { transport: "sif", path: "/a" }).requirements.length, 2);
});
