import assert from "node:assert/strict";
import type { SignatureEvidence } from "../../src/image/index.ts";
import {
  readSif,
  signedDescriptorBytes,
  signedHeaderBytes,
  SifError,
  type SifDescriptor,
  type SifMetadata,
} from "../../src/sif/index.ts";
import { never, sourceOf } from "../../src/signing/signing-fixture.ts";
import { verifySif } from "../../src/signing/index.ts";
import { parseEcl } from "../../src/trust/index.ts";
import { TrustError } from "../../src/trust/index.ts";
import { fuzzTarget, type FuzzTarget } from "./fuzz-target.ts";
import { fuzzKeys, SIGNED_AT, signedFile, signingInput } from "./signing-inputs.ts";

const good = await signedFile();
const keys = fuzzKeys();
const original = await readSif(sourceOf(good), never);

/**
 * Signed files that were changed: whatever a valid signature covers has the bytes that were signed, header and
 * records too; and lists of who may have signed, which are read or refused with their line.
 */
export const signingTarget: FuzzTarget = fuzzTarget({
  inputs: signingInput(good),
  async answer(input) {
    try {
      if (input.kind === "list") {
        return parseEcl(input.text, "file") === undefined ? "list: off" : "list: on";
      }
      const file = sourceOf(input.bytes);
      const options = { now: SIGNED_AT + 60_000, legacyInsecure: true };
      const { signatures } = await verifySif(file, keys, options, never);
      const metadata = await readSif(file, never);
      for (const one of signatures) {
        if (one.verdict === "valid") assertCovered(one, input.bytes, metadata);
        else assert.ok(one.code?.startsWith("SIGNATURE_") === true && one.reason !== "");
      }
      return answerOf(signatures);
    } catch (error) {
      if (error instanceof SifError) return `file: ${error.code}`;
      if (!(error instanceof TrustError)) throw error;
      assert.match(error.message, /^file:[1-9][0-9]*: ./);
      return "list: TRUST_LIST";
    }
  },
  show: (input) =>
    input.kind === "list"
      ? JSON.stringify(input.text)
      : Buffer.from(input.bytes).toString("base64"),
  batch: 300,
  memoryMiB: 600,
});

/** The worst that was found, and whether anything was good beside it. */
function answerOf(signatures: readonly SignatureEvidence[]): string {
  const bad = signatures.find(({ verdict }) => verdict !== "valid");
  return bad === undefined ? "file: valid" : `file: ${bad.code ?? ""}`;
}

function assertCovered(
  { covers }: SignatureEvidence,
  bytes: Uint8Array,
  { header, descriptors }: SifMetadata,
): void {
  assert.ok(covers.objects.length > 0);
  assert.deepEqual(signedHeaderBytes(header), signedHeaderBytes(original.header));
  const covered = descriptors.filter(({ id }) => covers.objects.includes(id));
  const before = original.descriptors.filter(({ groupId }) => groupId === covered[0]?.groupId);
  const known = before.length === covered.length ? before : groupLike(covered);
  for (const [index, object] of covered.entries()) {
    const was = known[index];
    assert.ok(was !== undefined);
    assert.deepEqual(signedDescriptorBytes(object, 0), signedDescriptorBytes(was, 0));
    assert.deepEqual(dataOf(object, bytes), dataOf(was, good));
  }
}

/** A group may have been given another number: nothing signs it. */
function groupLike(covered: readonly SifDescriptor[]): readonly SifDescriptor[] {
  const groups = [1, 2].map((id) => original.descriptors.filter(({ groupId }) => groupId === id));
  return groups.find((group) => group.length === covered.length) ?? [];
}

function dataOf({ offset, size }: SifDescriptor, bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.subarray(offset, offset + size));
}
