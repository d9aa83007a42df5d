import assert from "node:assert/strict";
import { test } from "node:test";
import type { SignatureEvidence, Verdict } from "../image/index.ts";
import { refusalOf, type ControlMode } from "./execution-control-list.ts";
import { parseEcl } from "./parse-ecl.ts";

const [A, B, C] = ["a", "b", "c"].map((digit) => digit.repeat(40)) as [string, string, string];

function list(mode: ControlMode, keys: readonly string[] = [A, B]): string {
  const quoted = keys.map((key) => `"${key.toUpperCase()}"`).join(", ");
  return `activated = true\n[[execgroup]]\ntagname = "one"\nmode = "${mode}"\ndirpath = "/images"\nkeyfp = [${quoted}]\n`;
}

function signed(fingerprint: string, group = 1, verdict: Verdict = "valid"): SignatureEvidence {
  return {
    format: "openpgp",
    verdict,
    signer: { fingerprint },
    object: 9,
    covers: { group, objects: [1], missing: [], primary: group === 1 },
  };
}

interface Case {
  readonly what: string;
  readonly signatures: readonly SignatureEvidence[];
  readonly groups?: number;
  readonly accepted: readonly ControlMode[];
}

const MODES: readonly ControlMode[] = ["whitelist", "whitestrict", "blacklist"];

const cases: readonly Case[] = [
  { what: "nothing", signatures: [], accepted: [] },
  { what: "one of those listed", signatures: [signed(A)], accepted: ["whitelist"] },
  {
    what: "all who are listed",
    signatures: [signed(A), signed(B)],
    accepted: ["whitelist", "whitestrict"],
  },
  { what: "somebody else", signatures: [signed(C)], accepted: ["blacklist"] },
  {
    what: "one of those listed, half of the groups",
    signatures: [signed(A), signed(C, 2)],
    groups: 2,
    accepted: [],
  },
  {
    what: "one of those listed, all groups",
    signatures: [signed(A), signed(A, 2)],
    groups: 2,
    accepted: ["whitelist"],
  },
  {
    what: "one of those listed and a stranger",
    signatures: [signed(A), signed(C, 1, "unknown-signer")],
    accepted: [],
  },
  { what: "somebody, badly", signatures: [signed(C, 1, "broken")], accepted: [] },
  { what: "one of those listed, long ago", signatures: [signed(A, 1, "ignored")], accepted: [] },
];

for (const { what, signatures, groups = 1, accepted } of cases) {
  for (const mode of MODES) {
    const isAccepted = accepted.includes(mode);
    test(`${mode}: what ${what} signed is ${isAccepted ? "accepted" : "refused"}`, () => {
      const parsed = parseEcl(list(mode), "/ecl.toml");
      assert.ok(parsed !== undefined);
      const refusal = refusalOf(parsed, "/images", signatures, groups);
      assert.equal(refusal === undefined, isAccepted, refusal);
    });
  }
}

test("a group is for the files right in its directory, and one without for all others", () => {
  const other = `[[execgroup]]\nmode = "blacklist"\ndirpath = ""\nkeyfp = ["${A}"]\n`;
  const only = parseEcl(list("whitelist"), "/ecl.toml");
  const both = parseEcl(list("whitelist") + other, "/ecl.toml");
  assert.ok(only !== undefined && both !== undefined);
  const refused = (parsed: typeof only, directory: string): boolean =>
    refusalOf(parsed, directory, [signed(A)], 1) !== undefined;
  assert.deepEqual(
    [refused(only, "/images"), refused(only, "/images/x"), refused(only, "/")],
    [false, true, true],
  );
  assert.deepEqual([refused(both, "/images"), refused(both, "/images/x")], [false, true]);
  assert.equal(refusalOf(both, "/images/x", [signed(B)], 1), undefined);
});

test("a list that is not switched on says nothing, and is read all the same", () => {
  assert.equal(parseEcl(list("whitelist").replace("true", "false"), "/ecl.toml"), undefined);
  assert.equal(parseEcl("", "/ecl.toml"), undefined);
  const broken = `activated = false\n[[execgroup]]\nmode = "graylist"\n`;
  assert.throws(() => parseEcl(broken, "/ecl.toml"), { code: "TRUST_LIST" });
});

test("a signature of before 3.6 counts for lists that take such, and for the root file system alone", () => {
  const legacy = (primary: boolean, verdict: Verdict = "valid"): SignatureEvidence => ({
    ...signed(A, 1, verdict),
    format: "legacy",
    covers: { objects: [1], missing: [], primary },
  });
  const taking = parseEcl(`legacyinsecure = true\n${list("whitelist")}`, "/ecl.toml");
  const other = parseEcl(list("whitelist"), "/ecl.toml");
  assert.ok(taking !== undefined && other !== undefined);
  const isRefused = (parsed: typeof other, ...found: readonly SignatureEvidence[]): boolean =>
    refusalOf(parsed, "/images", found, 1) !== undefined;
  assert.equal(isRefused(taking, legacy(true)), false);
  assert.equal(isRefused(taking, legacy(false)), true, "of the definition file, say");
  assert.equal(isRefused(taking, legacy(true), legacy(false, "broken")), true);
  assert.equal(isRefused(other, legacy(true)), true);
  assert.equal(isRefused(other, legacy(true), signed(A)), false);
});

test("a list may take signatures of before 3.6", () => {
  assert.equal(parseEcl(list("whitelist"), "x")?.legacyInsecure, false);
  assert.equal(parseEcl(`legacyinsecure = true\n${list("whitelist")}`, "x")?.legacyInsecure, true);
});

const broken: readonly { name: string; text: string; line: number }[] = [
  { name: "no TOML", text: "activated = ", line: 1 },
  { name: "an unknown key", text: "actived = true", line: 1 },
  { name: "an unknown key of a group", text: `${list("whitelist")}x = 1\n`, line: 7 },
  { name: "a switch that is a text", text: 'activated = "yes"', line: 1 },
  { name: "a mode that is none", text: list("whitelist").replace("whitelist", "white"), line: 4 },
  {
    name: "a directory that is not absolute",
    text: list("whitelist").replace("/images", "images"),
    line: 5,
  },
  {
    name: "a directory with dots",
    text: list("whitelist").replace("/images", "/a/../images"),
    line: 5,
  },
  { name: "a fingerprint too short", text: list("whitelist", ["abcd"]), line: 6 },
  {
    name: "a directory twice",
    text: list("whitelist") + list("blacklist").replace("activated = true\n", ""),
    line: 2,
  },
];

for (const { name, text, line } of broken) {
  test(`a list with ${name} is refused with its line`, () => {
    assert.throws(() => parseEcl(text, "/etc/ecl.toml"), {
      code: "TRUST_LIST",
      message: new RegExp(`^/etc/ecl\\.toml:${line}: `),
    });
  });
}
