import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfig } from "./parse-config.ts";
import { signersKind } from "./trust-settings.ts";

const FINGERPRINT = "12045C8C0B1004D058DE4BEDA20C27EE7FF7BA84";

test("signers are read in each of their forms, and shown in one line", () => {
  const text = `trust:
  signers:
    - "1204 5C8C 0B10 04D0 58DE 4BED A20C 27EE 7FF7 BA84"
    - /etc/release.pub
    - certificate: /etc/release.pem
      roots: /etc/roots.pem
      subject: O=Example
    - {identity: "https://ci.example/app", issuer: "https://issuer.example", root: /etc/root.json}
  policyJson: system
`;
  const { file, problems } = parseConfig(text, "c.yaml");
  assert.deepEqual(problems, []);
  const { "trust.signers": signers = [] } = file.settings;
  assert.deepEqual(signers, [
    { kind: "openpgp", fingerprint: FINGERPRINT.toLowerCase() },
    { kind: "pem", path: "/etc/release.pub" },
    {
      kind: "certificate",
      path: "/etc/release.pem",
      roots: "/etc/roots.pem",
      subject: "O=Example",
    },
    {
      kind: "keyless",
      identity: "https://ci.example/app",
      issuer: "https://issuer.example",
      root: "/etc/root.json",
    },
  ]);
  assert.equal(
    signersKind.format(signers),
    `[${FINGERPRINT.toLowerCase()}, /etc/release.pub, /etc/release.pem from /etc/roots.pem for O=Example, ` +
      "https://ci.example/app of https://issuer.example by /etc/root.json]",
  );
  assert.equal(file.settings["trust.policyJson"], "system");
});

test("a policy.json is named by its absolute path", () => {
  const { file } = parseConfig("trust: {policyJson: /etc/policy.json}", "c.yaml");
  assert.equal(file.settings["trust.policyJson"], "/etc/policy.json");
});

const KEYLESS = "identity: a, issuer: b, root: /c";
const refusals = [
  { name: "a short fingerprint", signer: "A20C27EE7FF7BA84", message: /expected a signer/ },
  { name: "a relative path", signer: "release.pub", message: /expected a signer/ },
  { name: "a certificate without roots", signer: "{certificate: /a}", message: /both certificate/ },
  { name: "an identity alone", signer: "{identity: a}", message: /all of identity, issuer/ },
  {
    name: "both kinds at once",
    signer: `{${KEYLESS}, certificate: /a}`,
    message: /unknown key "certificate": expected identity, issuer and root/,
  },
  { name: "an unknown key", signer: "{cert: /a}", message: /unknown key "cert"/ },
  { name: "an empty identity", signer: "{identity: '', issuer: b, root: /c}", message: /identity/ },
  {
    name: "a relative root",
    signer: "{identity: a, issuer: b, root: c}",
    message: /absolute path/,
  },
];
for (const { name, signer, message } of refusals) {
  test(`a signer that is ${name} is refused with its line`, () => {
    const { problems } = parseConfig(`trust:\n  signers:\n    - ${signer}\n`, "c.yaml");
    assert.equal(problems.length, 1);
    assert.match(problems[0]?.message ?? "", message);
    assert.match(problems[0]?.message ?? "", /^c\.yaml:3: /);
  });
}

test("a policy.json that is no path is refused", () => {
  const { problems } = parseConfig("trust: {policyJson: policy.json}", "c.yaml");
  assert.match(problems[0]?.message ?? "", /absolute path/);
});
