import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type ImageEvidence,
  parseDigest,
  type SignatureEvidence,
  type Verdict,
} from "../image/index.ts";
import { judge, type Proof } from "./judge.ts";

const [ALICE, BOB, EVE] = ["a", "b", "e"].map((digit) => digit.repeat(40)) as [
  string,
  string,
  string,
];
const CAROL = "carol@example.test (https://issuer.test)";
const TRUSTED = {
  fingerprints: new Set([ALICE, BOB]),
  signers: new Map([
    ["key alice", ALICE],
    ["key bob", BOB],
    ["keyless carol", CAROL],
  ]),
};

function signature(
  verdict: Verdict,
  fingerprint = ALICE,
  primary = true,
  code?: string,
): SignatureEvidence {
  return {
    format: "openpgp",
    verdict,
    ...(code !== undefined && { code, reason: "so it is" }),
    signer: { fingerprint },
    object: 4,
    covers: { group: 1, objects: [1], missing: [], primary },
  };
}

const IMAGE = parseDigest(`sha256:${"1".repeat(64)}`);
const BLOB = parseDigest(`sha256:${"2".repeat(64)}`);

/** A signature that lies beside the image in its registry. */
function besides(
  verdict: Verdict,
  authorities: readonly string[] = [],
  code?: string,
): ImageEvidence {
  const fault = code === undefined ? {} : { code, reason: "so it is" };
  return { format: "bundle", verdict, ...fault, signature: BLOB, image: IMAGE, authorities };
}

interface Case {
  readonly what: string;
  readonly signatures: readonly SignatureEvidence[];
  readonly ungrouped?: readonly number[];
  readonly beside?: readonly ImageEvidence[] | undefined;
  /** The code of the refusal under if-signed, and under required with one and with two signers. */
  readonly codes: readonly (string | undefined)[];
}

const REQUIRED = "TRUST_REQUIRED";
const cases: readonly Case[] = [
  { what: "no signature", signatures: [], codes: [undefined, REQUIRED, REQUIRED] },
  {
    what: "a signature by one who counts",
    signatures: [signature("valid")],
    codes: [undefined, undefined, REQUIRED],
  },
  {
    what: "two signatures by the same one",
    signatures: [signature("valid"), signature("valid")],
    codes: [undefined, undefined, REQUIRED],
  },
  {
    what: "signatures by two who count",
    signatures: [signature("valid"), signature("valid", BOB)],
    codes: [undefined, undefined, undefined],
  },
  {
    what: "a signature by somebody known who does not count",
    signatures: [signature("valid", EVE)],
    codes: [undefined, REQUIRED, REQUIRED],
  },
  {
    what: "a signature by nobody known, who says that it is one who counts",
    signatures: [signature("unknown-signer", ALICE, true, "SIGNATURE_SIGNER_UNKNOWN")],
    codes: [undefined, REQUIRED, REQUIRED],
  },
  {
    what: "one who counts and a stranger",
    signatures: [signature("valid"), signature("unknown-signer", EVE, true, "X")],
    codes: [undefined, undefined, REQUIRED],
  },
  {
    what: "a signature of something else than the root file system",
    signatures: [signature("valid", ALICE, false)],
    codes: [undefined, REQUIRED, REQUIRED],
  },
  {
    what: "a signature that is ignored",
    signatures: [signature("ignored", ALICE, true, "SIGNATURE_LEGACY")],
    codes: [undefined, REQUIRED, REQUIRED],
  },
  {
    what: "a broken signature beside good ones",
    signatures: [
      signature("valid"),
      signature("valid", BOB),
      signature("broken", EVE, false, "SIGNATURE_DATA"),
    ],
    codes: ["SIGNATURE_DATA", "SIGNATURE_DATA", "SIGNATURE_DATA"],
  },
  {
    what: "a signature beside it by one who counts",
    signatures: [],
    beside: [besides("valid", ["key alice"])],
    codes: [undefined, undefined, REQUIRED],
  },
  {
    what: "signatures in it and beside it by the same one",
    signatures: [signature("valid")],
    beside: [besides("valid", ["key alice"])],
    codes: [undefined, undefined, REQUIRED],
  },
  {
    what: "a signature in it and one beside it by another who counts",
    signatures: [signature("valid")],
    beside: [besides("valid", ["keyless carol"])],
    codes: [undefined, undefined, undefined],
  },
  {
    what: "one signature beside it that is two's who count",
    signatures: [],
    beside: [besides("valid", ["key bob", "keyless carol"])],
    codes: [undefined, undefined, undefined],
  },
  {
    what: "a signature beside it by one who counts elsewhere",
    signatures: [],
    beside: [besides("valid", ["key eve"])],
    codes: [undefined, REQUIRED, REQUIRED],
  },
  {
    what: "a signature beside it by nobody known",
    signatures: [],
    beside: [besides("unknown-signer", [], "SIGNATURE_SIGNER_UNKNOWN")],
    codes: [undefined, REQUIRED, REQUIRED],
  },
  {
    what: "a broken signature beside it, and a good one",
    signatures: [],
    beside: [besides("valid", ["key alice"]), besides("broken", [], "SIGNATURE_LOG")],
    codes: ["SIGNATURE_LOG", "SIGNATURE_LOG", "SIGNATURE_LOG"],
  },
  {
    what: "a good signature, and an object in no group",
    signatures: [signature("valid")],
    ungrouped: [9],
    codes: ["SIGNATURE_UNGROUPED", "SIGNATURE_UNGROUPED", "SIGNATURE_UNGROUPED"],
  },
  {
    what: "no signature, and an object in no group",
    signatures: [],
    ungrouped: [9],
    codes: [undefined, REQUIRED, REQUIRED],
  },
];

for (const { what, signatures, ungrouped = [], beside = [], codes } of cases) {
  const modes = [
    { mode: "if-signed", atLeast: 1 },
    { mode: "required", atLeast: 1 },
    { mode: "required", atLeast: 2 },
  ] as const;
  for (const [index, { mode, atLeast }] of modes.entries()) {
    const code = codes[index];
    test(`${what}, ${mode} of ${atLeast}: ${code ?? "accepted"}`, () => {
      const rule = { mode, atLeast, signers: [], where: "trust" };
      const proof: Proof = { signatures, ungrouped, beside };
      const judgement = judge("name", rule, TRUSTED, proof);
      assert.deepEqual([judgement.isAccepted, judgement.code], [code === undefined, code]);
    });
  }
}
