import assert from "node:assert/strict";
import {
  CosignError,
  keylessAuthority,
  parsePolicyJson,
  policyRequirements,
  readTrustedRoot,
} from "../../src/cosign/index.ts";
import { checkSignature } from "../../src/cosign/check-signature.ts";
import type { ReadSignature } from "../../src/cosign/found-signature.ts";
import { readSigstoreBundle } from "../../src/cosign/sigstore-bundle.ts";
import { readSimpleSigning } from "../../src/cosign/simple-signing.ts";
import { parseImageName } from "../../src/image/index.ts";
import { COSIGN_VECTORS } from "../fixtures/cosign/index.ts";
import { digestOf } from "../fixtures/registry/index.ts";
import { type CosignInput, cosignInput } from "./cosign-inputs.ts";
import { fuzzTarget, type FuzzTarget } from "./fuzz-target.ts";

const IDENTITY = "https://ci.test/team/app/release.yml";
const ISSUER = "https://issuer.test";

/** Who signed the vectors, and the one digest that was signed. */
const authority = keylessAuthority(
  await readTrustedRoot(COSIGN_VECTORS.root, "root.json"),
  IDENTITY,
  ISSUER,
);
const { payload } = JSON.parse(COSIGN_VECTORS.simpleSigning.toString()) as { payload: string };
const SIGNED = /sha256:[0-9a-f]{64}/.exec(Buffer.from(payload, "base64").toString())?.[0] ?? "";

/** When the vectors were made, within a minute. */
const SIGNED_AT =
  Number(/"integratedTime": "([0-9]+)"/.exec(COSIGN_VECTORS.bundle.toString())?.[1]) * 1000;

/**
 * Signatures that registries give out, checked against who made the vectors: whatever was changed, what is
 * found valid is for the one image that was signed, and for the time at which it was. And roots and policies of operators: read, or
 * refused with a code of their own.
 */
export const cosignTarget: FuzzTarget = fuzzTarget({
  inputs: cosignInput,
  async answer(input) {
    try {
      return `${input.kind}: ${await answerOf(input)}`;
    } catch (error) {
      if (!(error instanceof CosignError)) throw error;
      return `${input.kind}: ${error.code}`;
    }
  },
  show: ({ bytes, ...input }) =>
    `${JSON.stringify(input)} ${JSON.stringify(Buffer.from(bytes).toString("latin1"))}`,
  batch: 500,
  memoryMiB: 600,
});

async function answerOf(input: CosignInput): Promise<string> {
  const { bytes } = input;
  const image = digestOf(Buffer.from("image"));
  switch (input.kind) {
    case "bundle":
      return await verdictOn(readSigstoreBundle(bytes, digestOf(bytes), image));
    case "payload": {
      const mediaType = "application/vnd.dev.cosign.simplesigning.v1+json";
      const { annotations } = input;
      const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length, annotations };
      return await verdictOn(readSimpleSigning(bytes, descriptor, image));
    }
    case "root":
      assert.equal((await readTrustedRoot(bytes, "root.json")).source, "root.json");
      return "read";
    case "policy": {
      const policy = parsePolicyJson(bytes, "policy.json");
      const name = parseImageName("r.test/a:1");
      const { requirements } = policyRequirements(policy, { transport: "docker", name });
      assert.ok(requirements.length > 0, "no image is let in by an empty list");
      return "read";
    }
  }
}

async function verdictOn(read: ReadSignature): Promise<string> {
  if (read === "another purpose") return read;
  if ("reason" in read) return "unreadable";
  const outcome = await checkSignature(read, authority, 0);
  if (outcome.kind !== "valid") return outcome.code;
  assert.deepEqual(read.digests, [SIGNED]);
  assert.ok(Math.abs((outcome.signedAt ?? 0) - SIGNED_AT) < 60_000, "the time is the proved one");
  return "valid";
}
