import assert from "node:assert/strict";
import { test } from "node:test";
import { checkRealmTrust } from "./realm.ts";

const rows = [
  { registry: "registry-1.docker.io", realm: "auth.docker.io", trusted: true },
  { registry: "registry.gitlab.com", realm: "gitlab.com", trusted: true },
  { registry: "r.test:5000", realm: "r.test:5001", trusted: true },
  { registry: "registry.corp.test", realm: "login.corp.test", trusted: true },
  { registry: "10.0.0.1:5000", realm: "10.0.0.1:8080", trusted: true },
  { registry: "10.0.0.1:5000", realm: "10.0.0.2:5000", trusted: false },
  { registry: "a.co.uk", realm: "b.co.uk", trusted: false },
  { registry: "a.github.io", realm: "b.github.io", trusted: false },
  { registry: "registry.corp.test", realm: "corp.test.evil.test", trusted: false },
  { registry: "registry", realm: "login", trusted: false },
  { registry: "registry", realm: "login", named: ["login"], trusted: true },
  { registry: "registry", realm: "login:444", named: ["login"], trusted: false },
  { registry: "registry", realm: "login:444", named: ["login:444"], trusted: true },
] as const;
for (const { registry, realm, trusted, ...row } of rows) {
  const named = "named" in row ? row.named : [];
  const verb = trusted ? "may" : "may not";
  test(`${realm} ${verb} see credentials of ${registry} (named: ${named.join()})`, async () => {
    const rules = {
      registry: new URL(`https://${registry}/v2/`),
      called: "it",
      allowsPlainHttp: (): boolean => false,
    };
    const checked = checkRealmTrust(rules, new URL(`https://${realm}/token`), named);
    if (trusted) await checked;
    else await assert.rejects(checked, { code: "REGISTRY_REALM" });
  });
}
