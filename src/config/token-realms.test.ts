import assert from "node:assert/strict";
import { test } from "node:test";
import { realmsIn } from "./token-realms.ts";

test("token services are those of the registry alone, in any spelling", () => {
  const realmsOf = realmsIn({ "Reg.example:5000": ["Auth.example"], constructor: ["x"] });
  assert.deepEqual(realmsOf("reg.EXAMPLE:5000"), ["auth.example"]);
  for (const host of ["reg.example", "example:5000", "toString", "__proto__"]) {
    assert.deepEqual(realmsOf(host), []);
  }
});
