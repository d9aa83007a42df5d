import assert from "node:assert/strict";
import { test } from "node:test";
import { keylessAuthority, readTrustedRoot, verifyImage } from "../../src/cosign/index.ts";
import { COSIGN_VECTORS } from "../fixtures/cosign/index.ts";
import { INDEX, NAME, never, startSignedImage } from "./signed-image.ts";
import { IDENTITY, ISSUER } from "./sigstore-fixture.ts";

test("signatures that were made once stay valid, each for the time at which it was made", async () => {
  await using on = await startSignedImage();
  const { payload, annotations } = JSON.parse(COSIGN_VECTORS.simpleSigning.toString()) as {
    readonly payload: string;
    readonly annotations: Readonly<Record<string, string>>;
  };
  on.tagSignatures(INDEX, [{ payload: Buffer.from(payload, "base64"), annotations }]);
  on.referBundle(INDEX, JSON.parse(COSIGN_VECTORS.bundle.toString()));
  on.referBundle(INDEX, JSON.parse(COSIGN_VECTORS.bundleTimestamp.toString()));
  const root = await readTrustedRoot(COSIGN_VECTORS.root, "root.json");
  const authority = keylessAuthority(root, IDENTITY, ISSUER);
  const options = { what: NAME, now: 0 };
  const evidence = await verifyImage(
    on.repository,
    { manifest: INDEX },
    [authority],
    options,
    never,
  );
  assert.deepEqual(
    evidence.map(({ format, verdict, reason, dockerReference }) => [
      format,
      verdict,
      reason,
      dockerReference,
    ]),
    [
      ["simple-signing", "valid", undefined, NAME],
      ["bundle", "valid", undefined, NAME],
      ["bundle", "valid", undefined, NAME],
    ],
  );
  assert.equal(new Set(evidence.map(({ signer }) => signer?.fingerprint)).size, 1);
  assert.ok(
    evidence.every(
      ({ signedAt = 0 }) => Math.abs(signedAt - (evidence[0]?.signedAt ?? 0)) < 60_000,
    ),
  );
});
