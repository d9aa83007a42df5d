import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePolicyJson } from "./policy-json.ts";

function parse(policy: unknown): ReturnType<typeof parsePolicyJson> {
  return parsePolicyJson(Buffer.from(JSON.stringify(policy)), "policy.json");
}

const ANY = [{ type: "insecureAcceptAnything" }];
const SIGNED = { type: "sigstoreSigned", keyPath: "/k" };
const FULCIO = { caPath: "/ca", oidcIssuer: "https://i.test", subjectEmail: "a@b.test" };

test("a policy is read with all its transports, scopes and kinds of requirement", () => {
  const policy = parse({
    default: [{ type: "reject" }],
    transports: {
      docker: {
        "": ANY,
        "r.test/a": [
          { ...SIGNED, signedIdentity: { type: "matchRepository" } },
          { type: "signedBy", keyType: "GPGKeys", keyData: "AA==" },
        ],
      },
      sif: {},
    },
  });
  assert.deepEqual(policy.default, [{ type: "reject" }]);
  assert.deepEqual([...policy.transports.keys()], ["docker", "sif"]);
  assert.deepEqual(policy.transports.get("docker")?.get("r.test/a"), [
    {
      type: "sigstoreSigned",
      trust: { kind: "keys", keys: [{ kind: "file", path: "/k" }] },
      logs: undefined,
      signedIdentity: { type: "matchRepository" },
    },
    { type: "signedBy" },
  ]);
});

const signers = [
  {
    name: "keys in the policy",
    fields: { keyDatas: ["AA==", "AQ=="], rekorPublicKeyPaths: ["/r", "/s"] },
    trust: {
      kind: "keys",
      keys: [
        { kind: "data", bytes: Buffer.of(0) },
        { kind: "data", bytes: Buffer.of(1) },
      ],
    },
    logs: [
      { kind: "file", path: "/r" },
      { kind: "file", path: "/s" },
    ],
  },
  {
    name: "a Sigstore authority",
    fields: { fulcio: FULCIO, rekorPublicKeyData: "AA==" },
    trust: {
      kind: "fulcio",
      roots: { kind: "file", path: "/ca" },
      issuer: "https://i.test",
      email: "a@b.test",
    },
    logs: [{ kind: "data", bytes: Buffer.of(0) }],
  },
  {
    name: "an authority of one's own",
    fields: {
      pki: { caRootsPath: "/ca", caIntermediatesData: "AA==", subjectHostname: "h.test" },
    },
    trust: {
      kind: "pki",
      roots: { kind: "file", path: "/ca" },
      intermediates: { kind: "data", bytes: Buffer.of(0) },
      email: undefined,
      host: "h.test",
    },
    logs: undefined,
  },
] as const;
for (const { name, fields, trust, logs } of signers) {
  test(`sigstoreSigned by ${name} is read, and by default for the name that is asked for`, () => {
    assert.deepEqual(parse({ default: [{ type: "sigstoreSigned", ...fields }] }).default, [
      {
        type: "sigstoreSigned",
        trust,
        logs,
        signedIdentity: { type: "matchRepoDigestOrExact" },
      },
    ]);
  });
}

const identities = [
  [{ type: "matchExact" }, { type: "matchExact" }],
  [
    { type: "exactReference", dockerReference: "app:1" },
    {
      type: "exactReference",
      reference: { repository: "docker.io/library/app", suffix: ":1" },
    },
  ],
  [
    { type: "exactRepository", dockerRepository: "r.test:5000/app" },
    { type: "exactRepository", repository: "r.test:5000/app" },
  ],
  [
    { type: "remapIdentity", prefix: "m.test/x", signedPrefix: "r.test:5000" },
    { type: "remapIdentity", prefix: "m.test/x", signedPrefix: "r.test:5000" },
  ],
] as const;
for (const [written, read] of identities) {
  test(`the identity ${written.type} is read`, () => {
    const [requirement] = parse({ default: [{ ...SIGNED, signedIdentity: written }] }).default;
    assert.ok(requirement?.type === "sigstoreSigned");
    assert.deepEqual(requirement.signedIdentity, read);
  });
}

function signed(fields: object): object {
  return { default: [{ type: "sigstoreSigned", ...fields }] };
}

function identity(fields: object): object {
  return signed({ keyPath: "/k", signedIdentity: fields });
}

const refusals: readonly (readonly [string, unknown])[] = [
  ["that is a list", []],
  ["without a default", { transports: {} }],
  ["whose default is empty", { default: [] }],
  ["whose default is no list", { default: { type: "reject" } }],
  ["with an unknown member", { default: ANY, Default: ANY }],
  ["with transports of a wrong type", { default: ANY, transports: [] }],
  ["with scopes of a wrong type", { default: ANY, transports: { docker: ANY } }],
  ["with an empty list for a scope", { default: ANY, transports: { docker: { "": [] } } }],
  ["with a requirement that is none", { default: ["reject"] }],
  ["with a requirement without type", { default: [{}] }],
  ["with a requirement of an unknown type", { default: [{ type: "Reject" }] }],
  ["with a member more in reject", { default: [{ type: "reject", keyPath: "/k" }] }],
  ["with a signedBy without key", { default: [{ type: "signedBy", keyType: "GPGKeys" }] }],
  ["with a signedBy without keyType", { default: [{ type: "signedBy", keyPath: "/k" }] }],
  [
    "with a misspelt member in signedBy",
    { default: [{ type: "signedBy", keyType: "GPGKeys", keyPath: "/k", keypaths: [] }] },
  ],
  ["with a sigstoreSigned without key", signed({})],
  ["with a sigstoreSigned with two", signed({ keyPath: "/k", keyData: "AA==" })],
  ["with a sigstoreSigned with an unknown member", signed({ keyPath: "/k", keyType: "x" })],
  ["with an empty path", signed({ keyPath: "" })],
  ["with a list of no paths", signed({ keyPaths: [] })],
  ["with a list of other things", signed({ keyPaths: ["/k", 1] })],
  ["with data that is no base64", signed({ keyData: "A" })],
  [
    "with two kinds of log keys",
    signed({ keyPath: "/k", rekorPublicKeyPath: "/r", rekorPublicKeyData: "AA==" }),
  ],
  ["with fulcio without a log", signed({ fulcio: FULCIO })],
  [
    "with fulcio without an issuer",
    signed({ fulcio: { ...FULCIO, oidcIssuer: "" }, rekorPublicKeyPath: "/r" }),
  ],
  [
    "with fulcio with two roots",
    signed({ fulcio: { ...FULCIO, caData: "AA==" }, rekorPublicKeyPath: "/r" }),
  ],
  [
    "with an unknown member in fulcio",
    signed({ fulcio: { ...FULCIO, subject: "x" }, rekorPublicKeyPath: "/r" }),
  ],
  ["with pki for anybody", signed({ pki: { caRootsPath: "/ca" } })],
  ["with pki without roots", signed({ pki: { subjectEmail: "a@b.test" } })],
  ["with an identity that is none", identity([])],
  ["with an identity of an unknown type", identity({ type: "any" })],
  ["with a member more in an identity", identity({ type: "matchExact", prefix: "a.test" })],
  [
    "with a reference without tag",
    identity({ type: "exactReference", dockerReference: "r.test/a" }),
  ],
  [
    "with a repository that is none",
    identity({ type: "exactRepository", dockerRepository: "A B" }),
  ],
  [
    "with a prefix that has a tag",
    identity({ type: "remapIdentity", prefix: "r.test/a:1", signedPrefix: "b.test" }),
  ],
  [
    "with a prefix that ends in a slash",
    identity({ type: "remapIdentity", prefix: "r.test/", signedPrefix: "b.test" }),
  ],
  ["with a prefix without its counterpart", identity({ type: "remapIdentity", prefix: "r.test" })],
];
for (const [name, policy] of refusals) {
  test(`a policy ${name} is refused as a whole`, () => {
    assert.throws(() => parse(policy), { code: "POLICY_INVALID" });
  });
}

const texts = [
  [
    "with a member twice",
    '{"default":[{"type":"reject"}],"default":[{"type":"insecureAcceptAnything"}]}',
  ],
  [
    "with a scope twice",
    '{"default":[{"type":"reject"}],"transports":{"docker":{"a":[{"type":"reject"}],"a":[{"type":"reject"}]}}}',
  ],
  ["that is cut off", '{"default":[{"type":"reject"}]'],
  ["that is empty", ""],
] as const;
for (const [name, text] of texts) {
  test(`a policy ${name} is refused as a whole`, () => {
    assert.throws(() => parsePolicyJson(Buffer.from(text), "policy.json"), {
      code: "POLICY_INVALID",
    });
  });
}
