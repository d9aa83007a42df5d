import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { watch } from "../../fuzz/watch.ts";
import type { FuzzTargetName } from "./index.ts";

/** What the share of a target must have met: it shows that its inputs are neither all good nor bad. */
interface Share {
  readonly target: FuzzTargetName;
  readonly runs: number;
  readonly answers: readonly string[];
}

const shares: readonly Share[] = [
  {
    target: "library",
    runs: 4000,
    answers: [
      ...["image: sha256", "image: uuid", "image: none", "image: LIBRARY_PROTOCOL"],
      ...["refusal: said", "refusal: nothing", "remote: token", "remote: none", "remote: refused"],
    ],
  },
  {
    target: "archive",
    runs: 600,
    answers: [
      ...["read", "ARCHIVE_INVALID", "ARCHIVE_AMBIGUOUS", "NOT_FOUND", "JSON_INVALID"],
      ...["MANIFEST_INVALID", "DIGEST_INVALID", "CONTENT_SIZE_MISMATCH", "TAR_CHECKSUM"],
      ...["TAR_TRUNCATED", "LAYER_CORRUPT", "LAYER_TRUNCATED", "LIMIT_ARCHIVE_ENTRIES"],
      ...["LIMIT_ARCHIVE_BYTES"],
    ],
  },
  {
    target: "cosign",
    runs: 1500,
    answers: [
      ...["bundle: valid", "bundle: unreadable"],
      ...["bundle: SIGNATURE_LOG", "bundle: SIGNATURE_TIME", "bundle: SIGNATURE_FORMAT"],
      ...["payload: valid", "payload: unreadable"],
      ...["payload: SIGNATURE_SIGNER_UNKNOWN", "payload: SIGNATURE_LOG"],
      ...["root: read", "root: TRUSTED_ROOT_INVALID", "policy: read", "policy: POLICY_INVALID"],
    ],
  },
  {
    target: "credentials",
    runs: 5000,
    answers: [
      ...["config: none", "config: password", "config: identity-token", "config: registry-token"],
      ...[
        "config: CREDENTIALS_FILE",
        "legacy: none",
        "legacy: password",
        "legacy: CREDENTIALS_FILE",
      ],
      ...[
        "helper: none",
        "helper: password",
        "helper: identity-token",
        "helper: CREDENTIAL_HELPER",
      ],
      ...["call: none", "call: password", "call: identity-token", "call: registry-token"],
      ...["call: CREDENTIALS_INVALID"],
    ],
  },
  {
    target: "decompress",
    runs: 250,
    answers: ["read", "LAYER_CORRUPT", "LAYER_TRUNCATED", "LIMIT_LAYER_BYTES", "LIMIT_ZSTD_WINDOW"],
  },
  {
    target: "hosts",
    runs: 3000,
    answers: [
      ...["hosts.toml: mirrors", "hosts.toml: no mirrors", "hosts.toml: REGISTRY_CONFIG"],
      ...["registries.conf: rules", "registries.conf: no rules", "registries.conf: passed over"],
      ...["registries.conf: REGISTRY_CONFIG"],
    ],
  },
  { target: "image", runs: 50, answers: ["converted with gzip", "converted with zstd"] },
  {
    target: "registry",
    runs: 5000,
    answers: [
      ...[
        "challenge: none",
        "challenge: trusted",
        "challenge: stranger",
        "challenge: REGISTRY_REALM",
      ],
      ...[
        "redirect: followed",
        "redirect: HTTP_REDIRECT",
        "upload: goes on",
        "upload: HTTP_REDIRECT",
      ],
      ...["upload: REGISTRY_UPLOAD", "range: a part", "range: another one", "token: read"],
      ...["token: none", "errors: read", "errors: none"],
    ],
  },
  {
    target: "signing",
    runs: 600,
    answers: [
      ...[
        "file: valid",
        "file: SIGNATURE_FORMAT",
        "file: SIGNATURE_HEADER",
        "file: SIGNATURE_DATA",
      ],
      ...["file: SIGNATURE_DESCRIPTOR", "file: SIGNATURE_INVALID", "file: SIF_TABLE", "list: on"],
      ...["list: TRUST_LIST"],
    ],
  },
  {
    target: "sif",
    runs: 1500,
    answers: ["read", "read, no root", "SIF_MAGIC", "SIF_TABLE", "SIF_OBJECT"],
  },
  {
    target: "squashfs",
    runs: 800,
    answers: [
      ...["read", "SQUASHFS_SUPERBLOCK", "SQUASHFS_COMPRESSOR", "SQUASHFS_TABLE", "SQUASHFS_BLOCK"],
      ...["SQUASHFS_INODE", "SQUASHFS_DIRECTORY", "SQUASHFS_XATTR"],
    ],
  },
  {
    target: "tar",
    runs: 1500,
    answers: [
      ...["read", "TAR_CHECKSUM", "TAR_HEADER", "TAR_PAX", "TAR_SPARSE", "TAR_TYPE", "TAR_PATH"],
      ...["TAR_ID", "TAR_DEVICE", "TAR_TRUNCATED", "LIMIT_HEADER_BYTES", "LIMIT_PATH_BYTES"],
      ...["LIMIT_PATH_DEPTH", "LIMIT_LINK_TARGET_BYTES", "LIMIT_SPARSE_SEGMENTS"],
    ],
  },
];

// In processes of their own, as `npm run fuzz` has them: the memory of each is bounded, and the test
// runner's watch over every promise, which costs ten times their work, is not there.
describe("a fixed share of what `npm run fuzz` tries", () => {
  for (const { target, runs, answers } of shares) {
    test(target, async () => {
      const end = await watch([target, "1", "0", String(runs)]);
      assert.equal(end.failure, undefined, "what failed stands in its standard error");
      const missing = answers.filter((answer) => !end.answers.has(answer));
      assert.deepEqual(missing, [], JSON.stringify([...end.answers]));
    });
  }
});
