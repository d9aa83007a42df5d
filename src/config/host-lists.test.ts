import assert from "node:assert/strict";
import { test } from "node:test";
import { hostsListedIn } from "./host-lists.ts";

test("the hosts listed are those of the registry alone, in any spelling", () => {
  const hostsOf = hostsListedIn({ "Reg.example:5000": ["Auth.example"], constructor: ["x"] });
  assert.deepEqual(hostsOf("reg.EXAMPLE:5000"), ["auth.example"]);
  for (const host of ["reg.example", "example:5000", "toString", "__proto__"]) {
    assert.deepEqual(hostsOf(host), []);
  }
});
