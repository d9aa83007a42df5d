import assert from "node:assert/strict";
import { test } from "node:test";
import { keyServerUrl } from "./key-server-url.ts";

const rows = [
  ["hkps://keys.openpgp.org", "https://keys.openpgp.org/"],
  ["HKPS://Keys.OpenPGP.org", "https://keys.openpgp.org/"],
  ["hkps://keys.example:8443", "https://keys.example:8443/"],
  ["https://keys.example/a/b", "https://keys.example/a/b"],
  ["hkp://keys.example", "http://keys.example:11371/"],
  ["hkp://keys.example/a", "http://keys.example:11371/a"],
  ["hkp://keys.example:80", "http://keys.example/"],
  ["hkp://127.0.0.1:4000", "http://127.0.0.1:4000/"],
  ["hkp://[::1]", "http://[::1]:11371/"],
  ["hkp://[::1]:80/", "http://[::1]/"],
] as const;
for (const [text, url] of rows) {
  test(`${text} is asked at ${url}`, () => {
    assert.equal(keyServerUrl(text)?.href, url);
  });
}

for (const text of [
  ...["", "keys.example", "http://keys.example", "ldap://keys.example", "hkps://", "hkps:///x"],
  ...["hkps://user:pw@keys.example", "hkps://keys.example?x", "hkps://keys.example#x"],
  ...["hkps://keys .example", "hkps://keys.example:99999"],
]) {
  test(`${JSON.stringify(text)} is no key server`, () => {
    assert.equal(keyServerUrl(text), undefined);
  });
}
