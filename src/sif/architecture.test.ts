import assert from "node:assert/strict";
import { test } from "node:test";
import { goArchCode } from "./architecture.ts";

const codes = [
  ["386", "", "01"],
  ["amd64", "", "02"],
  ["amd64", "v3", "02"],
  ["arm", "v6", "03"],
  ["arm", "v7", "03"],
  ["arm64", "v8", "04"],
  ["ppc64", "", "05"],
  ["ppc64le", "", "06"],
  ["mips", "", "07"],
  ["mipsle", "", "08"],
  ["mips64", "", "09"],
  ["mips64le", "", "10"],
  ["s390x", "", "11"],
  ["riscv64", "", "12"],
  ["loong64", "", "13"],
] as const;

for (const [architecture, variant, code] of codes) {
  test(`goArchCode gives ${code} for ${architecture}${variant && `/${variant}`}`, () => {
    assert.equal(goArchCode(architecture, variant), code);
  });
}

for (const architecture of ["", "x86_64", "AMD64", "sparc64", "toString", "00"]) {
  test(`goArchCode refuses ${JSON.stringify(architecture)}`, () => {
    assert.throws(() => goArchCode(architecture, "v1"), { code: "SIF_ARCHITECTURE" });
  });
}

test("goArchCode names the variant it was asked for", () => {
  assert.throws(() => goArchCode("sparc", "v9"), /"sparc\/v9": expected one of 386, amd64, /);
});
